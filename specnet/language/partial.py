from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from specnet.diagnostics import Diagnostic
from specnet.language.recovery import Lost
from specnet.language.spec import Spec
from specnet.language.spec_source import SpecSource

PLACEHOLDERS: dict[str, Any] = {
    "data": {"type": "inline", "inputs": [[0.0]], "targets": [0.0]},
    "layers": [{"type": "flatten"}],
    "loss": "mse",
}


@dataclass(frozen=True, slots=True)
class PartialSpec:
    """What is sound in a document with faults, so that the rest of it can be checked all the same.

    `spec` holds placeholders where something was faulty: only what is said to be sound may be looked at.
    """

    spec: Spec
    layers: int
    """How many layers there are before the first faulty one."""
    faulty: frozenset[str]
    """The root keys with faults; `layers` is among them where any layer has one."""


def partial_spec(
    data: dict[str, Any], found: Iterable[Diagnostic], spec_source: SpecSource, lost: Lost | None = None
) -> PartialSpec | None:
    """Return what is sound in a document's data, given its findings; None where too little is.

    `lost` is what syntax errors leave unknown.
    """
    paths = [d.path for d in found if d.severity == "error"]
    if lost is not None:
        if () in lost.incomplete:  # any table may have entries that could not be read
            return None
        # Of layers whose array is not closed, those are sound that come before the lost one at its end.
        paths += [*lost.paths, *(lost.incomplete - {("layers",)})]
    faulty = {str(path[0]) for path in paths if path} | {key for key in PLACEHOLDERS if key not in data}
    layers = data.get("layers")
    places = [path[1] for path in paths if path[:1] == ("layers",) and len(path) > 1]
    known = [place for place in places if isinstance(place, int)]
    whole = isinstance(layers, list) and len(known) == len([p for p in paths if p[:1] == ("layers",)])
    sound = min(known, default=len(layers)) if whole and isinstance(layers, list) else 0
    if "inputs" in faulty:  # which layers take by name
        faulty, sound = faulty | {"layers"}, 0
    rest = {key: value for key, value in data.items() if key not in faulty and key in Spec.model_fields}
    rest |= {key: PLACEHOLDERS[key] for key in PLACEHOLDERS if key in faulty}
    if "outputs" in rest:  # which stand for a loss
        del rest["loss"]
    if sound and isinstance(layers, list):
        rest["layers"] = layers[:sound]
    try:
        spec = Spec.model_validate({**rest, "specnet": 1})
    except ValidationError:
        return None
    spec._source = spec_source  # noqa: SLF001  findings in what is sound have their places in the same text
    return PartialSpec(spec, sound, frozenset(faulty))
