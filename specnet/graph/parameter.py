from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, Protocol

from specnet.graph.graph import KeyPath, Value


class Initial(Protocol):
    """Where a parameter starts: known to the vocabulary, and only carried by the graph."""

    @property
    def of_rows(self) -> bool:
        """Whether it is computed from rows of the training split."""
        ...

    def fault(self, shape: tuple[int, ...]) -> str | None:
        """Say why it cannot fill an array of this shape, or return None."""

    def fill(self, array: Any, generator: Any) -> None:
        """Put the values, drawn with a NumPy generator, into the contiguous memory of a parameter."""


class Penalty(Protocol):
    """What a regularizer adds to the loss for one parameter."""

    def penalty(self, parameter: Value) -> Value:
        """Return the scalar to add."""


class GroupSettings(Protocol):
    """What a document says of the parameters whose names match a pattern; None keeps what holds without it."""

    learning_rate_multiplier: float
    weight_decay: float | None
    trainable: bool | None

    def matches(self, name: str) -> bool:
        """Say whether a parameter or a layer of this name belongs to it."""
        ...


def name_matches(patterns: Iterable[str], name: str) -> bool:
    """Say whether a pattern such as `encoder*` matches a parameter's name, or that of a layer that contains it."""
    ends = [i for i, letter in enumerate(name) if letter == "."]
    names = [name, *(name[:end] for end in ends)]
    return any(fnmatchcase(each, pattern) for pattern in patterns for each in names)


Role = Literal["parameter", "frozen", "statistic"]
"""What becomes of an array of the model in training: it is fitted, stays as it is, or follows what is seen."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """An array that is kept with the model: its name, shape, where it starts, and what training makes of it."""

    name: str
    shape: tuple[int, ...]
    initial: Initial
    key_path: KeyPath
    field: str
    """The field of the layer that says where it starts, such as `kernel_init`."""
    role: Role = "parameter"
    rate: float = 1.0
    """What the learning rate is multiplied by for it."""
    weight_decay: float | None = None
    """The weight decay that its group sets; None for the optimizer's."""
    follows_rows: bool = False
    """Whether it is known what an initial value that is computed from rows of the training split looks at."""

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        size = 1
        for dim in self.shape:
            size *= dim
        return size
