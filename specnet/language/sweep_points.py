"""Whether a document takes the values that its sweep may choose: found out by putting them in, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from specnet.diagnostics import Diagnostic, KeyPath, Label, SpecError
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped, listed
from specnet.language.overrides import key_path
from specnet.language.parsing import parsed_leniently
from specnet.language.spec import Spec
from specnet.language.sweep import Sweep
from specnet.language.sweep_parameter import choice_shown, is_set, meets, overrides_of, written
from specnet.language.wording import shown

AT: KeyPath = ("sweep", "parameters")

NO_KEY, NO_VALUE = "SN240", "SN241"

_UNKNOWN = frozenset({"SN109", "SN202"})
"""What is found where an override names no key."""

Check = Callable[[Spec], list[Diagnostic]]


@dataclass(frozen=True, slots=True)
class Probe:
    """One value of one parameter, with values of others on which it depends."""

    name: str
    place: KeyPath
    """Where the value is written, below the parameter."""
    value: Any
    chosen: Mapping[str, Any]
    """The values of all parameters that are set."""

    @property
    def path(self) -> KeyPath:
        """Where the value is written."""
        return (*AT, self.name, *self.place)


def point_faults(spec: Spec, check: Check | None = None) -> list[Diagnostic]:
    """Return what is wrong with the values of a document's sweep: the ends of ranges, and each choice.

    Each is tried alone, together with what its conditions name, and with each choice of a key above its own; all other
    keys are as the document has them. `check` finds what is wrong with a spec that is valid, such as its shapes.
    """
    sweep = spec.sweep
    if sweep is None:
        return []
    found: list[Diagnostic] = list(_variable_faults(spec, sweep))
    unknown = {each.path[2] for each in found} | {each.path[2] for each in _twice(spec, sweep, found)}
    refused: set[tuple[str, str]] = set()
    for name in overrides_of(sweep.parameters):  # what lies above other keys first
        if name not in unknown:
            found += _of_parameter(spec, sweep, name, check, refused)
    return found


def probes(sweep: Sweep, name: str) -> Iterator[Probe]:
    """Yield the values of a parameter that must be right, in the contexts that they may be in."""
    parameter = sweep.parameters[name]
    base = _conditions_met(sweep, name)
    contexts = [base]
    own = key_path(name) or ()
    for other, above in sweep.parameters.items():
        path = key_path(other) or ()
        if other == name or other in base or above.choices is None or own[: len(path)] != path:
            continue
        contexts = [
            {**_conditions_met(sweep, other), other: choice, **base}
            for choice in above.choices
            if is_set(parameter, {**base, other: choice})
        ]
    for place, value in parameter.probes:
        for context in contexts:
            yield Probe(name, place, value, {**context, name: value})


def _conditions_met(sweep: Sweep, name: str) -> dict[str, Any]:
    """Return values of other parameters with which a parameter is set."""
    chosen: dict[str, Any] = {}
    for other, wanted in sweep.parameters[name].when.items():
        first = wanted[0] if isinstance(wanted, list) else wanted
        choices = sweep.parameters[other].choices or ()
        chosen |= _conditions_met(sweep, other)
        chosen[other] = next(choice for choice in choices if meets(choice, first))
    return chosen


def variables_of(spec: Spec) -> list[str]:
    """Return the names of the variables that a document, or one that it extends, sets."""
    source = spec.source
    own = source.own or ({} if source.source is None else parsed_leniently(source.source).data)
    tables = [part.data.get("variables") for part in source.extended] + [own.get("variables")]
    names = [name for table in tables if isinstance(table, dict) for name in table]
    set_by_flags = [str(each.path[1]) for each in source.overrides if each.path[:1] == ("variables",)]
    return list(dict.fromkeys([*names, *set_by_flags]))


def _variable_faults(spec: Spec, sweep: Sweep) -> Iterator[Diagnostic]:
    """Yield the variables that a document does not have: an override would add them, and nothing would use them."""
    known = variables_of(spec)
    for name in sweep.parameters:
        path = key_path(name) or ()
        if path[:1] != ("variables",) or (len(path) > 1 and path[1] in known):
            continue
        wanted = path[1] if len(path) > 1 else ""
        meant = closest(wanted, known)
        message = f"there is no variable `{clipped(wanted)}`" + (
            f"; did you mean `{meant}`?" if meant else ""
        )
        help = f"the variables are {listed(list(known))}" if known else "[variables] sets them: name = value"
        yield Diagnostic(NO_KEY, message, (*AT, name), "key", help=help)


def _twice(spec: Spec, sweep: Sweep, found: list[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield, and add to the findings, the parameters that are the same key as another one."""
    seen: dict[KeyPath, str] = {}
    for name, parameter in sweep.parameters.items():
        try:
            made = spec.replace({name: parameter.probes[0][1]})
        except SpecError:
            continue
        path = made.source.overrides[-1].path if made.source.overrides else (name,)
        earlier = seen.setdefault(path, name)
        if earlier != name:
            label = Label("it is varied here", (*AT, earlier), "key")
            message = f"`{clipped(name)}` and `{clipped(earlier)}` are the same key"
            finding = Diagnostic(NO_KEY, message, (*AT, name), "key", labels=(label,))
            found.append(finding)
            yield finding


def _of_parameter(
    spec: Spec, sweep: Sweep, name: str, check: Check | None, refused: set[tuple[str, str]]
) -> list[Diagnostic]:
    """Return what is wrong with the values of a parameter; one finding for each place of a value.

    The choices that are wrong are added to `refused`, and nothing is tried together with those that are there.
    """
    found: dict[KeyPath, Diagnostic] = {}
    tried: set[KeyPath] = set()
    nowhere: list[Diagnostic] = []
    for probe in probes(sweep, name):
        tried.add(probe.place)
        if probe.place in found or any(
            (key, written(value)) in refused for key, value in probe.chosen.items()
        ):
            continue
        faults = _faults(spec, probe, check)
        if not faults:
            continue
        first = next((each for each in faults if each.code in _UNKNOWN), faults[0])
        if first.code in _UNKNOWN:
            nowhere.append(_no_key(probe, first))
        found[probe.place] = _no_value(probe, first)
    refused |= {(name, written(value)) for place, value in sweep.parameters[name].probes if place in found}
    if nowhere and len(nowhere) == len(found) == len(tried):  # no value would do
        return [nowhere[0]]
    return list(found.values())


def _faults(spec: Spec, probe: Probe, check: Check | None) -> list[Diagnostic]:
    """Return what is wrong with the document with a value."""
    try:
        made = spec.replace(overrides_of(probe.chosen))
        found = [] if check is None else check(made)
    except SpecError as error:
        found = list(error.diagnostics)
    return [each for each in found if each.severity == "error"]


def _with(probe: Probe) -> str:
    others = [f"{key} = {choice_shown(value)}" for key, value in probe.chosen.items() if key != probe.name]
    return f" with {', '.join(others)}" if others else ""


def _no_key(probe: Probe, fault: Diagnostic) -> Diagnostic:
    message = f"{clipped(fault.message, 200)}{_with(probe)}"
    help = fault.help
    if _with(probe):
        help = f"`when` says with which value of the other parameter `{clipped(probe.name)}` is set"
    return Diagnostic(NO_KEY, message, (*AT, probe.name), "key", help=help)


def _whole_wanted(fault: Diagnostic) -> bool:
    return "whole number" in fault.message


def _no_value(probe: Probe, fault: Diagnostic) -> Diagnostic:
    """Return that a value is not valid, with what the document says where it is put."""
    end = probe.place[0] if probe.place[0] in ("low", "high") else "choice"
    what = f"`{end}`" if end != "choice" else f"the choice {choice_shown(probe.value)}"
    message = f"{what} is not valid{_with(probe)}: {clipped(fault.message, 300)}"
    help = fault.help
    if (
        isinstance(probe.value, float)
        and f"not {shown(probe.value)}" in fault.message
        and _whole_wanted(fault)
    ):
        help = "add integer = true, for whole numbers only"
    labels: tuple[Label, ...] = ()
    if not fault.file or not fault.file.startswith("override "):
        labels = (Label("this would not fit", fault.path, fault.part),)
    return Diagnostic(NO_VALUE, message, probe.path, help=help, labels=labels)
