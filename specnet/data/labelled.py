"""Rows with targets from a file of any kind, for a model that was trained on data of any kind."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from specnet.data.collector import Collector
from specnet.data.files import DataContext, FilePlace
from specnet.data.formats import FORMATS, SUFFIXES
from specnet.data.json_rows import LINES_SUFFIXES
from specnet.data.new_rows import LabelledRows
from specnet.data.rows import ArrayRows
from specnet.data.tables.numbers import number
from specnet.diagnostics.text import clipped, counted, listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.encoding import Encoding
    from specnet.data.tables.table import DataTable
    from specnet.data.tables.tabular import Tabular

JSON = (".json", *LINES_SUFFIXES)
ARRAYS, UNLABELLED = ".npz", ".npy"

HELP = "name a table with a column for the target, or an .npz file with the arrays `inputs` and `targets`"


def labelled_rows(encoding: Encoding, path: Path, name: str | None = None) -> LabelledRows:
    """Return the rows and targets of a file, which `name` is called in messages.

    Its suffix says how it is read, as for predictions. A model of a table finds its columns by their names. For
    others, the inputs are the columns that have their names, or else the first ones; what is left is the target.
    Raises SpecError naming what is wrong.
    """
    data_format = encoding.format
    context = DataContext(Path(), Collector(()))
    found = context.find(str(path), what="either" if data_format.reads == "folder" else "file")
    place = FilePlace(found, name or str(path), (), context)
    with context.collector.limited():
        suffix = found.suffix.lower()
        named = data_format.suffixes is not None and suffix in data_format.suffixes
        own = named or data_format.suffixes is None or found.is_dir()
        if suffix == ARRAYS:
            return _arrays(encoding, place)
        if suffix == UNLABELLED:
            raise place.error("SN571", f"`{place.name}` holds no targets", help=HELP)
        if (suffix in JSON and not named) or (
            not data_format.is_table and not named and (suffix in SUFFIXES or not own)
        ):
            return _of_table(encoding, place, suffix)
        rows = data_format.labelled_rows(encoding.known, place)
        if rows is None:
            raise place.error("SN571", f"`{place.name}` holds no targets", help=HELP)
        return rows


def _of_table(encoding: Encoding, place: FilePlace, suffix: str) -> LabelledRows:
    data_format, known = encoding.format, encoding.known
    kind = cast("type[Tabular]", FORMATS.kinds[SUFFIXES.get(suffix, "csv")])
    settings = kind.like(data_format)
    if suffix in JSON:
        from specnet.data.tables.json_table import JsonTable

        table: DataTable = JsonTable(place, settings.typed_parser)
        if data_format.is_table:
            return cast("Tabular", data_format).labelled_table(known, table)
    else:
        table = settings.table(place)
        if "header" in kind.model_fields and not _is_header(table.first, known.names):
            table = settings.model_copy(update={"header": False}).table(place)
    return _of_columns(encoding, table)


def _is_header(first: Sequence[str], names: Sequence[str] | None) -> bool:
    """Return whether a first record holds names: some of those that the inputs have, or else no row of numbers."""
    numbers = [number(cell) is not None for cell in first]
    if names is None:
        return not all(numbers)
    return not any(numbers) or any(name in first for name in names)


def _of_columns(encoding: Encoding, table: DataTable) -> LabelledRows:
    """Return the rows of a table for a model that was trained on arrays."""
    features, targets = _columns(encoding, table)
    columns = _joined(table)
    inputs = _numbers(table, columns, features).reshape(-1, *encoding.raw_shape)
    if not targets:
        return LabelledRows(ArrayRows(inputs), None)
    values = _classes(encoding, table, columns, targets)
    if values is None:
        values = _numbers(table, columns, targets)
    shape = encoding.signature.target if prod(encoding.signature.target) == len(targets) else ()
    return LabelledRows(ArrayRows(inputs), values.reshape(-1, *shape))


def _columns(encoding: Encoding, table: DataTable) -> tuple[list[int], list[int]]:
    """Return which columns are the inputs, and which the targets."""
    known, count = encoding.known, 0 if encoding.format.reproduces else _targets(encoding)
    names, first, place = known.names, list(table.first), table.place
    if table.header and names is not None:
        lacking = [name for name in names if name not in first]
        if lacking:
            word = "column" if len(lacking) == 1 else "columns"
            raise place.error(
                "SN509", f"`{place.name}` has no {word} {listed(lacking)}", help=f"it has {listed(first)}"
            )
        inputs = [first.index(name) for name in names]
    else:
        inputs = list(range(min(known.width, len(first))))
    rest = [i for i in range(len(first)) if i not in set(inputs)]
    if not count:
        return inputs, []
    if len(inputs) < known.width or len(rest) != count:
        needed = f"{counted(known.width, 'input')} and {counted(count, 'target')}"
        message = f"`{place.name}` has {counted(len(first), 'column')}; the model needs {needed}"
        raise place.error("SN554", message)
    return inputs, rest


def _targets(encoding: Encoding) -> int:
    """Return how many cells of a row are its target."""
    one_hot = encoding.signature.class_count is not None
    return 1 if one_hot else prod(encoding.signature.target)


def _joined(table: DataTable) -> list[list[Any]]:
    columns: list[list[Any]] = [[] for _ in table.first]
    for chunk in table.chunks():
        for line, count in chunk.odd:
            message = f"{table.row_word} {line} of `{table.place.name}` has {count} cells"
            raise table.place.error("SN505", f"{message}, where the first has {table.width}")
        for column, cells in zip(columns, chunk.columns, strict=True):
            column.extend(cells)
    return columns


def _classes(
    encoding: Encoding, table: DataTable, columns: list[list[Any]], targets: list[int]
) -> NDArray[Any] | None:
    """Return the indices of classes that are given by their names; None where they are given as numbers."""
    import numpy as np

    names = encoding.signature.classes
    if names is None or len(targets) != 1:
        return None
    index = {name: i for i, name in enumerate(names)}
    cells = [table.parser.text(cell) for cell in columns[targets[0]]]
    if all(
        cell is not None and cell not in index and table.parser.numbers.value(cell) is not None
        for cell in cells
    ):
        return None
    wrong = next((n for n, cell in enumerate(cells) if cell not in index), None)
    if wrong is not None:
        cell = cells[wrong]
        column = table.place.column(targets[0], table.names[targets[0]])
        target = f"the target, {column} of `{table.place.name}`"
        if cell is None:
            raise table.place.error("SN511", f"{target}, has no value in row {wrong + 1}")
        holds = f"holds `{clipped(cell)}` in row {wrong + 1}"
        message = f"{target}, {holds}, which is not a class that the model was trained on"
        raise table.place.error("SN514", message, help=f"its classes are {listed(list(names))}")
    return np.array([index[str(cell)] for cell in cells], np.int64)


def _numbers(table: DataTable, columns: list[list[Any]], places: list[int]) -> NDArray[Any]:
    """Return some columns as numbers (rows, columns)."""
    import numpy as np

    found = []
    with table.place.context.collector.together() as faults:
        for i in places:
            values = [_number(table, cell) for cell in columns[i]]
            for row, value in enumerate(values):
                if value is None:
                    message = f"`{table.place.name}`, column `{clipped(table.names[i])}`: "
                    message += f"`{clipped(str(columns[i][row]))}` in row {row + 1} is not a number"
                    faults.add("SN512", message)
            found.append([0.0 if value is None else value for value in values])
    return np.array(found, np.float64).T


def _number(table: DataTable, cell: Any) -> float | None:
    value = table.parser.read(cell)
    return value if isinstance(value, float) else None


def _arrays(encoding: Encoding, place: FilePlace) -> LabelledRows:
    """Return the arrays of inputs and of targets in a file, which have the names of the training file's, if any."""
    from specnet.data.formats import npz

    if isinstance(encoding.format, npz.Npz):
        return encoding.format.labelled_rows(encoding.known, place)
    found = npz.labelled_rows(encoding.format, place)
    if encoding.columns is None:
        return found
    # The numbers of a row are the cells of a table.
    cells = cast("ArrayRows", found.inputs).array
    rows = encoding.format.rows_of_cells(cells, encoding.known, place.context.collector)
    return LabelledRows(rows, found.targets)
