from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where an array's elements lie in a file, the last axis fastest."""

    path: Path
    name: str
    """The file as the document names it."""
    offset: int
    dtype: str
    """As NumPy spells it, with the order of the bytes: `>f4`."""
    shape: tuple[int, ...]
