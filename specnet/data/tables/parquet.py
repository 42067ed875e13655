from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from specnet.data.opening import open_regular
from specnet.data.tables.typed import TypedDialect, TypedTable, typed_dialect
from specnet.diagnostics.text import clipped
from specnet.installation import install_command

if TYPE_CHECKING:
    from specnet.data.files import FilePlace
    from specnet.data.formats.table import Tabular

ROWS = 4096
"""Rows that are held as Python's values at once."""

SUFFIXES = (".parquet", ".pq")


def parquet_dialect(data_format: Tabular) -> TypedDialect:
    """Return how a Parquet file is read."""
    return typed_dialect(data_format, open_parquet)


def open_parquet(place: FilePlace) -> TypedTable | None:
    """Return the table in a Parquet file, its schema read, or note why there is none."""
    collector = place.context.collector
    try:
        arrow = importlib.import_module("pyarrow")
        parquet = importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "pyarrow":
            raise
        message = f"`{place.name}` cannot be read: Parquet needs pyarrow, which the extra `parquet` installs"
        _once(place, "SN582", message, install_command("parquet"))
        return None
    try:
        with open_regular(place.path) as raw, parquet.ParquetFile(raw) as file:
            schema = file.schema_arrow
    except (arrow.ArrowException, OSError) as error:
        _once(place, "SN519", f"`{place.name}` is not a valid Parquet file{_why(place, error)}")
        return None

    def batches() -> Iterator[Sequence[Sequence[Any]]]:
        try:
            with open_regular(place.path) as raw, parquet.ParquetFile(raw) as file:
                for batch in file.iter_batches(batch_size=ROWS):
                    yield [_values(column) for column in batch.columns]
        except (arrow.ArrowException, OSError) as error:
            collector.add("SN519", f"`{place.name}` is damaged{_why(place, error)}", *place.key)

    kinds = {name: _kind(arrow.types, type_) for name, type_ in zip(schema.names, schema.types, strict=True)}
    return TypedTable(tuple(schema.names), kinds, batches)


def _why(place: FilePlace, error: Exception) -> str:
    """Return what pyarrow says of a file, which may hold some of its contents."""
    first = next(iter(str(error).splitlines()), type(error).__name__)
    return f": {clipped(first, 200)}" if place.quotable else ""


def _once(place: FilePlace, code: str, message: str, help: str | None = None) -> None:
    """Note a fault of a file, unless it was noted when the file was first looked at."""
    if all(found.message != message for found in place.context.collector.found):
        place.context.collector.add(code, message, *place.key, help=help)


def _values(column: Any) -> Any:
    values: list[Any] = column.to_pylist()
    return values


def _kind(types: Any, of: Any) -> str | None:
    """Return what a column holds, in the words of `TypedTable.kinds`."""
    if types.is_dictionary(of):
        of = of.value_type
    if types.is_boolean(of):
        return "boolean"
    if types.is_integer(of) or types.is_floating(of) or types.is_decimal(of):
        return "number"
    if types.is_string(of) or types.is_large_string(of) or types.is_string_view(of):
        return "text"
    return None if types.is_null(of) else str(of)
