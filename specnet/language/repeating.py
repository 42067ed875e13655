"""A `sequential` whose layers differ from one repetition to the next, written out before validation.

    { type = "sequential", repeat = 2, layers = [{ type = "dense", units = "${16 * 2 ** i}" }] }

becomes a `sequential` of one `sequential` for each repetition. These are called by their numbers, from 1, so that
parameters have the names that `repeat` gives them: `sequential_1.2.dense_1.kernel`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from specnet.diagnostics import KeyPath
from specnet.language.interpolation import mentions_index
from specnet.language.measuring import Measured, array, scalar, table
from specnet.language.references import UNKNOWN_INDEX, Place, References

_LAYERS = "layers"
_REPEAT = "repeat"


@dataclass
class RepeatingReferences(References):
    """Resolves references, and writes out what is repeated."""

    written_out: set[KeyPath] = field(default_factory=set)
    """Where the resolved document has a `sequential` that was written out."""

    def resolved(self, value: Any, place: Place) -> Measured:
        """Return a value with its references resolved; see the base class."""
        if _is_repeated(value) and _mentions_index(value[_LAYERS]):
            return self._written_out(value, place)
        return super().resolved(value, place)

    def _written_out(self, value: dict[str, Any], place: Place) -> Measured:
        found = {key: self.resolved(item, place.at(key)) for key, item in value.items() if key != _LAYERS}
        layers, below = value[_LAYERS], place.at(_LAYERS)
        count = found[_REPEAT].value
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            # The model says what is wrong with it.
            return table(found | {_LAYERS: self.resolved(layers, _numbered(below, UNKNOWN_INDEX))})
        if count == 1:
            return table(found | {_LAYERS: self.resolved(layers, _numbered(below, 0))})
        before, copies = self.spent, list[Measured]()
        total = Measured(None, 0, 0)
        for index in range(count):
            inner = Place((*below.path, index, _LAYERS), below.written, index)
            copy = self.resolved(layers, inner)
            copies.append(
                table({"type": scalar("sequential"), "name": scalar(str(index + 1)), _LAYERS: copy})
            )
            total = Measured(None, total.values + copies[-1].values, total.size + copies[-1].size)
            if not self.spend(total, place.at(_REPEAT), before):
                return table(found | {_LAYERS: self.unknown(below)})
        self.written_out.add(place.path)
        del found[_REPEAT]
        return table(found | {_LAYERS: array(copies)})


def _numbered(place: Place, index: int) -> Place:
    return Place(place.path, place.written, index)


def _is_repeated(value: Any) -> bool:
    """Return whether a value is a `sequential` with `repeat`, in which `i` is the number of a repetition."""
    return (
        isinstance(value, dict)
        and value.get("type") == "sequential"
        and _REPEAT in value
        and isinstance(value.get(_LAYERS), list)
    )


def _mentions_index(value: Any) -> bool:
    """Return whether a string in a value refers to `i`, but for that of another `sequential` in it."""
    if isinstance(value, str):
        return mentions_index(value)
    if isinstance(value, list):
        return any(map(_mentions_index, value))
    if isinstance(value, dict):
        inner = _is_repeated(value)
        return any(_mentions_index(item) for key, item in value.items() if not (inner and key == _LAYERS))
    return False
