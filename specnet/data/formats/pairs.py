from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt
from pydantic_core import PydanticCustomError

from specnet.data.files import DataContext, FilePlace
from specnet.data.format import DataFormat, FilePath
from specnet.data.text import TOKENIZERS, Tokenizer
from specnet.data.text.encodings import encoding_faults
from specnet.vocabulary.kind import Table, table_check

if TYPE_CHECKING:
    from specnet.data.collector import Collector
    from specnet.data.new_rows import KnownRows, LabelledRows, RowBlock, RowFile
    from specnet.data.rows import Rows
    from specnet.data.sequence_pairs import PairSource


class PairRows(Table):
    """Separate pairs, in a file of the form of the training file."""

    path: FilePath = Field(examples=["test.tsv"])
    """The file; relative to the document, then to $SPECNET_DATA."""


class Pairs(DataFormat):
    """Pairs of sequences, a source and a target that is to be made of it: translations, sums, spellings.

    Each line of the file is a source, a tab, and a target. An example has two inputs, which `[inputs]` names: the array
    `source` is the tokens of the source, and the array `target` is a token for the beginning, then those of the target.
    Its targets are the tokens of the target, then a token for its end: the model learns to predict each token from
    those before it and the whole source (teacher forcing). Shorter sequences are padded, and padding counts nothing.
    Sources and targets have one vocabulary, that of the training pairs.

    A line feed alone ends a line, and nothing is quoted.
    """

    type: Literal["pairs"] = "pairs"
    path: FilePath = Field(examples=["pairs.tsv"])
    """The file; relative to the document, then to $SPECNET_DATA."""
    tokens: Annotated[Tokenizer, TOKENIZERS] = TOKENIZERS.field("char")
    """What sources and targets are cut into."""
    source_length: PositiveInt | None = Field(default=None, examples=[32])
    """How many tokens a source has: shorter ones are padded, longer ones truncated. By default the longest training
    source fits."""
    target_length: PositiveInt | None = Field(default=None, examples=[32])
    """How many tokens a target has, the token of its end included: shorter ones are padded, longer ones truncated. By
    default the longest training target fits."""
    encoding: str = "utf-8"
    """The text encoding of the files, by its name in Python, such as utf-8, latin-1 or utf-16. Bytes that are not text
    in it are an error."""
    validation: PairRows | None = None
    """Pairs to validate on during training."""
    test: PairRows | None = None
    """Pairs to test the finished model on."""

    suffixes: ClassVar[tuple[str, ...] | None] = None

    @table_check()
    def _encoding_known(self) -> Iterator[PydanticCustomError]:
        return encoding_faults(self.encoding)

    def open(self, context: DataContext) -> PairSource:
        """Return the pairs; that each line is one has been checked."""
        from specnet.data.sequence_pairs import PairSource, read_pairs
        from specnet.data.text.refusing import refuse_numbers

        with context.collector.together() as faults:
            refuse_numbers(self, faults)
            with faults.catch():
                pairs = self.read_each(context, lambda place: read_pairs(place, self.encoding))
        lengths = (self.source_length, self.target_length)
        return PairSource(pairs, self.tokens, lengths, context)

    def rows_of_cells(self, rows: Any, known: KnownRows, collector: Collector) -> Rows:
        """Return pairs of texts as rows of indices, and indices as they are; raise SpecError naming what is neither."""
        from specnet.data.sequence_pairs import of_cells

        return of_cells(rows, known, collector)

    def read_rows(self, known: KnownRows, place: FilePlace) -> Rows:
        """Return the pairs of a file as rows of indices."""
        rows = self.labelled_rows(known, place)
        assert rows is not None
        return rows.inputs

    def new_rows(self, file: RowFile, path: Path) -> Iterator[RowBlock]:
        """Yield the pairs of a file, some at once."""
        from specnet.data.sequence_pairs import blocks

        return blocks(self.encoding, file, path)

    def labelled_rows(self, known: KnownRows, place: FilePlace) -> LabelledRows | None:
        """Return the pairs of a file, with the tokens that are to be predicted."""
        from specnet.data.sequence_pairs import labelled

        return labelled(self.encoding, known, place)
