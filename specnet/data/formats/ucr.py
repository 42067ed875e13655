"""Series with classes in the files of the UCR and UEA archives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, PositiveInt

from specnet.data.format import DataFormat, FilePath
from specnet.vocabulary.kind import Table

if TYPE_CHECKING:
    from specnet.data.files import DataContext, FilePlace
    from specnet.data.new_rows import KnownRows, LabelledRows, RowBlock, RowFile
    from specnet.data.rows import Rows
    from specnet.data.series.labelled_source import LabelledSource


class UcrRows(Table):
    """A separate file of the same kind."""

    path: FilePath = Field(examples=["GunPoint_TEST.ts"])
    """The file; relative to the document, then to $SPECNET_DATA."""


class Ucr(DataFormat):
    """Series with a class each, in the files of the UCR and UEA archives of time series classification.

    A `.ts` file has lines that begin with `#` or `@`, the last of them `@data`, and then a series a line: its values
    with commas between them, of several dimensions one after the other with `:` between them, and after another `:` its
    class. In every other file a line is a label and the values, with commas, tabs or blanks between them.

    An example is (steps, dimensions). Series that are shorter than the longest of all splits are padded at their end;
    layers, losses and metrics leave padding out. Classes are those of the training file: in the order in which a `.ts`
    file declares them, else in alphabetical order, or by size if all are numbers.
    """

    type: Literal["ucr"] = "ucr"
    path: FilePath = Field(examples=["GunPoint_TRAIN.ts"])
    """The file; relative to the document, then to $SPECNET_DATA."""
    length: PositiveInt | None = Field(default=None, examples=[150])
    """How many steps an example has, at least as many as the longest series; by default as many."""
    target: Literal["inputs"] | None = None
    """`inputs` to predict the transformed inputs; by default the classes."""
    validation: UcrRows | None = None
    """A file of the rows to validate on during training."""
    test: UcrRows | None = None
    """A file of the rows to test the finished model on."""

    suffixes: ClassVar[tuple[str, ...] | None] = (".ts", ".tsv", ".txt")

    def open(self, context: DataContext) -> LabelledSource:
        """Return the series, read and checked."""
        from specnet.data.series.labelled import read_labelled
        from specnet.data.series.labelled_source import LabelledSource

        return LabelledSource.of(self.read_each(context, read_labelled), self.length)

    def read_rows(self, known: KnownRows, place: FilePlace) -> Rows:
        """Return the series of a file, with or without classes."""
        from specnet.data.series.labelled import read_labelled
        from specnet.data.series.labelled_source import known_rows

        return known_rows(known, read_labelled(place, labelled=False), labelled=False).inputs

    def new_rows(self, file: RowFile, path: Path) -> Iterator[RowBlock]:
        """Yield the series of a file, with or without classes."""
        rows = file.read(lambda place: self.read_rows(file.known, place), path)
        return file.array_blocks(rows.take(slice(None)))

    def labelled_rows(self, known: KnownRows, place: FilePlace) -> LabelledRows:
        """Return the series of a file with their classes."""
        from specnet.data.series.labelled import read_labelled
        from specnet.data.series.labelled_source import known_rows

        return known_rows(known, read_labelled(place), labelled=not self.reproduces)
