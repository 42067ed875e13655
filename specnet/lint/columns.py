"""Columns that say nothing, or too much."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from specnet.data import Cells, Sample
from specnet.data.tables.many import are_texts
from specnet.diagnostics import KeyPath, Part
from specnet.diagnostics.text import clipped
from specnet.lint.rule import Finding, Subject, rule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.tables.settings import TableSettings

ENOUGH = 20
"""Rows from which on it is no chance that two columns agree throughout, or that no two cells are equal."""

FIRST = 256
"""Rows that are compared first: most columns differ there already."""


@rule("SN742", "data")
def constant_columns(subject: Subject) -> Iterator[Finding]:
    """Columns that have the same value in every row."""
    sample = _table(subject)
    names = [column.name for column in sample.inputs if _constant(column)] if sample is not None else []
    if names and sample is not None and sample.rows >= 2:
        verb = "is the same" if len(names) == 1 else "are the same"
        yield Finding(
            f"{subject.columns(names)} {verb} in every row, so it carries no information",
            *_columns(subject),
            help=_leave_out(subject, names),
        )


@rule("SN743", "data")
def constant_target(subject: Subject) -> Iterator[Finding]:
    """A target that is the same in every row."""
    sample = _table(subject)
    if sample is None or sample.rows < 2 or not sample.targets:
        return
    if not all(_constant(column) for column in sample.targets):
        return
    shown = sample.targets[0]
    value = clipped(shown.categories[0]) if shown.kind == "text" else f"{shown.values[0]:g}"
    what = value if subject.quotable else "the same"
    yield Finding(
        f"the target is {what} in all {sample.rows} rows: there is nothing to learn", *_target(subject)
    )


@rule("SN744", "data")
def target_among_features(subject: Subject) -> Iterator[Finding]:
    """A feature that is the target under another name."""
    sample = _table(subject)
    if sample is None or sample.rows < ENOUGH:
        return
    for target in sample.targets:
        if _constant(target):
            continue
        names = [column.name for column in sample.inputs if _same(column, target)]
        if names:
            yield Finding(
                f"{subject.columns(names)} determines the target in every row: the model would only copy it",
                *_columns(subject),
                help=_leave_out(subject, names),
            )


@rule("SN747", "data")
def row_numbers(subject: Subject) -> Iterator[Finding]:
    """Columns that identify rows and nothing else: row numbers, unique names."""
    sample = _table(subject)
    if sample is None or sample.rows < ENOUGH:
        return
    alone = len(sample.inputs) == 1
    inputs = (column for column in sample.inputs if not column.parts and not _is_text(column))
    names = [column.name for column in inputs if _numbering(column, alone=alone)]
    if names:
        yield Finding(
            f"{subject.columns(names)} only {'identifies' if len(names) == 1 else 'identify'} rows: a model can "
            "memorise rows by it, and learns nothing for new rows",
            *_columns(subject),
            help=_leave_out(subject, names),
        )


def _is_text(column: Cells) -> bool:
    """Return whether the cells of a column are texts, whatever the document takes them for."""
    return column.texts is not None or (column.kind == "text" and are_texts(column.categories))


def _table(subject: Subject) -> Sample | None:
    sample = subject.samples.get("train")
    return sample if sample is not None and sample.table else None


def _constant(column: Cells) -> bool:
    values = column.values
    if not len(values):
        return False
    if column.kind == "text" and column.texts is None:
        return len(column.categories) == 1 and bool(values.min() >= 0)
    return bool((values == values[0]).all())


def _same(column: Cells, target: Cells) -> bool:
    """Say whether a column has the target's values, or a value of its own for each of the target's values.

    What the values are does not matter: 0 and 1 stand beside `no` and `yes`. Numbers that hardly repeat are compared
    as they are, since a value of its own in each row says nothing.
    """
    import numpy as np

    if column.kind == target.kind == "number" and np.array_equal(column.values, target.values):
        return True
    first = _paired(column.values[:FIRST], target.values[:FIRST])
    distinct = first and _paired(column.values, target.values)
    if not distinct:
        return False
    return column.kind == target.kind == "text" or distinct <= len(target.values) // 2


def _paired(column: NDArray[Any], target: NDArray[Any]) -> int:
    """Return how many values both columns have, if each value of one always stands beside the same one; else 0."""
    import numpy as np

    if any(np.isnan(v).any() if v.dtype.kind == "f" else (v < 0).any() for v in (column, target)):
        return 0
    own, own_code = np.unique(column, return_inverse=True)
    theirs, their_code = np.unique(target, return_inverse=True)
    if len(own) != len(theirs):
        return 0
    pairs = np.unique(own_code.astype(np.int64) * len(theirs) + their_code)
    return len(pairs) if len(pairs) == len(own) else 0


def _numbering(column: Cells, *, alone: bool) -> bool:
    """Say whether a column identifies rows; where it is the only input, whole numbers must count them."""
    import numpy as np

    from specnet.data.tables.identifiers import are_identifiers

    values = column.values
    if column.kind == "text":
        return len(column.categories) == len(values)
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all() or (values != np.floor(values)).any():
        return False
    if alone:
        return low in (0.0, 1.0) and np.array_equal(values, low + np.arange(len(values)))
    return are_identifiers(column.name, len(values), len(np.unique(values)), low, high)


def _columns(subject: Subject) -> tuple[KeyPath, Part]:
    """Return where the document says which columns are features."""
    data = subject.spec.data
    for key in ("features", "inputs", "path"):
        if key in data.model_fields_set:
            return ("data", key), "value" if key != "inputs" else "key"
    return ("data",), "type"


def _target(subject: Subject) -> tuple[KeyPath, Part]:
    key = "target" if "target" in subject.spec.data.model_fields_set else "targets"
    return ("data", key), "value" if key == "target" else "key"


def _leave_out(subject: Subject, names: list[str]) -> str | None:
    data = subject.spec.data
    if "exclude" not in type(data).model_fields:
        return None
    if "features" in data.model_fields_set:
        return "leave it out of `features`"
    if not subject.quotable:
        return "leave it out with `exclude`"
    quoted = [f'"{clipped(name)}"' if cast("TableSettings", data).named else name for name in names[:5]]
    return f"leave it out with `exclude = [{', '.join(quoted)}]`"
