"""A kind that a family does not know, or that a table does not name."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Any

from specnet.data import AUGMENTATIONS, FORMATS, TRANSFORMS
from specnet.data.text import TOKENIZERS
from specnet.diagnostics import Diagnostic
from specnet.diagnostics.spelling import folded
from specnet.diagnostics.text import article, clipped, joined, plural
from specnet.language.resolve import Resolved
from specnet.language.suggestions import (
    certain_kind,
    meant_key,
    meant_kind,
    of_other_digits,
    rewritten,
    sure_kind,
)
from specnet.language.wording import shown
from specnet.vocabulary.activations import ACTIVATIONS
from specnet.vocabulary.family import Family
from specnet.vocabulary.initializers import INITIALIZERS
from specnet.vocabulary.layers import LAYERS
from specnet.vocabulary.losses import LOSSES
from specnet.vocabulary.metrics import METRICS
from specnet.vocabulary.optimizers import OPTIMIZERS
from specnet.vocabulary.pruners import PRUNERS
from specnet.vocabulary.regularizers import REGULARIZERS
from specnet.vocabulary.samplers import SAMPLERS
from specnet.vocabulary.schedules import SCHEDULES

FAMILIES: tuple[Family[Any], ...] = (
    LAYERS,
    ACTIVATIONS,
    LOSSES,
    METRICS,
    OPTIMIZERS,
    SCHEDULES,
    INITIALIZERS,
    REGULARIZERS,
    FORMATS,
    TRANSFORMS,
    AUGMENTATIONS,
    TOKENIZERS,
    SAMPLERS,
    PRUNERS,
)
"""All families of the vocabulary."""

EXTENSIBLE = tuple(family for family in FAMILIES if family not in (SAMPLERS, PRUNERS))
"""Those that other packages may add kinds to; samplers and pruners are Optuna's."""


def spelled(place: Resolved, context: dict[str, Any], table: Any) -> str | None:
    """Return the kind of the family that an unknown name misspells, if it is certain.

    It is, too, where the keys of its table are just that kind's. A kind that is only likely is suggested, and no more:
    keys that it lacks would be faults of the guess, not of the document.
    """
    if not isinstance(place.value, str):
        return None
    name, family, names = place.value, str(context["family"]), list(context["known"])
    exact = next((n for n in names if folded(n) == folded(name)), None)
    if exact is not None or _elsewhere(name, family) is not None:
        return exact
    certain = sure_kind(name, family, names) or certain_kind(name, names)
    likely = None if certain else meant_kind(name, family, names)
    return likely if likely is not None and _suits(likely, family, table) else certain


def _elsewhere(name: str, family: str) -> Family[Any] | None:
    """Return another family that has a kind of just this name: `ReLU` is no slip of `prelu`."""
    return next((f for f in FAMILIES if f.name != family and name.lower() in f.kinds), None)


def kind_fault(error: str, place: Resolved, context: dict[str, Any], table: Any = None) -> Diagnostic:
    """Return the finding that a family's error stands for; its context names the family and its kinds.

    `table` is the table with the name as its `type`, where the name is in one.
    """
    family, known = str(context["family"]), tuple(context["known"])
    if error == "kind_type":
        message = f"{context['message']}, not {shown(place.value)}"
        return Diagnostic("SN206", message, path=place.path, help=kinds_of(family, known))
    if error == "kind_missing":
        return _missing(place, family, known)
    name = place.value if isinstance(place.value, str) else str(getattr(place.value, "type", place.value))
    message = unknown_message(name, family)
    help: str | None = kinds_of(family, known)
    elsewhere = _elsewhere(name, family)
    meant = meant_kind(name, family, known) if elsewhere is None else sure_kind(name, family, known)
    certain = {sure_kind(name, family, known), certain_kind(name, known)}
    if meant is not None and meant not in certain and not _suits(meant, family, table, partly=True):
        meant = None
    alike = of_other_digits(name, sorted(known)) if meant is None else []
    if alike:
        help = f"there {'are' if len(alike) > 1 else 'is'} {joined([f'`{other}`' for other in alike])}"
    elif meant is not None:
        message, help = f'{message}; did you mean "{meant}"?', None
    elif elsewhere is not None:
        message = f"`{clipped(name)}` is {article(elsewhere.name)}, not {article(family)}"
        help = _moved(name.lower(), elsewhere.name, family) or help
    else:
        other_kind, other = _foreign(name, family)
        if other_kind is not None and other is not None:
            message += f"; did you mean the {other} `{other_kind}`?"
            help = _moved(other_kind, other, family) or help
    fix = None
    if meant is not None and isinstance(place.value, str) and meant == certain_kind(name, known):
        fix = rewritten(meant, place.path)
    return Diagnostic("SN204", message, path=place.path, help=help, fix=fix)


def _suits(meant: str, family: str, table: Any, *, partly: bool = False) -> bool:
    """Return whether a table with another `type` could be of a kind: its keys are that kind's.

    Unless it suits `partly`, it has all keys that the kind needs.
    """
    kind = next(f for f in FAMILIES if f.name == family).kinds[meant]
    fields = list(kind.model_fields)
    keys = [key for key in table if key != "type"] if isinstance(table, dict) else []
    meanings = {key if key in fields else meant_key(str(key), fields) for key in keys}
    needed = {name for name, field in kind.model_fields.items() if field.is_required()}
    return None not in meanings and (partly or needed <= meanings)


def unknown_message(name: str, family: str) -> str:
    """Return how a name is reported that no kind of the family has."""
    return f"`{clipped(name)}` is not {article(family)}"


def kinds_of(family: str, names: Iterable[str], maximum: int = 24) -> str:
    """Return what there is of a family in alphabetical order, or where to read of it where there is much."""
    ordered = sorted(names)
    if len(ordered) > maximum:
        all_of_them = plural(family)
        command = f"specnet docs {shlex.quote(all_of_them)}"
        return f"`{command}` lists the {len(ordered)} {all_of_them}, and says what each is"
    return f"{plural(family)}: {', '.join(ordered)}"


def _missing(place: Resolved, family: str, known: tuple[str, ...]) -> Diagnostic:
    table = place.value if isinstance(place.value, dict) else {}
    for key, value in table.items():
        if isinstance(key, str) and isinstance(value, str) and meant_key(key, ["type"]):
            message = f"`{clipped(key)}` does not name {article(family)}: `type` does"
            help = f"write type = {shown(meant_kind(value, family, known) or value)}"
            return Diagnostic("SN205", message, path=(*place.path, key), part="key", help=help)
    message = f"this {family} has no `type`"
    return Diagnostic("SN205", message, path=place.path, part="table", help=kinds_of(family, known))


def _foreign(name: str, family: str) -> tuple[str, str] | tuple[None, None]:
    """Return the kind of another family that a name means, and that family."""
    for other in FAMILIES:
        meant = meant_kind(name, other.name, other.kinds) if other.name != family else None
        if meant is not None:
            return meant, other.name
    return None, None


def _moved(name: str, family: str, asked: str) -> str | None:
    if family == "activation" and asked == "layer":
        return f'write type = "activation" with activation = "{name}", or give it to the layer before'
    if family == "layer" and asked == "activation":
        return f'add a layer with type = "{name}" after this one'
    if family == "regularizer" and asked == "layer":
        return f'give a layer kernel_regularizer = "{name}"'
    return None
