from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from specnet.data.collector import Collector
from specnet.data.files import DataContext
from specnet.data.format import DataFormat
from specnet.data.joining import joined
from specnet.data.sample import Cells, Sample
from specnet.data.signature import LARGEST_INDEX, DataDescription
from specnet.data.source import DataPart, DataSource
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped, counted, listed
from specnet.vocabulary.kind import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from specnet.diagnostics import KeyPath

_ITEMS: dict[str, Any] = {"items": {"type": ["number", "string", "array"]}}
Nested = Annotated[list[Any], Field(json_schema_extra=_ITEMS)]
Targets = Annotated[
    list[Any] | Literal["inputs"],
    Field(json_schema_extra={"anyOf": [{"type": "array", **_ITEMS}, {"const": "inputs"}]}),
]

Weights = Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=1)]

DEEPEST = 16
"""How deep lists may be nested."""


class InlineRows(Table):
    """Separate rows written in the document."""

    inputs: Nested = Field(examples=[[[0, 0], [1, 1]]])
    """One entry per row: a number, or a list of numbers, nested for more axes; all of the same shape."""
    targets: Nested | None = Field(default=None, examples=[[0, 0]])
    """One entry per row: a number, a list of numbers, or the name of a class; left out if the targets are the
    inputs."""
    weight: Weights | None = Field(default=None, examples=[[1, 2]])
    """One number per row, if the training rows have weights."""


class Inline(DataFormat):
    """Rows written in the document itself, for examples small enough to read.

    A row of `inputs` that is a single number counts as a list of one. Targets that are all strings are classes,
    indexed in alphabetical order.
    """

    type: Literal["inline"] = "inline"
    inputs: Nested = Field(examples=[[[0, 0], [0, 1], [1, 0], [1, 1]]])
    """One entry per row: a number, or a list of numbers, nested for more axes; all of the same shape."""
    targets: Targets = Field(examples=[[0, 1, 1, 0]])
    """One entry per row: a number, a list of numbers, or the name of a class; or `inputs` for the transformed
    inputs."""
    weight: Weights | None = Field(default=None, examples=[[1, 1, 2, 1]])
    """Sample weights, one number of at least 0 per row: how much each row counts in the loss, in all metrics and in the
    verdict; by default all rows count alike."""
    validation: InlineRows | None = None
    """Rows to validate on during training."""
    test: InlineRows | None = None
    """Rows to test the finished model on."""

    @property
    def row_fields(self) -> set[str]:
        """The fields that hold rows."""
        return {"inputs", "weight", "validation", "test", *(() if self.reproduces else ("targets",))}

    @property
    def continues(self) -> bool:
        """Whether rows in order are one long stream."""
        return self.split is None

    def open(self, context: DataContext) -> InlineSource:
        """Return the rows, their shapes checked."""
        tables: dict[str, tuple[KeyPath, Inline | InlineRows]] = {"train": ((), self)}
        tables |= {name: ((name,), table) for name, table in self.tables.items()}
        classes = None if self.targets == "inputs" else _classes(self.targets)
        parts = {}
        with context.collector.together() as faults:
            for name, (key, table) in tables.items():
                with faults.catch():
                    parts[name] = _describe(table, key, classes, faults)
        return InlineSource({name: table for name, (_, table) in tables.items()}, joined(parts, context))


@dataclass
class InlineSource(DataSource):
    """Checked rows of a document."""

    tables: dict[str, Inline | InlineRows]
    description: DataDescription

    def read(self, seed: int) -> dict[str, DataPart]:
        """Return the rows as arrays."""
        import numpy as np

        from specnet.data.rows import ArrayRows

        names = self.description.classes
        index = {name: i for i, name in enumerate(names or ())}
        parts = {}
        for split, table in self.tables.items():
            inputs = ArrayRows(np.array(table.inputs, dtype=np.float64))
            given = _given(table)
            targets = [index[t] for t in given] if names and given is not None else given
            kind = np.float64 if self.description.class_count is None else np.int64
            aims = None if targets is None else np.array(targets, dtype=np.float64).astype(kind)
            weights = None if table.weight is None else np.array(table.weight, dtype=np.float64)
            parts[split] = DataPart(inputs, aims, weights)
        return parts

    def samples(self) -> dict[str, Sample]:
        """Return all rows."""
        return {split: self._sample(table) for split, table in self.tables.items()}

    def _sample(self, table: Inline | InlineRows) -> Sample:
        import numpy as np

        classes, given = self.description.classes, _given(table)
        if given is None:
            targets = []
        elif classes is None:
            targets = [Cells("target", "number", values) for values in flat_columns(given)]
        else:
            index = {name: i for i, name in enumerate(classes)}
            targets = [Cells("target", "text", np.array([index[name] for name in given]), classes)]
        inputs = flat_columns(table.inputs)
        columns = (Cells(f"element {i}", "number", values) for i, values in enumerate(inputs))
        return Sample(tuple(columns), tuple(targets), table=True)


def _given(table: Inline | InlineRows) -> list[Any] | None:
    """Return the targets that a table has of its own; None where they are the inputs."""
    return table.targets if isinstance(table.targets, list) else None


def flat_columns(rows: list[Any]) -> NDArray[np.float64]:
    """Return each element of sound rows, nested as they may be, as a column of numbers (elements, rows)."""
    import numpy as np

    return np.array(rows, dtype=np.float64).reshape(len(rows), -1).T


def _classes(targets: list[Any]) -> tuple[str, ...] | None:
    if targets and all(isinstance(target, str) for target in targets):
        return tuple(sorted(set(targets)))
    return None


def _describe(
    table: Inline | InlineRows, key: KeyPath, classes: tuple[str, ...] | None, collector: Collector
) -> DataDescription:
    given = _given(table)
    target: tuple[int, ...] = ()
    with collector.together() as faults:
        if given is not None and classes is None:
            target = shape_of_rows(given, (*key, "targets"), faults)
        elif given is not None:
            _check_names(given, classes or (), (*key, "targets"), faults)
        inputs = shape_of_rows(table.inputs, (*key, "inputs"), faults)
        rows = len(table.inputs)
        if not rows:
            faults.add("SN506", "there are no rows", *key, "inputs")
        elif given is not None and rows != len(given):
            there = counted(len(given), "target")
            message = f"there are {counted(rows, 'row')} of inputs, but {there}"
            faults.add("SN542", message, *key, "targets", help="give one target for each row of inputs")
        if table.weight is not None and rows != len(table.weight):
            message = (
                f"there are {counted(rows, 'row')} of inputs, but {counted(len(table.weight), 'weight')}"
            )
            faults.add("SN542", message, *key, "weight", help="give one weight for each row of inputs")
    count, per_class = (None, None) if given is None else _count(given, target, classes)
    return DataDescription(
        inputs=inputs or (1,),
        target=target,
        rows={"train": rows},
        target_kind="number" if classes is None else "class",
        class_count=count,
        classes=classes,
        per_class=per_class,
        whole=_whole(table.inputs),
        weighted=table.weight is not None,
    )


def _whole(rows: list[Any]) -> bool:
    """Return whether nested rows hold whole numbers alone, each of which a float64 can hold."""
    if isinstance(rows[0], list):
        return all(map(_whole, rows))
    return all(isinstance(value, int) and abs(value) <= 1 << 53 for value in rows)


def _count(
    targets: list[Any], shape: tuple[int, ...], classes: tuple[str, ...] | None
) -> tuple[int | None, list[int] | None]:
    if classes is not None:
        counter = Counter(targets)
        return len(classes), [counter[name] for name in classes]
    if shape == (1,):
        targets = [target for (target,) in targets]
    elif shape:
        return None, None
    if any(t != int(t) or not 0 <= t < LARGEST_INDEX for t in targets):
        return None, None
    counter = Counter(map(int, targets))
    count = max(counter) + 1
    return count, [counter[i] for i in range(count)] if count <= 10 * len(targets) else None


def _check_names(targets: list[Any], classes: tuple[str, ...], key: KeyPath, collector: Collector) -> None:
    for i, target in enumerate(targets):
        if target not in classes:
            near = closest(target, classes) if isinstance(target, str) else None
            collector.add(
                "SN514",
                f"the target {_shown(target).removeprefix('the string ')} is not a class of the training rows",
                *key,
                i,
                help=f"did you mean `{near}`?" if near else f"their classes are {listed(classes)}",
            )


def shape_of_rows(rows: list[Any], key: KeyPath, collector: Collector) -> tuple[int, ...]:
    """Return the shape that every row has; note each entry that is no finite number or has another shape."""
    shapes = [_shape(row, (*key, i), collector, 1) for i, row in enumerate(rows)]
    sound = Counter(shape for shape in shapes if shape is not None)
    if not sound:
        return ()
    common = sound.most_common(1)[0][0]
    for i, shape in enumerate(shapes):
        if shape is not None and shape != common:
            message = f"this row is {_form(shape)}, but the others are {_form(common)}"
            collector.add("SN541", message, *key, i)
    if 0 in common:
        collector.add("SN543", "the rows are empty", *key)
    return common


def _shape(value: Any, key: KeyPath, collector: Collector, depth: int) -> tuple[int, ...] | None:
    if not isinstance(value, list):
        return () if _is_number(value, key, collector) else None
    if depth > DEEPEST:
        collector.add("SN541", f"lists are nested more than {DEEPEST} deep", *key)
        return None
    shapes = [_shape(item, (*key, i), collector, depth + 1) for i, item in enumerate(value)]
    if None in shapes:
        return None
    for i, shape in enumerate(shapes):
        if shape is not None and shape != shapes[0]:
            first = shapes[0] or ()
            message = f"this is {_form(shape)}, but the first at this level is {_form(first)}"
            collector.add("SN541", message, *key, i)
            return None
    return (len(value), *(shapes[0] or ())) if value else (0,)


def _is_number(value: Any, key: KeyPath, collector: Collector) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        collector.add("SN540", f"expected a number, not {_shown(value)}", *key)
        return False
    try:
        finite = isfinite(value)
    except OverflowError:
        finite = False
    if not finite:
        collector.add("SN513", "expected a finite number", *key)
    return finite


def _form(shape: tuple[int, ...]) -> str:
    if not shape:
        return "a plain number"
    return f"a list of {counted(shape[0], 'number')}" if len(shape) == 1 else f"of shape {list(shape)}"


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f'the string "{clipped(value)}"'
    if isinstance(value, dict):
        return "a table"
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"{clipped(str(value))}"
