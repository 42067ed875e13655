from __future__ import annotations

from itertools import groupby
from typing import ClassVar, Literal, NamedTuple

from pydantic import PositiveInt

from specnet.graph import ops
from specnet.graph.builder import Builder, MaskUse
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.scopes import ColumnFeatures
from specnet.graph.sizes import show, static
from specnet.vocabulary.layers import Layer
from specnet.vocabulary.layers.columns import cut, uniform_for, width

CATEGORIES = frozenset({"onehot", "index"})
"""The kinds of columns of which each is one category a row."""


class FeatureTokenizer(Layer):
    """Turn each column of a table into a vector, so that a row becomes a sequence that attention layers take.

    x (batch, in) -> y (batch, columns + 1, units). A number x becomes x * kernel + bias, with a vector of its own of
    both for each column, and a category becomes its row of a table, plus a bias: the tokenizer of FT-Transformer
    (Gorishniy et al., 2021). Behind the columns comes a trained vector `cls`, the same for each row: what attention has
    made of it at the end, which `last_step` takes, describes the row. Each element of a date is a number, and so is a
    boolean; of data without columns all features are numbers.

    The kernel is (numbers, units), `embeddings` (categories, units) with the categories of all columns one after the
    other, and the bias (columns, units). All start uniformly in ±1 / sqrt(units).
    """

    type: Literal["feature_tokenizer"] = "feature_tokenizer"
    units: PositiveInt
    """The number of elements of each vector."""
    cls: bool = True
    """Whether a trained vector comes behind those of the columns."""

    masking: ClassVar[MaskUse] = "each"

    def lower(self, build: Builder, x: Value) -> Value:
        parts = _parts(build, x, width(self.type, x))
        start, batch = uniform_for(self.units), x.shape[0]
        numbers = sum(part.width for part in parts if not part.categories)
        categories = sum(part.categories for part in parts)
        kernel = build.parameter("kernel", (numbers, self.units), start) if numbers else None
        table = build.parameter("embeddings", (categories, self.units), start) if categories else None
        tokens, at_number, at_category = [], 0, 0
        for part in parts:
            taken = cut(x, part.first, part.first + part.width)
            if part.categories:
                assert table is not None
                own = _rows(table, at_category, part.categories)
                y = _chosen(taken, own, build.scope.name) if part.by_index else taken @ own
                tokens.append(ops.reshape(y, shape=(batch, 1, self.units)))
                at_category += part.categories
            else:
                assert kernel is not None
                own = _rows(kernel, at_number, part.width)
                tokens.append(ops.reshape(taken, shape=(batch, part.width, 1)) * own)
                at_number += part.width
        y = ops.concat(*tokens, axis=1) if len(tokens) > 1 else tokens[0]
        y = y + build.parameter("bias", (static(y.shape[1]), self.units), start)
        if not self.cls:
            return y
        cls = build.parameter("cls", (1, self.units), start)
        return ops.concat(y, ops.expand(cls, shape=(batch, 1, self.units)), axis=1)


class _TokenPart(NamedTuple):
    """Features next to each other: those of one column of categories, or numbers."""

    first: int
    width: int
    categories: int = 0
    """How many there are; 0 of numbers."""
    by_index: bool = False


def _parts(build: Builder, x: Value, size: int) -> list[_TokenPart]:
    """Return the parts of x (batch, size) in their order; numbers next to each other are one."""
    known = build.columns.get(x)
    if known is None:
        if build.columns:
            message = (
                f"feature_tokenizer takes the columns of the inputs, and {show(x.shape)} are no longer these"
            )
            raise ShapeFault(message, x, help="put it first")
        return [_TokenPart(0, size)]
    ordered = sorted(known, key=lambda column: column.start)
    texts = [column.name for column in ordered if column.kind == "tokens"]
    if texts:
        message = f"feature_tokenizer takes numbers and categories, and `{texts[0]}` holds texts"
        raise ShapeFault(message, x, help="`[inputs]` passes columns to layers by themselves")
    found = []
    for categorical, run in groupby(ordered, key=lambda column: column.kind in CATEGORIES):
        columns: list[ColumnFeatures] = [*run]
        if categorical:
            found += [_TokenPart(c.start, c.width, c.categories, c.kind == "index") for c in columns]
        else:
            last = columns[-1]
            found.append(_TokenPart(columns[0].start, last.start + last.width - columns[0].start))
    return found


def _rows(table: Value, first: int, count: int) -> Value:
    """Append some rows of a parameter (rows, units)."""
    rows = static(table.shape[0])
    return table if count == rows else ops.crop(table, margins=((first, rows - first - count), (0, 0)))


def _chosen(x: Value, table: Value, who: str) -> Value:
    """Append the row (batch, units) of a table for each index (batch, 1)."""
    index = ops.indices(ops.reshape(x, shape=(x.shape[0],)), size=static(table.shape[0]), who=who)
    return ops.gather(table, index)
