from __future__ import annotations

from dataclasses import replace
from typing import Self

from specnet.graph.attributes import Attributes
from specnet.graph.graph import Region


class BodyAttributes(Attributes):
    """What an op is set to that runs one body graph."""

    body: Region

    @property
    def regions(self) -> tuple[Region, ...]:
        """The body."""
        return (self.body,)

    def with_regions(self, regions: tuple[Region, ...]) -> Self:
        """Return the same settings with another body."""
        (body,) = regions
        return replace(self, body=body)
