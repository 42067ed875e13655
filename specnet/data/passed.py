"""Rows that a program passes instead of the files that a document names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class PassedRows:
    """The rows of one split as arrays."""

    inputs: Any
    """(rows, ...), or several arrays by name."""
    targets: Any
    """(rows, ...), or None where they are the inputs."""
    weights: Any = None
    """(rows,): how much each row counts; None where all count alike."""
    features: tuple[str, ...] | None = None
    """The names of the columns, where the inputs are a frame's."""
    keys: Mapping[str, Any] = field(default_factory=dict)
    """What the rows are split by, (rows,) each, by the names of the columns or arrays."""


@dataclass(frozen=True, slots=True)
class PassedData:
    """What a program passes, by split: whole tables, or inputs and targets."""

    frames: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, PassedRows] = field(default_factory=dict)
