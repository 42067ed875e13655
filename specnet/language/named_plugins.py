"""The plugins that a document names, and the kinds that it takes from them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from specnet.diagnostics import Diagnostic, KeyPath
from specnet.diagnostics.text import clipped
from specnet.language.kinds import FAMILIES, unknown_message
from specnet.language.plugins import (
    NAME,
    Plugin,
    PluginFault,
    declared,
    load_plugin,
    loaded_plugins,
    normalized,
)
from specnet.vocabulary.family import Family
from specnet.vocabulary.kind import Kind, Table

KEY = "plugins"

_UNKNOWN = re.compile(r"` is not an? [a-z ]+\Z")
"""How the message ends about a name that resembles nothing and is of no other family."""

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class UsedKind:
    """A kind from outside of specnet that a spec uses."""

    path: KeyPath
    family: Family[Any]
    kind: type[Kind]
    owners: frozenset[str | None]
    """The plugins that registered it; None stands for the program that runs."""

    @property
    def type(self) -> str:
        """Its name in documents."""
        return str(self.kind.model_fields["type"].default)


def names_of(data: Any) -> list[tuple[KeyPath, str]]:
    """Return the names of plugins in a document's data, leaving out what cannot be one."""
    given = data.get(KEY) if isinstance(data, dict) else None
    if not isinstance(given, list | tuple):
        return []
    return [
        ((KEY, place), name)
        for place, name in enumerate(given)
        if isinstance(name, str) and re.fullmatch(NAME, name)
    ]


def load_named(data: dict[str, Any], *, imports: bool) -> list[Diagnostic]:
    """Import the plugins that a document names, and return what is wrong with them.

    Without `imports`, each that this process has not imported yet is an error.
    """
    found: list[Diagnostic] = []
    seen: set[str] = set()
    for path, name in names_of(data):
        if normalized(name) in seen:
            continue
        seen.add(normalized(name))
        if not imports and normalized(name) not in loaded_plugins():
            message = f"the plugin `{clipped(name)}` is not imported: this check is confined"
            help = "--plugins allows it, and runs the code of that distribution"
            found.append(Diagnostic("SN224", message, path, help=help))
            continue
        try:
            load_plugin(name)
        except PluginFault as fault:
            found.append(Diagnostic(fault.code, fault.message, path, help=fault.help))
    return found


def with_plugins_considered(found: Sequence[Diagnostic], data: dict[str, Any]) -> list[Diagnostic]:
    """Return findings about a document, given what plugins could have to do with them.

    Where a plugin was not imported, a name that resembles nothing may be one of its kinds, and is not reported.
    Elsewhere it may be the entry point of an installed plugin that the document does not name.
    """
    unknown = [d for d in found if d.code == "SN204" and _UNKNOWN.search(d.message)]
    if not _all_loaded(data.get(KEY, ())):
        return [d for d in found if d not in unknown]
    if not unknown:
        return list(found)
    providers = {point: name for name, points in declared().items() for point in points}
    return [_offered(d, data, providers) if d in unknown else d for d in found]


def _all_loaded(given: Any) -> bool:
    if not isinstance(given, list | tuple):
        return False
    return all(isinstance(name, str) and normalized(name) in loaded_plugins() for name in given)


def _offered(finding: Diagnostic, data: dict[str, Any], providers: dict[str, str]) -> Diagnostic:
    name = _at(data, finding.path)
    if not isinstance(name, str) or name not in providers:
        return finding
    return replace(finding, help=_help(data, providers[name]))


def _help(data: dict[str, Any], provider: str) -> str:
    names = ", ".join(f'"{name}"' for name in [*(given for _, given in names_of(data)), provider])
    return f"the installed plugin {provider} has it: plugins = [{names}]"


def _at(data: Any, path: KeyPath) -> Any:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return _ABSENT
    return data


def unnamed_faults(spec: Table, data: dict[str, Any]) -> list[Diagnostic]:
    """Return the findings that a document uses kinds of plugins that it does not name.

    The process imported these plugins for another document; without that, the kinds would be unknown, and so they are.
    """
    if not loaded_plugins():
        return []
    named = {normalized(name) for _, name in names_of(data)}
    found = []
    for used in used_kinds(spec, defaults=False):
        owners = sorted(owner for owner in used.owners if owner is not None)
        if None in used.owners or not owners or any(normalized(owner) in named for owner in owners):
            continue
        value = _at(data, used.path)
        if value is _ABSENT:  # `outputs` once more, as the loss that they stand for
            continue
        path = (*used.path, "type") if isinstance(value, dict) else used.path
        found.append(
            Diagnostic(
                "SN204", unknown_message(used.type, used.family.name), path, help=_help(data, owners[0])
            )
        )
    return found


def used_kinds(spec: Table, *, defaults: bool = True) -> Iterator[UsedKind]:
    """Yield the kinds of a spec that do not belong to specnet; with `defaults`, those that no key names, too."""
    for path, kind in _kinds(spec, (), defaults=defaults):
        for family in FAMILIES:
            if family.kinds.added.get(kind.type) is type(kind):
                owners = family.kinds.owners.get(kind.type, frozenset({None}))
                yield UsedKind(path, family, type(kind), owners)


def _kinds(value: Any, path: KeyPath, *, defaults: bool) -> Iterator[tuple[KeyPath, Kind]]:
    if isinstance(value, Kind):
        yield path, value
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, Table):
        names = [n for n in type(value).model_fields if defaults or n in value.model_fields_set]
        inner = [(name, getattr(value, name)) for name in names]
    elif isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list | tuple):
        inner = list(enumerate(value))
    for step, each in inner:
        yield from _kinds(each, (*path, step), defaults=defaults)


def owner_of(used: UsedKind, data: Any) -> Plugin | None:
    """Return the plugin that a kind is taken from: one that the document names, if there is one."""
    named = {normalized(name) for _, name in names_of(data)}
    keys = sorted(normalized(owner) for owner in used.owners if owner is not None)
    chosen = next((key for key in keys if key in named), keys[0] if keys else None)
    return None if chosen is None else loaded_plugins().get(chosen)
