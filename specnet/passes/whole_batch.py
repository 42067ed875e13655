"""What ops are set to where they work on the whole batch of several processes, and not on the rows of one."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from specnet.graph.attributes import Attributes
from specnet.graph.graph import Graph, Node, Region
from specnet.graph.leaves import ARGUMENT, CONSTANT, argument
from specnet.graph.sizes import Count, Size, globally, of_global_batch
from specnet.passes.rewriting import Replaced, Rewriting


class _Renaming(Rewriting):
    """Gives a loop's body the sizes of the whole batch: its constants, or all that it is set to."""

    def __init__(self, graph: Graph, *, whole: bool) -> None:
        super().__init__(graph)
        self._whole = whole

    def visit(self, node: Node) -> Replaced:
        if node.op is CONSTANT:
            settings = CONSTANT.of(node)
            return self.copy(node, replace(settings, powers=of_global_batch(settings.powers)))
        if not self._whole:
            return self.copy(node)
        if node.op is ARGUMENT and isinstance(self.target, Region):
            value = node.value
            return (argument(self.target, tuple(map(globally, value.shape)), value.dtype),)
        return self.copy(node, _globally(node.attributes))

    def within(self, region: Region) -> Region:
        return _Renaming(region, whole=self._whole).run()  # type: ignore[return-value]


def whole_batch(attributes: Attributes) -> Attributes:
    """Return what an op is set to for the whole batch, given what it is for a process's own rows."""
    if attributes.regions:
        bodies = tuple(_Renaming(region, whole=True).run() for region in attributes.regions)
        attributes = attributes.with_regions(bodies)
    return _globally(attributes)


def with_global_constants(attributes: Attributes) -> Attributes:
    """Return what an op is set to, whose body's constants mean the whole batch."""
    if not attributes.regions:
        return attributes
    return attributes.with_regions(tuple(_Renaming(r, whole=False).run() for r in attributes.regions))


def _globally(attributes: Attributes) -> Attributes:
    changed = {}
    for field in fields(attributes):
        value = getattr(attributes, field.name)
        if (new := _renamed(value)) is not value:
            changed[field.name] = new
    return replace(attributes, **changed) if changed else attributes


def _renamed(setting: Any) -> Any:
    """Return a setting with the sizes of the whole batch in it."""
    if isinstance(setting, Size):
        return globally(setting)
    if isinstance(setting, Count):
        return replace(setting, powers=of_global_batch(setting.powers))
    if type(setting) is tuple:
        new = tuple(map(_renamed, setting))
        return new if any(a is not b for a, b in zip(new, setting, strict=True)) else setting
    return setting
