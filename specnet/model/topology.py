"""How a document's layers are joined: by their order, and by the names in `inputs` and `share`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from specnet.diagnostics import KeyPath
from specnet.graph.builder import stage_names
from specnet.vocabulary.layers import Layer

Placed = tuple[KeyPath, Layer]
"""A layer, and where it stands in the document."""


@dataclass(frozen=True, slots=True)
class Level:
    """One list of layers: the document's own, or a container's."""

    layers: Sequence[Layer]
    path: KeyPath
    is_parallel: bool
    """Whether each layer takes what the container takes, and not what the one before it gives."""
    names: list[str] = field(default_factory=list)

    def place(self, index: int) -> KeyPath:
        """Return the key path of one of its layers."""
        return (*self.path, index)


def levels(
    layers: Sequence[Layer], path: KeyPath = ("layers",), *, is_parallel: bool = False
) -> Iterator[Level]:
    """Yield a list of layers and, after it, those of the containers in it."""
    yield Level(layers, path, is_parallel, stage_names(layers))
    for index, layer in enumerate(layers):
        for key, sublayers in layer.sublayers.items():
            yield from levels(sublayers, (*path, index, key), is_parallel=layer.is_parallel)


def every(layers: Sequence[Layer]) -> Iterator[Placed]:
    """Yield every layer with its place, those in containers too."""
    for level in levels(layers):
        yield from ((level.place(index), layer) for index, layer in enumerate(level.layers))


def taken_names(layers: Sequence[Layer]) -> set[str]:
    """Return all names that `inputs` of layers hold, those in containers too."""
    return {name for _, layer in every(layers) for name in layer.inputs or ()}


def changed(layer: Layer, key: str) -> bool:
    """Say whether a layer's field is another than its default.

    What a document wrote does not count: the resolved one of a run writes every default.
    """
    default = type(layer).model_fields[key].get_default(call_default_factory=True, validated_data={})
    return bool(getattr(layer, key) != default)


def dead_ends(
    layers: Sequence[Layer], needed: Collection[str] | None = None
) -> Iterator[tuple[str, KeyPath, KeyPath | None]]:
    """Yield the layers whose results go nowhere: the name, the place, and where the next layer takes others instead.

    `needed` names the layers that the document's outputs are taken from; the last one if left out.
    """
    named = taken_names(layers)
    for level in levels(layers):
        root = len(level.path) == 1
        wanted = named | set(needed or ()) if root else named
        last = len(level.layers) - 1
        for index, name in enumerate(level.names):
            if level.is_parallel or name in wanted:
                continue
            if index == last:
                if root and needed is not None:
                    yield name, level.place(index), None
            elif level.layers[index + 1].inputs is not None:
                yield name, level.place(index), (*level.place(index + 1), "inputs")
