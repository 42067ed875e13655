"""Texts as examples of a fixed length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from specnet.data.signature import NAMED, DataDescription, Padding

if TYPE_CHECKING:
    from specnet.data.files import DataContext
    from specnet.data.splits import SplitSpec
    from specnet.data.text import Tokenizer
    from specnet.data.text.files import TextFile
    from specnet.data.text.vocabulary import Vocabulary


SHOWN = 12
"""How many tokens of a vocabulary are shown."""


@dataclass(frozen=True, slots=True)
class TextForm:
    """What a document says about its text; see the fields of `Text`."""

    tokens: Tokenizer
    lines: str | None
    steps: int
    """How many tokens an example of one long text has."""
    stride: int
    context: int | None
    length: int | None
    truncate: str | None
    encoding: str
    split: SplitSpec | None


class LinePlace(NamedTuple):
    """Where a line is: what a message about it needs."""

    file: TextFile
    number: int

    @property
    def where(self) -> str:
        """What a sentence calls the line."""
        return f"line {self.number} of `{self.file.place.name}`"


def lines_of(files: Sequence[TextFile]) -> Iterator[tuple[LinePlace, str]]:
    """Yield the lines of files, one file after the other."""
    for file in files:
        for number, text in file.lines():
            yield LinePlace(file, number), text


def describe(
    vocabulary: Vocabulary,
    inputs: tuple[int, ...],
    target: tuple[int, ...],
    rows: dict[str, int],
    context: DataContext,
    padding: Padding | None = None,
) -> DataDescription:
    """Return the description of examples whose targets are tokens."""
    return DataDescription(
        inputs=inputs,
        target=target,
        rows=rows,
        target_kind="class",
        class_count=len(vocabulary),
        classes=vocabulary.tokens if len(vocabulary) <= NAMED else None,
        whole=True,
        tokens=len(vocabulary),
        padding=padding,
        quotable=context.quotable,
        first_tokens=vocabulary.tokens[:SHOWN],
    )
