"""What layers share that take some columns of a table."""

from __future__ import annotations

import math
import sys
from itertools import groupby
from typing import Annotated, Literal

from pydantic import Field

from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.scopes import ColumnFeatures
from specnet.graph.sizes import show
from specnet.vocabulary.initializers import INITIALIZERS, Initializer
from specnet.vocabulary.kind import Words
from specnet.vocabulary.layers import Layer

NUMBERS = frozenset({"number", "date"})
"""The kinds of columns whose features are numbers, and not categories."""

Columns = Annotated[
    Literal["numbers", "all"] | Annotated[tuple[str, ...], Field(min_length=1)],
    Words('"numbers", "all" or an array of names of columns'),
]


class ColumnLayer(Layer):
    """Base of layers that take some features of rows (batch, features), by the columns that they are."""

    columns: Columns = Field(default="numbers", examples=[["area", "rooms"]])
    """Which columns are embedded; the others follow behind them as they are. "numbers" are the columns of a table that
    are no categories and no booleans, and of data without columns all features."""

    def parted(self, build: Builder, x: Value) -> tuple[Value, Value | None]:
        """Return the chosen features of x (batch, features) and the others, None if there are none."""
        size = width(self.type, x)
        chosen = set(self._places(build, x, size))
        if not chosen:
            message = f"{self.type} embeds columns of numbers, and there are none"
            raise ShapeFault(message, x, help='`columns = "all"`, or leave the layer out')
        return joined(x, chosen), joined(x, set(range(size)) - chosen) if len(chosen) < size else None

    def _places(self, build: Builder, x: Value, size: int) -> list[int]:
        known = build.columns.get(x)
        if self.columns == "all" or (self.columns == "numbers" and not build.columns):
            return [*range(size)]
        if known is None:
            message = f"{self.type} chooses columns, and it is not known which of {show(x.shape)} they are"
            help = "put it first, or behind layers without columns of their own set `columns` to `all`"
            raise ShapeFault(message, x, help=help if build.columns else "leave out `columns`")
        if self.columns == "numbers":
            return [place for column in known if column.kind in NUMBERS for place in places(column)]
        by_name = {column.name: column for column in known}
        missing = [name for name in self.columns if name not in by_name]
        if missing:
            message = f"{self.type} finds no column `{missing[0]}` in what it takes"
            raise ShapeFault(message, x, help="`specnet explain` lists the columns of the inputs")
        return [place for name in self.columns for place in places(by_name[name])]


def width(kind: str, x: Value) -> int:
    """Return how many features x (batch, features) has; raise ShapeFault for other shapes."""
    size = x.shape[-1]
    if x.rank != 2 or not isinstance(size, int):
        message = f"{kind} takes rows of columns (batch, features), got {show(x.shape)}"
        raise ShapeFault(message, x, help="`flatten` makes one row of each example")
    return size


def places(column: ColumnFeatures) -> range:
    """Return the places of a column's features."""
    return range(column.start, column.start + column.width)


def joined(x: Value, chosen: set[int]) -> Value:
    """Append some features of x (batch, features), in their order."""
    size = width("", x)
    parts = []
    for wanted, run in groupby(range(size), chosen.__contains__):
        each = [*run]
        if wanted:
            parts.append(cut(x, each[0], each[-1] + 1))
    return ops.concat(*parts, axis=1) if len(parts) > 1 else parts[0]


def cut(x: Value, first: int, end: int) -> Value:
    """Append the features of x (batch, features) from one place to before another."""
    size = width("", x)
    return x if (first, end) == (0, size) else ops.crop(x, margins=((0, 0), (first, size - end)))


def uniform_within(limit: float) -> Initializer:
    """Return what draws uniformly from -limit to limit."""
    return INITIALIZERS.validate({"type": "uniform", "low": -limit, "high": limit})


def uniform_for(terms: int) -> Initializer:
    """Return what draws uniformly in ±1 / sqrt(terms), for sums of so many terms.

    A layer may ask for more than any array has. That is found once all shapes are known, and has to get there.
    """
    return uniform_within(1.0 / math.sqrt(min(terms, sys.maxsize)))
