from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt
from pydantic_core import PydanticCustomError

from specnet.data.files import DataContext, FilePlace
from specnet.data.format import DataFormat, FilePath
from specnet.data.source import DataSource
from specnet.data.text import TOKENIZERS, Tokenizer
from specnet.data.text.encodings import encoding_faults
from specnet.vocabulary.kind import Table, fault, table_check

if TYPE_CHECKING:
    from specnet.data.collector import Collector
    from specnet.data.formats.text.examples import TextForm
    from specnet.data.new_rows import KnownRows, LabelledRows, RowBlock, RowFile
    from specnet.data.rows import Rows
    from specnet.data.splits import SplitSpec

FilePaths = Annotated[tuple[FilePath, ...], Field(min_length=1)]

BLOCK = 64
"""How many tokens an example has if a document does not say it."""

Lines = Literal["documents", "label_first", "tab"]

APPLIES: dict[str, tuple[Lines | None, ...]] = {
    "block": (None,),
    "stride": (None,),
    "context": ("documents",),
    "length": ("documents", "label_first", "tab"),
    "truncate": ("documents", "label_first", "tab"),
}
"""The keys that do not apply to every kind of lines, and those that they apply to."""

DRAWN = ("stratify", "folds")
"""Keys of a split that chooses rows, which a text that is read as a whole does not have."""


class TextRows(Table):
    """A separate text, of the same form as the training text."""

    path: FilePath | FilePaths = Field(examples=["test.txt"])
    """The file, or several; relative to the document, then to $SPECNET_DATA."""


class Text(DataFormat):
    """Text as indices of tokens: for language models, and for classifiers of lines.

    By default a file is read as one long text, and the model learns to predict each token from those before it: an
    example is a `block` of tokens, and its targets are the tokens that follow each of them. `split` takes the
    validation and the test text from the end of the text, in this order. Validation and test examples follow on each
    other, so that every token is predicted once; what is left at the end and does not fill a block is left out.

    With `lines = "documents"` each line is a document of its own, to be predicted from its beginning to its end. An
    example is a line: its inputs are a token for its beginning, then its own, and its targets are its own, then a token
    for its end, which is the same as that for the beginning. Shorter lines are padded, and padding counts nothing. With
    `context` an example is a single token, to be predicted from that many tokens before it.

    With `lines = "label_first"` each line is a label, blanks, and a text, and with `lines = "tab"` a label, a tab and
    a text; the model learns to predict the label. The labels of the training file are the classes, in alphabetical
    order.

    A line feed alone ends a line, and nothing is quoted: all other characters are part of the text. The vocabulary
    is that of the training text alone.
    """

    type: Literal["text"] = "text"
    path: FilePath | FilePaths = Field(examples=["input.txt"])
    """The file, or several that are read one after the other; relative to the document, then to $SPECNET_DATA."""
    tokens: Annotated[Tokenizer, TOKENIZERS] = TOKENIZERS.field("char")
    """What the text is cut into."""
    lines: Lines | None = Field(default=None, examples=["label_first"])
    """What a line is: a document of its own, or a label and a text; by default lines have no meaning."""
    block: PositiveInt | None = Field(default=None, examples=[64])
    """How many tokens an example has, unless `lines` are examples; by default 64."""
    stride: PositiveInt | None = Field(default=None, examples=[16])
    """How many tokens after each other training examples begin; by default `block`, so that an epoch sees each token
    once as a target. With 1, each place of the text begins an example."""
    context: PositiveInt | None = Field(default=None, examples=[8])
    """The number of tokens before a token that it is predicted from, where lines are documents; at the beginning of a
    line they are tokens of its beginning. By default all before it are."""
    length: PositiveInt | None = Field(default=None, examples=[64])
    """How many tokens an example has where `lines` are examples: shorter ones are padded, longer ones truncated. By
    default the longest training line fits."""
    truncate: Literal["end", "start"] | None = Field(default=None, examples=["start"])
    """Which end of a longer line is cut off; by default its `end`."""
    encoding: str = "utf-8"
    """The text encoding of the files, by its name in Python, such as utf-8, latin-1 or utf-16. Bytes that are not text
    in it are an error."""
    validation: TextRows | None = None
    """A text to validate on during training."""
    test: TextRows | None = None
    """A text to test the finished model on."""

    suffixes: ClassVar[tuple[str, ...] | None] = None

    @table_check()
    def _encoding_known(self) -> Iterator[PydanticCustomError]:
        return encoding_faults(self.encoding)

    @table_check()
    def _block_fits(self) -> Iterator[PydanticCustomError]:
        return self._fits("block")

    @table_check()
    def _stride_fits(self) -> Iterator[PydanticCustomError]:
        return self._fits("stride")

    @table_check()
    def _context_fits(self) -> Iterator[PydanticCustomError]:
        return self._fits("context")

    @table_check()
    def _length_fits(self) -> Iterator[PydanticCustomError]:
        return self._fits("length")

    @table_check()
    def _truncate_fits(self) -> Iterator[PydanticCustomError]:
        return self._fits("truncate")

    def _fits(self, key: str) -> Iterator[PydanticCustomError]:
        """Yield a fault where a key does not apply to the kind of lines."""
        if getattr(self, key) is None or self.lines in APPLIES[key]:
            return
        takes = [f'`lines = "{each}"`' for each in APPLIES[key] if each is not None]
        if takes:
            yield fault(f"`{key}` applies only with {' or '.join(takes)}", key=key, part="key")
        else:
            yield fault(f"`{key}` does not apply where lines are examples", key=key, part="key")

    @table_check()
    def _length_or_context(self) -> Iterator[PydanticCustomError]:
        given = [key for key in ("length", "truncate") if getattr(self, key) is not None]
        if self.context is not None and given:
            message = "with `context`, an example has that many tokens, whatever the length of its line"
            yield fault(message, key=given[0], part="key")

    @table_check()
    def _split_by_position(self) -> Iterator[PydanticCustomError]:
        if self.split is None or (self.lines is not None and self.context is None):
            return
        for key in DRAWN:
            if key in self.split.model_fields_set and getattr(self.split, key):
                what = "is split by position" if self.lines is None else "is split by lines"
                help = "`validation` and `test` take fractions of it"
                yield fault(f"`{key}` does not apply to a text that {what}", key=("split", key), help=help)
                return

    @property
    def form(self) -> TextForm:
        """The same for what reads the text."""
        from specnet.data.formats.text.examples import TextForm

        steps = self.block or BLOCK
        return TextForm(
            tokens=self.tokens,
            lines=self.lines,
            steps=steps,
            stride=self.stride or steps,
            context=self.context,
            length=self.length,
            truncate=self.truncate,
            encoding=self.encoding,
            split=self.split,
        )

    @property
    def drawn(self) -> SplitSpec | None:
        """The split whose rows are drawn from the training rows: not those of a text, or of the tokens of lines."""
        return self.split if self.lines is not None and self.context is None else None

    @property
    def paths(self) -> dict[str, tuple[tuple[str, tuple[str | int, ...]], ...]]:
        """The files of each split that has some, each with the key that names it."""
        found = {}
        for name, table in {"train": self, **self.tables}.items():
            key = () if name == "train" else (name,)
            path = table.path
            several = path if isinstance(path, tuple) else (path,)
            found[name] = tuple(
                (each, (*key, "path", i) if isinstance(path, tuple) else (*key, "path"))
                for i, each in enumerate(several)
            )
        return found

    def same_rows(self, split: str) -> tuple[str, ...] | None:
        """Return the key at which the table of a split names the training's own text."""
        return self.same_value(split, "path")

    @property
    def continues(self) -> bool:
        """Whether rows in order are one long stream."""
        return self.lines is None and self.stride in (None, self.block or BLOCK)

    def open(self, context: DataContext) -> DataSource:
        """Return the text; of lines, that each is what it should be has been checked."""
        from specnet.data.formats.text.documents import DocumentSource
        from specnet.data.formats.text.labels import LabelSource
        from specnet.data.formats.text.stream import StreamSource
        from specnet.data.text.files import TextFile
        from specnet.data.text.refusing import refuse_numbers

        files = {}
        with context.collector.together() as faults:
            refuse_numbers(self, faults)
            for name, paths in self.paths.items():
                with faults.catch():
                    files[name] = tuple(
                        TextFile(FilePlace(context.find(path, *key), path, key, context), self.encoding)
                        for path, key in paths
                    )
        if self.lines is None:
            return StreamSource(self.form, files, context)
        return (DocumentSource if self.lines == "documents" else LabelSource)(self.form, files, context)

    def read_rows(self, known: KnownRows, place: FilePlace) -> Rows:
        """Return the texts of a file, one a line, as rows of indices."""
        from specnet.data.formats.text.new_texts import of_file

        return of_file(self.form, known, place)

    def rows_of_cells(self, rows: Any, known: KnownRows, collector: Collector) -> Rows:
        """Return texts, or indices of tokens, as rows of indices; raise SpecError naming each that is neither."""
        from specnet.data.formats.text.new_texts import of_texts

        return of_texts(self.form, known, rows, collector)

    def new_rows(self, file: RowFile, path: Path) -> Iterator[RowBlock]:
        """Yield the texts of a file, one a line."""
        from specnet.data.formats.text.new_texts import blocks

        return blocks(self.form, file, path)

    def rows_of_stream(self, file: RowFile, stream: IO[bytes]) -> Iterator[RowBlock] | None:
        """Return the texts of a stream, one a line."""
        from specnet.data.formats.text.new_texts import stream_blocks

        return stream_blocks(self.form, file, stream)

    def labelled_rows(self, known: KnownRows, place: FilePlace) -> LabelledRows | None:
        """Return the examples of another text, of the form of the training text."""
        from specnet.data.formats.text.new_texts import labelled

        return labelled(self.form, known, place)
