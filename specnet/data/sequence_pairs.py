"""Pairs of sequences as rows of indices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from specnet.data.arrays.given import as_numbers
from specnet.data.new_rows import ROWS, LabelledRows, RowBlock
from specnet.data.rows import ArrayRows
from specnet.data.signature import NAMED, ColumnSlice, DataDescription
from specnet.data.source import DataPart, DataSource
from specnet.data.text.files import TextFile
from specnet.data.text.padding import padded
from specnet.data.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.files import DataContext, FilePlace
    from specnet.data.new_rows import KnownRows, RowFile
    from specnet.data.rows import Rows
    from specnet.data.text import Tokenizer
    from specnet.data.training_rows import TrainingRows

SOURCE, TARGET = "source", "target"
"""What the two arrays of an example are called."""


class TextPair(NamedTuple):
    """A source and what is to be made of it."""

    source: str
    target: str


class PairSource(DataSource):
    """Pairs of sequences, read as text."""

    def __init__(
        self,
        pairs: dict[str, list[TextPair]],
        tokenizer: Tokenizer,
        lengths: tuple[int | None, int | None],
        context: DataContext,
    ) -> None:
        self.pairs, self._tokenizer, self._lengths = pairs, tokenizer, lengths
        self.description = DataDescription(
            inputs=(1,),
            target=(1,),
            rows={name: len(own) for name, own in pairs.items()},
            target_kind="class",
            whole=True,
            quotable=context.quotable,
        )
        self._vocabulary: Vocabulary | None = None
        self._encoded: dict[str, Sides] = {}

    def learn(self, rows: TrainingRows, collector: Collector) -> None:
        """Learn the vocabulary of the training pairs, and encode all."""
        pairs, raw = self.pairs["train"], self.description
        chosen = rows.chosen(raw, lambda: np.zeros(len(pairs), np.int64))
        trained = pairs if chosen is None else [pairs[i] for i in chosen.tolist()]
        vocabulary = Vocabulary.learn(
            chain.from_iterable(trained), self._tokenizer, padding=True, begin=True, end=True
        )
        self._vocabulary = vocabulary
        encoded = {name: _encoded(own, vocabulary) for name, own in self.pairs.items()}
        self._encoded = encoded
        among = range(len(pairs)) if chosen is None else chosen.tolist()
        longest = (max(len(side[i]) for i in among) for side in encoded["train"])
        source, target = (
            given or found + end for given, found, end in zip(self._lengths, longest, (0, 1), strict=True)
        )
        raw.inputs, raw.target = (source + target,), (target,)
        raw.class_count = len(vocabulary)
        raw.classes = vocabulary.tokens if len(vocabulary) <= NAMED else None
        raw.column_slices = slices(source, target, len(vocabulary))

    def read(self, seed: int) -> dict[str, DataPart]:
        """Return the indices of each split."""
        vocabulary, (target,) = self._vocabulary, self.description.target
        assert vocabulary is not None, "it is learned before rows are read"
        (width,) = self.description.inputs
        found = {}
        for name, sides in self._encoded.items():
            inputs, targets = arranged(sides, width - target, target, vocabulary)
            found[name] = DataPart(ArrayRows(inputs), targets)
        return found

    def vocabulary(self) -> Vocabulary | None:
        """Return the tokens of the training pairs."""
        return self._vocabulary

    def is_sound(self) -> bool:
        """Return that all values are indices of tokens."""
        return True


def slices(source: int, target: int, tokens: int) -> tuple[ColumnSlice, ...]:
    """Return where the two arrays lie in a row."""
    return (
        ColumnSlice(SOURCE, 0, source, "tokens", tokens, (source,), whole=True),
        ColumnSlice(TARGET, source, target, "tokens", tokens, (target,), whole=True),
    )


def read_pairs(place: FilePlace, encoding: str) -> list[TextPair]:
    """Return the pairs of a file, one a line; raise SpecError naming each line that is none."""
    pairs = []
    with place.context.collector.together() as faults:
        for number, line in TextFile(place, encoding).lines():
            source, tab, target = line.partition("\t")
            what = "tab" if not tab else "source" if not source else "target" if not target else None
            what = "second tab" if "\t" in target else what
            if what is not None:
                verb = "has no" if what != "second tab" else "has a"
                message = f"line {number} of `{place.name}` {verb} {what}"
                help = "each line is a source, a tab and a target"
                faults.found += place.error("SN546", message, help=help).diagnostics
            pairs.append(TextPair(source, target))
        if not pairs:
            faults.found += place.error("SN506", f"`{place.name}` holds no pairs").diagnostics
    return pairs


Sides = tuple[list["NDArray[np.int64]"], list["NDArray[np.int64]"]]
"""The indices of all sources, and of all targets."""


def _encoded(pairs: Sequence[TextPair], vocabulary: Vocabulary) -> Sides:
    return [vocabulary.encode(p.source) for p in pairs], [vocabulary.encode(p.target) for p in pairs]


def arranged(
    sides: Sides, source: int, target: int, vocabulary: Vocabulary
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the inputs (rows, source + target) and the targets (rows, target) of pairs."""
    assert vocabulary.begin is not None
    assert vocabulary.end is not None
    sources, targets = sides
    count = len(vocabulary)
    said = [np.concatenate([[vocabulary.begin], row]) for row in targets]
    wanted = [np.concatenate([row, [vocabulary.end]]) for row in targets]
    inputs = np.concatenate([padded(sources, source, count), padded(said, target, count)], axis=1)
    return inputs, padded(wanted, target, count).astype(np.int64)


def of_cells(rows: Any, known: KnownRows, collector: Collector) -> Rows:
    """Return pairs of strings as rows of indices, and indices as they are; raise SpecError naming what is neither."""
    given = list(rows)
    if not any(_is_pair(row) for row in given):
        return ArrayRows(as_numbers(rows, "the inputs are", collector))
    pairs = []
    with collector.together() as faults:
        for i, row in enumerate(given):
            if _is_pair(row):
                pairs.append(TextPair(*row))
            else:
                faults.add("SN540", f"row {i + 1} is not a pair of strings, a source and a target")
    return _rows(pairs, known).inputs


def blocks(encoding: str, file: RowFile, path: Path) -> Iterator[RowBlock]:
    """Yield the pairs of a file, some at once."""
    pairs = file.read(lambda place: read_pairs(place, encoding), path)
    for start in range(0, len(pairs), ROWS):
        part = pairs[start : start + ROWS]
        yield RowBlock(list(part), [f"line {start + n}" for n in range(1, len(part) + 1)])


def _is_pair(row: Any) -> bool:
    return isinstance(row, tuple | list) and len(row) == 2 and all(isinstance(side, str) for side in row)


def labelled(encoding: str, known: KnownRows, place: FilePlace) -> LabelledRows:
    """Return the pairs of a file, with the tokens that are to be predicted."""
    return _rows(read_pairs(place, encoding), known)


def _rows(pairs: Sequence[TextPair], known: KnownRows) -> LabelledRows:
    vocabulary = known.vocabulary
    assert vocabulary is not None, "a model of pairs has a vocabulary"
    (target,) = known.target
    inputs, targets = arranged(_encoded(pairs, vocabulary), known.shape[0] - target, target, vocabulary)
    return LabelledRows(ArrayRows(inputs), targets)
