from __future__ import annotations

import csv
from collections.abc import Iterator
from io import BufferedReader
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, SerializerFunctionWrapHandler, model_serializer
from pydantic_core import PydanticCustomError

from specnet.data.files import larger_than_half, memory
from specnet.data.format import BATCHES, FilePath, Load
from specnet.data.formats.csv.compression import (
    EXPANSION,
    Compression,
    CompressionError,
    found_compression,
    unpacked,
)
from specnet.data.formats.csv.dialect import WHITESPACE, Dialect
from specnet.data.opening import open_given, open_regular
from specnet.data.tables.numbers import NumberFormat
from specnet.data.tables.tabular import FileTable
from specnet.data.text.encodings import encoding_faults
from specnet.vocabulary.kind import Table, fault, table_check

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

    from specnet.data.files import DataContext, FilePlace
    from specnet.data.new_rows import RowBlock, RowFile
    from specnet.data.tables.table import DataTable


class CsvRows(Table):
    """A separate CSV file, of the same format as the training file."""

    path: FilePath = Field(examples=["test.csv"])
    """The file; relative to the document, then to $SPECNET_DATA."""
    member: str | None = Field(default=None, examples=["test.csv"])
    """The file in a zip archive, if the archive contains several."""


class Csv(FileTable):
    """A table in a CSV file: one row per example, one column per feature or target.

    A column whose cells are all numbers is numeric; one whose cells are all text is a category; `columns`
    overrides this. Categories are those of the file that `path` names, before any split is drawn,
    in alphabetical order (or by size, if all are numbers): a category feature is one-hot encoded as several
    inputs, a category target becomes the index of its class. Blanks around a cell and blank lines are ignored.
    """

    type: Literal["csv"] = "csv"
    header: bool = True
    """Whether the first line contains the names of the columns."""
    delimiter: str = Field(default=",", examples=[";"])
    """The character between two cells, or `whitespace` for one or more blanks or tabs."""
    encoding: str = "utf-8"
    """The text encoding of the file, by its name in Python, such as utf-8, utf-16, latin-1, cp949, cp932 or big5."""
    decimal: Literal[".", ","] = "."
    """The decimal separator of numbers."""
    thousands: Literal[",", ".", " ", "'", "_"] | None = Field(default=None, examples=[","])
    """The thousands separator of numbers. A blank stands for thin and non-breaking spaces as well, and an apostrophe
    for a typographic one."""
    strip: tuple[str, ...] = Field(default=(), examples=[["$", "%"]])
    """Strings that may precede or follow a number and are ignored, such as currency signs, percent signs and units:
    `12 %` is the number 12."""
    comment: Annotated[str, Field(min_length=1)] | None = Field(default=None, examples=["#"])
    """The beginning of lines that are ignored."""
    skip_rows: NonNegativeInt = Field(default=0, examples=[2])
    """How many lines at the beginning of the file are ignored, such as titles."""
    compression: Compression = "auto"
    """How the file is compressed; `auto` decides by its first bytes. It is decompressed as it is read."""
    member: str | None = Field(default=None, examples=["train.csv"])
    """The file in a zip archive, if the archive contains several."""
    load: Load = "auto"
    """Whether all rows are read before the training (`whole`), or batch by batch (`batches`), for files of any
    size: in the file's order, shuffled in a buffer, from a temporary file of its columns. `auto` is `whole` for
    files of up to an eighth of the machine's memory."""
    shuffle_buffer: PositiveInt = 10_000
    """How many rows the shuffle holds, if rows are read in batches; with at least as many as the training split
    has, the order is the same as for rows that are read whole."""
    validation: CsvRows | None = None
    """A file of the rows to validate on during training."""
    test: CsvRows | None = None
    """A file of the rows to test the finished model on."""

    suffixes: ClassVar[tuple[str, ...] | None] = None

    @table_check()
    def _delimits(self) -> Iterator[PydanticCustomError]:
        if len(self.delimiter) != 1 and self.delimiter != WHITESPACE:
            message = f'`delimiter` must be one character, or "{WHITESPACE}", not "{self.delimiter}"'
            yield fault(message, key="delimiter")
        if self.delimiter in ('"', "\r", "\n"):
            message = "`delimiter` cannot be a quote or the end of a line"
            yield fault(message, key="delimiter")

    @table_check()
    def _comments(self) -> Iterator[PydanticCustomError]:
        if self.comment is not None and (self.comment.strip() != self.comment or self.comment[0] == '"'):
            message = "`comment` cannot begin or end with a blank, or begin with a quote"
            yield fault(message, key="comment")

    @table_check()
    def _numbers_readable(self) -> Iterator[PydanticCustomError]:
        if self.decimal == self.thousands:
            message = f"`decimal` and `thousands` are both `{self.decimal}`"
            yield fault(message, key="thousands")

    @table_check(each="strip")
    def _is_no_number(self, place: int, text: str) -> Iterator[PydanticCustomError]:
        if not text.strip() or any(c.isdigit() or c in "+-.," for c in text):
            message = f"`{text}` cannot be ignored: it is blank, or could be a part of a number"
            yield fault(message, key=("strip", place))

    @table_check()
    def _members_apply(self) -> Iterator[PydanticCustomError]:
        members: dict[tuple[str, ...], str | None] = {("member",): self.member}
        members |= {(name, "member"): rows.member for name, rows in self._rows_of_splits().items()}
        for key, member in members.items():
            if member is not None and self.compression not in ("auto", "zip"):
                message = f'`member` applies to zip archives only, and `compression` is "{self.compression}"'
                yield fault(message, key=key)

    @table_check()
    def _buffer_applies(self) -> Iterator[PydanticCustomError]:
        if self.load == "whole" and "shuffle_buffer" in self.model_fields_set:
            message = "`shuffle_buffer` applies only where rows are read in batches"
            yield fault(message, key="shuffle_buffer")

    @table_check()
    def _encoding_known(self) -> Iterator[PydanticCustomError]:
        return encoding_faults(self.encoding)

    def _rows_of_splits(self) -> dict[str, CsvRows]:
        rows = {"validation": self.validation, "test": self.test}
        return {name: found for name, found in rows.items() if found is not None}

    @property
    def dialect(self) -> Dialect:
        """How the text of its files is written."""
        return Dialect(self.delimiter, self.encoding, self.comment, self.skip_rows, self.compression)

    @property
    def numbers(self) -> NumberFormat:
        """How cells write numbers."""
        return NumberFormat(self.decimal, self.thousands, self.strip)

    @model_serializer(mode="wrap")
    def _as_accepted(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the default of a key that a document may not give: what is written must validate."""
        data: dict[str, Any] = write(self)
        if self.load == "whole":
            data.pop("shuffle_buffer", None)
        return data

    def new_rows(self, file: RowFile, path: Path) -> Iterator[RowBlock]:
        """Yield the rows of a file block by block."""
        with open_given(path) as stream:
            yield from self.new_rows_of_stream(file, stream)

    def new_rows_of_stream(self, file: RowFile, stream: IO[bytes]) -> Iterator[RowBlock]:
        """Yield the rows of a stream block by block.

        Where the model was not trained on a table, whether there is a header is found out.
        """
        from specnet.data.formats.csv.blocks import BlockReader
        from specnet.data.new_rows import ROWS

        buffered = stream if isinstance(stream, BufferedReader) else BufferedReader(stream)  # type: ignore[type-var]
        try:
            packed = unpacked(buffered, self.compression, self.member, strict=False)
        except CompressionError as error:
            raise file.error("SN502", f"`{file.name}` {error}") from None
        reader = BlockReader(packed, self.dialect, self.decimal)
        try:
            first = reader.first()
            if first is None:
                raise file.error("SN506", f"`{file.name}` is empty")
            cells = [cell.strip() for cell in first[1]]
            guessed = any(self.numbers.value(cell) is None for cell in cells)
            header = guessed if file.known.columns is None else self.header
            positions = file.positions(cells, header=header)
            if not header:
                reader.unread(first)
            for chunk in reader.chunks(len(cells), ROWS):
                yield from file.blocks(chunk, positions, "line", text=True)
        except UnicodeError as error:
            message = f"`{file.name}` is not text in {self.encoding}{error}"
            raise file.error("SN503", message, "save it in the encoding of the training file") from None
        except csv.Error as error:
            message = f"`{file.name}` is not well-formed CSV: {error}{reader.place(error)}"
            raise file.error("SN504", message) from None
        except CompressionError as error:
            raise file.error("SN502", f"`{file.name}` {error}") from None
        finally:
            # The stream belongs to the caller, who may read on.
            if buffered is not stream:
                buffered.detach()

    def check_given(self, context: DataContext) -> None:
        """Note frames that cannot take the place of files, or not as the document says."""
        super().check_given(context)
        if context.frames and self.load == "batches":
            message = "a frame is in memory already: it cannot be read in batches"
            context.collector.add("SN573", message, "load", help="leave `load` out")

    def size(self, path: Path) -> int:
        """Return how many bytes of text a file holds, estimated for a compressed one."""
        size = path.stat().st_size
        with open_regular(path) as file:
            packed = self.compression != "none" and found_compression(file.read(8)) != "none"
        return size * EXPANSION if packed else size

    def buffer(self, size: int) -> int | None:
        """Return how many rows are held back for the shuffle, where those of a file of `size` bytes stay there."""
        batches = self.load == "batches" or (self.load == "auto" and larger_than_half(4 * size))
        return self.shuffle_buffer if batches else None

    @property
    def help(self) -> str | None:
        """What helps where the data are too large for the memory."""
        return BATCHES

    @property
    def guessed_header(self) -> bool:
        """Whether the first line is taken for names of columns without being said to be."""
        return self.header and "header" not in self.model_fields_set

    @property
    def named(self) -> bool:
        """Whether the columns have names."""
        return self.header

    def table(self, place: FilePlace) -> DataTable:
        """Return the table in a file, its first record read."""
        from specnet.data.formats.csv.table import CsvTable

        split = self._rows_of_splits().get(str(place.key[0])) if place.key else None
        return CsvTable(
            place,
            self.parser,
            self.dialect,
            header=self.header,
            member=self.member if split is None else split.member,
            limit=memory() if self.buffer(0) is None else None,
        )
