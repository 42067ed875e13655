"""Scratch memory, given out piece by piece."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class ScratchPool:
    """One worker's scratch memory."""

    def __init__(self, rest: Array) -> None:
        self.rest = rest

    def take(self, shape: tuple[int, ...]) -> Array:
        """Return an array that nobody else is given."""
        array = self.for_now(shape)
        self.rest = self.rest[array.size :]
        return array

    def for_now(self, shape: tuple[int, ...]) -> Array:
        """Return an array that whoever asks next is given too."""
        return self.rest[: prod(shape)].reshape(shape)
