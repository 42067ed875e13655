"""Files of new rows: which module reads one, by what the model was trained on and by the file's suffix."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from io import BufferedReader
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol, cast

from specnet.data.formats import FORMATS, SUFFIXES
from specnet.data.kept_columns import KeptColumns
from specnet.data.new_rows import RowFile

if TYPE_CHECKING:
    from specnet.data.encoding import Encoding
    from specnet.data.format import DataFormat
    from specnet.data.new_rows import Note, RowBlock
    from specnet.data.tables.tabular import Tabular

READERS = {
    ".json": "json_rows",
    ".jsonl": "json_rows",
    ".ndjson": "json_rows",
    ".npz": "formats.npz",
    ".npy": "formats.npy",
}
"""The module whose `new_rows` reads a file that is not a table, by its suffix, whatever the model was trained on."""


class RowReader(Protocol):
    """A module, or a format of tables, that reads new rows; some read streams, too."""

    def new_rows(self, file: RowFile, path: Path, /) -> Iterator[RowBlock]:
        """Yield the rows of a file in blocks."""
        ...

    def new_rows_of_stream(self, file: RowFile, stream: IO[bytes], /) -> Iterator[RowBlock]:
        """Yield the rows of a stream in blocks."""
        ...


def blocks(
    encoding: Encoding,
    source: Path | BufferedReader,
    name: str,
    note: Note,
    kept: KeptColumns | None = None,
) -> Iterator[RowBlock]:
    """Yield the rows of a file, or of a stream of CSV or JSON lines, block by block.

    `name` is what messages call it; names of columns that the model does not take are passed to `note`. Columns that
    are `kept` come with the rows. Raises SpecError naming what is wrong.
    """
    file = RowFile(encoding.known, name, note, kept or KeptColumns())
    for block in _blocks(encoding, file, source):
        if block.kept is None and file.kept.required:
            raise file.error("SN571", f"`{name}` has no columns that could be kept")
        yield block


def _blocks(encoding: Encoding, file: RowFile, source: Path | BufferedReader) -> Iterator[RowBlock]:
    if not isinstance(source, Path):
        own = encoding.format.rows_of_stream(file, source)
        if own is not None:
            return own
        is_json = source.peek(1).lstrip()[:1] in (b"{", b"[")
        return _reader(".json" if is_json else ".csv", encoding.format).new_rows_of_stream(file, source)
    if _is_own(encoding, source):
        return encoding.format.new_rows(file, source)
    return _reader(source.suffix.lower(), encoding.format).new_rows(file, source)


def are_files(encoding: Encoding, source: Path | BufferedReader) -> bool:
    """Return whether each row of a source is a file of its own: an image."""
    own = isinstance(source, Path) and _is_own(encoding, source)
    return own and encoding.format.reads == "folder"


def _is_own(encoding: Encoding, path: Path) -> bool:
    """Return whether a file is one of the format that the model was trained on, which then reads it."""
    data_format, suffix = encoding.format, path.suffix.lower()
    if data_format.suffixes is None:
        return suffix not in (*READERS, *SUFFIXES) or (data_format.reads == "folder" and path.is_dir())
    return suffix in data_format.suffixes


def _reader(suffix: str, data_format: DataFormat) -> RowReader:
    """Return what reads files of a suffix; those of an unknown one are read as CSV."""
    if suffix in READERS:
        return _module(READERS[suffix])
    kind = cast("type[Tabular]", FORMATS.kinds[SUFFIXES.get(suffix, "csv")])
    return cast("RowReader", kind.like(data_format))


def _module(name: str) -> RowReader:
    return cast("RowReader", import_module(f"specnet.data.{name}"))
