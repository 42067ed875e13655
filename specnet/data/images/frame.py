"""What every image of a data set is made into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Fitting = Literal["stretch", "crop", "pad"]


@dataclass(frozen=True, slots=True)
class ImageFrame:
    """The form that every image is converted to."""

    height: int
    width: int
    channels: int
    resize: Fitting
    background: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return self.height, self.width, self.channels
