"""What a program passes instead of the files that a document names: which format reads it, and as what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from specnet.data.formats.arrays import Arrays
from specnet.data.passed import PassedData, PassedRows
from specnet.data.tables.frames import is_frame
from specnet.diagnostics import Diagnostic, SpecError
from specnet.diagnostics.text import counted

if TYPE_CHECKING:
    from specnet.data.format import DataFormat
    from specnet.data.tables.tabular import Tabular

SPLITS = ("train", "validation", "test")

ACCEPTED = (
    "data are a pair (inputs, targets), or (inputs, targets, weights), a frame of pandas or Polars, or a mapping of "
    "such from `train`, `validation` and `test`"
)


def passed_data(data: Any, data_format: DataFormat) -> tuple[DataFormat, PassedData]:
    """Return what a program passes, and the format by which it is read.

    That is the document's own for tables, whose files are replaced by frames. For inputs and targets it is `arrays`
    with the document's splits, transforms and augmentations. Raises TypeError for anything else, and SpecError where
    the document splits the data otherwise.
    """
    items = _by_split(data)
    if data_format.is_table:
        table = cast("Tabular", data_format)
        return table, PassedData(frames={name: _table(item, table) for name, item in items.items()})
    whole = [name for name, item in items.items() if is_frame(item)]
    if whole and not data_format.reproduces:
        return data_format, PassedData(frames=items)
    _check_splits(data_format, items)
    keys = [] if data_format.split is None else [str(name) for name in data_format.split.keys.values()]
    arrays = {
        name: _rows(item, keys if name == "train" else [], reproduces=data_format.reproduces)
        for name, item in items.items()
    }
    return _as_arrays(data_format), PassedData(arrays=arrays)


def _by_split(data: Any) -> dict[str, Any]:
    """Return what is passed of each split; a single item is the training data."""
    if not isinstance(data, Mapping) or not any(name in SPLITS for name in data):
        return {"train": data}
    strange = sorted(set(map(str, data)) - set(SPLITS))
    if strange or "train" not in data:
        raise TypeError(ACCEPTED)
    return dict(data)


def _check_splits(data_format: DataFormat, items: Mapping[str, Any]) -> None:
    """Raise SpecError where the document takes a split from elsewhere than what is passed."""
    found = []
    for name in data_format.tables:
        if name not in items:
            message = f"`{name}` names rows of its own, and the data that were passed have none of that name"
            help = f'pass them as well, as in data={{"train": ..., "{name}": ...}}, or leave the table out'
            found.append(Diagnostic("SN576", message, ("data", name), part="table", help=help))
    for name, key in data_format.split.taken.items() if data_format.split is not None else ():
        if name in items:
            what = "a fraction" if key == name else f"`{key}`"
            message = f"the {name} split has both {what} here and rows that were passed: keep one of them"
            found.append(Diagnostic("SN576", message, ("data", "split", key)))
    if found:
        raise SpecError(found)


def _as_arrays(data_format: DataFormat) -> DataFormat:
    """Return the format of arrays with all else that a document says of its data."""
    if isinstance(data_format, Arrays):
        return data_format
    kept = {name: getattr(data_format, name) for name in ("split", "transforms", "augmentations")}
    return Arrays.model_validate(
        {"type": "arrays", **kept, **({"target": "inputs"} if data_format.reproduces else {})}
    )


def _rows(item: Any, keys: Sequence[str], *, reproduces: bool) -> PassedRows:
    """Return the inputs and targets of one split, and apart from them the arrays or columns that split the rows."""
    inputs, targets, weights = _parts(item)
    inputs, by = _apart(inputs, keys)
    if targets is None and not reproduces:
        raise TypeError(ACCEPTED)
    features = None
    if is_frame(inputs):
        features = tuple(map(str, inputs.columns))
        inputs = inputs.to_numpy()
    targets, weights = (part.to_numpy() if is_frame(part) else part for part in (targets, weights))
    return PassedRows(inputs, targets, weights, features, by)


def _apart(inputs: Any, keys: Sequence[str]) -> tuple[Any, dict[str, Any]]:
    """Return inputs without the arrays or columns of these names, and these."""
    if is_frame(inputs):
        there = [name for name in keys if name in map(str, inputs.columns)]
        features = [name for name in inputs.columns if str(name) not in there]
        return (inputs[features] if there else inputs), {name: inputs[name].to_list() for name in there}
    if not isinstance(inputs, Mapping) or not any(name in inputs for name in keys):
        return inputs, {}
    left = {name: array for name, array in inputs.items() if name not in keys}
    by = {name: inputs[name] for name in keys if name in inputs}
    return left["inputs"] if left.keys() == {"inputs"} else left, by


def _parts(item: Any) -> tuple[Any, Any, Any]:
    """Return inputs, targets and weights, None for those that are not given; a mapping has them by these names."""
    if isinstance(item, tuple) and len(item) in (2, 3):
        return (*item, None)[:3]
    if isinstance(item, Mapping) and "targets" in item:
        named = {name: array for name, array in item.items() if name not in ("targets", "weights")}
        inputs = named["inputs"] if named.keys() == {"inputs"} else named
        return inputs, item["targets"], item.get("weights")
    return item, None, None


def _table(item: Any, table: Tabular) -> Any:
    """Return a frame, or inputs and targets as one under the names of the document's columns."""
    if is_frame(item):
        return item
    inputs, targets, weights = _parts(item)
    if weights is not None and table.weight is None:
        raise TypeError("weights are passed, and the document names no column for them: `weight` is missing")
    names = (
        [] if table.reproduces else list(table.target if isinstance(table.target, tuple) else (table.target,))
    )
    if isinstance(inputs, Mapping) or (targets is None) != table.reproduces:
        raise TypeError(ACCEPTED)
    columns = dict(_columns(inputs, table.features))
    for name, column in zip(names, _several(targets, len(names)), strict=True):
        columns[str(len(columns)) if isinstance(name, int) else name] = column
    if weights is not None:
        columns[str(table.weight)] = _several(weights, 1)[0]
    return Columns(columns)


def _columns(inputs: Any, features: Sequence[str | int] | None) -> Iterator[tuple[str, list[Any]]]:
    """Yield each column of inputs with its name: a frame's own, else those of the document, else numbers from 0."""
    if is_frame(inputs):
        for name in inputs.columns:
            yield str(name), inputs[name].to_list()
        return
    import numpy as np

    array = np.asarray(inputs)
    array = array.reshape(-1, 1) if array.ndim == 1 else array
    if array.ndim != 2:
        raise TypeError(
            f"the inputs of a table are rows of cells, not an array with {counted(array.ndim, 'axis')}"
        )
    names = list(features or range(array.shape[1]))
    if len(names) != array.shape[1]:
        raise TypeError(
            f"the inputs have {counted(array.shape[1], 'column')}, and the document names {len(names)}"
        )
    for name, column in zip(names, array.T.tolist(), strict=True):
        yield str(name), column


def _several(targets: Any, count: int) -> list[list[Any]]:
    """Return targets as columns."""
    if not count:
        return []
    if is_frame(targets):
        return [targets[name].to_list() for name in targets.columns]
    listed = targets.tolist() if hasattr(targets, "tolist") else list(targets)
    if count == 1 and getattr(targets, "ndim", 1) == 1:
        return [listed]
    return [list(column) for column in zip(*listed, strict=True)]


class Columns:
    """Columns by name, with what is used of a frame."""

    dtypes = ()

    def __init__(self, columns: dict[str, list[Any]]) -> None:
        self._columns = columns
        self.columns = list(columns)

    def __getitem__(self, name: str) -> _Column:
        return _Column(self._columns[name])

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()), []))


class _Column(list[Any]):
    def to_list(self) -> list[Any]:
        return list(self)
