"""Documents of a line each, whose tokens are predicted from those before them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.data.arrays.windows import WindowRows
from specnet.data.assigning import draw_rows, share_rows
from specnet.data.files import memory
from specnet.data.formats.text.examples import LinePlace, TextForm, describe, lines_of
from specnet.data.rows import ArrayRows
from specnet.data.signature import DataDescription, Padding
from specnet.data.source import DataPart, DataSource
from specnet.data.text.padding import padded
from specnet.data.text.vocabulary import Vocabulary
from specnet.diagnostics.text import sized

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.files import DataContext
    from specnet.data.text.files import TextFile
    from specnet.data.training_rows import TrainingRows

    Indices = NDArray[np.int64]


class DocumentSource(DataSource):
    """Lines that are documents, checked."""

    def __init__(self, form: TextForm, files: Mapping[str, Sequence[TextFile]], context: DataContext) -> None:
        self.form, self.context = form, context
        self._vocabulary: Vocabulary | None = None
        with context.collector.together() as faults:
            self.texts = {name: documents(own, faults) for name, own in files.items()}
        counts = {name: len(texts) for name, texts in self.texts.items()}
        self.description = DataDescription((1,), (1,), counts, quotable=context.quotable)
        self._encoded: dict[str, list[Indices]] = {}
        self._parts: dict[str, DataPart] = {}
        """The examples of a context, which are made before they are counted."""

    def learn(self, rows: TrainingRows, collector: Collector) -> None:
        """Learn the vocabulary of the training documents, and encode all."""
        split = self.form.split
        if self.form.context is not None and split is not None and split.taken:
            self._divide(rows, collector)
        chosen = rows.chosen(self.description, _no_classes)
        train = self.texts["train"]
        trained = train if chosen is None else [train[i] for i in chosen]
        context = self.form.context
        vocabulary = Vocabulary.learn(trained, self.form.tokens, boundary=True)
        self._vocabulary = vocabulary
        encoded = {name: list(map(vocabulary.encode, texts)) for name, texts in self.texts.items()}
        self._encoded = encoded
        counts = {name: len(own) for name, own in encoded.items()}
        if context is not None:
            check_context(context, sum(counts.values()), collector)
            self._parts = {name: contexts(own, vocabulary, context) for name, own in encoded.items()}
            steps: tuple[int, ...] = (context,)
            target: tuple[int, ...] = ()
            counts = {name: len(part.inputs) for name, part in self._parts.items()}
        else:
            own = encoded["train"]
            longest = max(len(own[i]) for i in (range(len(own)) if chosen is None else chosen)) + 1
            steps = target = (self.form.length or longest,)
        padding: Padding | None = "boundary" if context is None else None
        self.description = describe(vocabulary, steps, target, counts, self.context, padding)
        if context is not None:
            self.description.batches = ("inputs",)
            self.description.held = sum(
                part.inputs.array.nbytes
                for part in self._parts.values()
                if isinstance(part.inputs, WindowRows)
            )

    def _divide(self, rows: TrainingRows, collector: Collector) -> None:
        """Give each split documents of its own, since its rows are tokens: those of one document stay together."""
        split, train = self.form.split, self.texts["train"]
        assert split is not None
        share_rows(len(train), split, None, collector)
        collector.check()
        for name, chosen in draw_rows(len(train), split, None, rows.seed).items():
            self.texts[name] = [train[i] for i in chosen]
        self.texts = {
            name: self.texts[name] for name in ("train", "validation", "test") if name in self.texts
        }

    def read(self, seed: int) -> dict[str, DataPart]:
        """Return the examples of each split."""
        if self.form.context is not None:
            return dict(self._parts)
        assert self._vocabulary is not None, "it is learned before rows are read"
        (length,) = self.description.inputs
        return {name: whole(own, self._vocabulary, length, self.form) for name, own in self._encoded.items()}

    def vocabulary(self) -> Vocabulary | None:
        """Return the tokens of the training documents."""
        return self._vocabulary

    def is_sound(self) -> bool:
        """Return that all values are indices of tokens."""
        return True


def check_context(context: int, documents: int, collector: Collector) -> None:
    """Raise SpecError where the tokens between documents would take more memory than there is."""
    needed, there = context * documents * 8, memory()
    if there is not None and needed > there:
        message = f"the data need {sized(needed)} with a context of {context:,} tokens, of the machine's {sized(there)}"
        raise collector.error(
            "SN570", message, "context", help="more tokens than a document has are of no use"
        )


def documents(files: Sequence[TextFile], faults: Collector) -> list[str]:
    """Return the lines of files; note those that are empty, and files that have none."""
    found = []
    for place, text in lines_of(files):
        if not text or text.isspace():
            faults.found += _empty(place).diagnostics
        found.append(text)
    if not found:
        faults.found += files[0].place.error("SN506", f"`{files[0].place.name}` holds no text").diagnostics
    return found


def _empty(place: LinePlace) -> Any:
    return place.file.place.error("SN546", f"{place.where} is empty", help="remove the line")


def _no_classes() -> Indices:
    raise AssertionError("tokens are not classes to stratify by")


def whole(rows: Sequence[Indices], vocabulary: Vocabulary, length: int, form: TextForm) -> DataPart:
    """Return an example a document: the beginning and its tokens, and as targets its tokens and the end."""
    begin, end = np.array([vocabulary.begin]), np.array([vocabulary.end])
    count, cut = len(vocabulary), form.truncate
    inputs = padded([np.concatenate([begin, row]) for row in rows], length, count, cut)
    targets = padded([np.concatenate([row, end]) for row in rows], length, count, cut)
    return DataPart(ArrayRows(inputs), targets.astype(np.int64))


def contexts(rows: Sequence[Indices], vocabulary: Vocabulary, context: int) -> DataPart:
    """Return an example a token, the end of each document included: so many tokens before it, and itself as target.

    All documents lie in one array, with as many tokens of a beginning between them as a context needs.
    """
    gap = np.full(context, vocabulary.begin)
    array = np.concatenate([gap, *(each for row in rows for each in (row, gap))])
    made = array.astype(np.min_scalar_type(len(vocabulary) - 1))
    ends = context + np.cumsum([len(row) + context for row in rows]) - context
    # A document has as many targets as tokens, and its end.
    firsts = ends - [len(row) for row in rows]
    starts = np.concatenate([np.arange(a, b + 1) for a, b in zip(firsts, ends, strict=True)]) - context
    return DataPart(WindowRows(made, context, starts), array[starts + context].astype(np.int64))
