"""One long text, whose examples are windows over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from specnet.data.arrays.windows import WindowRows
from specnet.data.formats.text.examples import TextForm, describe
from specnet.data.signature import DataDescription
from specnet.data.source import DataPart, DataSource
from specnet.data.text.token_array import token_array
from specnet.data.text.vocabulary import Vocabulary
from specnet.diagnostics.text import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.collector import Collector
    from specnet.data.files import DataContext
    from specnet.data.text.files import TextFile
    from specnet.data.training_rows import TrainingRows


class StreamSource(DataSource):
    """A text in files, read three times by blocks: to measure it, to learn its tokens, and to encode it."""

    def __init__(self, form: TextForm, files: Mapping[str, Sequence[TextFile]], context: DataContext) -> None:
        self.form, self.files, self.context, self.block = form, files, context, form.steps
        self.description = DataDescription((self.block,), (self.block,), {"train": 0})
        self._arrays: dict[str, NDArray[Any]] = {}
        self._vocabulary: Vocabulary | None = None

    def learn(self, rows: TrainingRows, collector: Collector) -> None:
        """Learn the vocabulary of the training text, and encode the text of all splits."""
        places = self._places()
        vocabulary = Vocabulary.learn(self._text(*places["train"]), self.form.tokens)
        self._vocabulary = vocabulary
        with collector.together() as faults:
            for name, own in places.items():
                array = token_array(map(vocabulary.encode, self._text(*own)), len(vocabulary))
                if len(array) <= self.block:
                    self._too_short(name, array, faults)
                self._arrays[name] = array
        counts = {name: len(self._starts(name)) for name in self._arrays}
        self.description = describe(vocabulary, (self.block,), (self.block,), counts, self.context)
        self.description.batches = ("inputs", "targets")
        self.description.held = sum(array.nbytes for array in self._arrays.values())

    def _places(self) -> dict[str, tuple[Sequence[TextFile], int, int | None]]:
        """Return for each split its files, and the characters in them from which on and up to which it has them."""
        found: dict[str, tuple[Sequence[TextFile], int, int | None]]
        found = {name: (files, 0, None) for name, files in self.files.items()}
        split = self.form.split
        if split is None or not split.parts:
            return found
        total = sum(map(len, self._text(self.files["train"], 0, None)))
        end = total
        # The test text comes last, and the validation text before it.
        for name in reversed(split.parts):
            start = end - round(total * split.parts[name])
            found[name] = (self.files["train"], start, end)
            end = start
        found["train"] = (self.files["train"], 0, end)
        return {name: found[name] for name in ("train", "validation", "test") if name in found}

    def _text(self, files: Sequence[TextFile], start: int, end: int | None) -> Iterator[str]:
        """Yield the characters of files, one after the other, from a place up to another, in pieces."""
        done = 0
        for text in chain.from_iterable(file.blocks() for file in files):
            if end is not None and done >= end:
                return
            piece = text[max(0, start - done) : None if end is None else end - done]
            if piece:
                yield piece
            done += len(text)

    def _too_short(self, name: str, array: NDArray[Any], faults: Collector) -> None:
        """Note a text that fills no example."""
        if not len(array) and name in self.files:
            place = self.files[name][0].place
            faults.found += place.error("SN506", f"`{place.name}` holds no text").diagnostics
            return
        has = counted(len(array), "token")
        message = f"the {name} text has {has}, and an example needs {self.block} and the one that follows"
        split = self.form.split
        key = ("split", name) if split is not None and name in split.parts else ("block",)
        faults.add("SN545", message, *key, help="use a smaller `block`, or more text")

    def _starts(self, name: str) -> range:
        """Return where the examples of a split begin."""
        last = max(0, len(self._arrays[name]) - self.block)
        return range(0, last, min(self.form.stride, last + 1) if name == "train" else self.block)

    def read(self, seed: int) -> dict[str, DataPart]:
        """Return windows over the text of each split, and for the targets those one token ahead."""
        parts = {}
        for name, array in self._arrays.items():
            starts = self._starts(name)
            inputs = WindowRows(array, self.block, starts)
            parts[name] = DataPart(inputs, WindowRows(array[1:], self.block, starts))
        return parts

    def vocabulary(self) -> Vocabulary | None:
        """Return the tokens of the training text."""
        return self._vocabulary

    def is_sound(self) -> bool:
        """Return that all values are indices of tokens."""
        return True
