"""Text columns: how a cell becomes the indices of its tokens, as the training rows say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from specnet.data.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.text import Tokenizer

BLANK = " "
"""What an empty text is read as where every text can be expressed, so that there is no unknown token."""


class TextCounts:
    """How the tokens of some texts fare under a vocabulary that may have been learnt from others."""

    def __init__(self) -> None:
        self.texts = self.tokens = self.unknown = self.cut = self.longest = 0

    def add(self, tokens: NDArray[np.int64], encoding: TextEncoding, times: int) -> None:
        """Take in the tokens of a text that occurs so many times, before it is cut to the length."""
        self.texts += times
        self.tokens += times * len(tokens)
        if encoding.vocabulary.unknown is not None:
            self.unknown += times * int(np.count_nonzero(tokens == encoding.vocabulary.unknown))
        self.cut += times * (len(tokens) > encoding.length)
        self.longest = max(self.longest, len(tokens))


@dataclass(frozen=True, slots=True)
class TextEncoding:
    """How the texts of one column become rows of indices of tokens, all of one length."""

    vocabulary: Vocabulary
    """Its token 0 is the padding."""
    length: int
    """The number of steps: shorter texts are padded at their end."""
    truncate: Literal["end", "start"]
    """The end at which longer texts lose tokens."""
    missing: str = ""
    """The text of cells without a value."""

    @classmethod
    def learn(
        cls,
        texts: Iterable[str],
        tokenizer: Tokenizer,
        *,
        length: int | None,
        truncate: Literal["end", "start"],
        missing: str,
    ) -> Self:
        """Return the encoding that the texts of the training rows give; by default as long as the longest of them.

        The texts are iterated over twice.
        """
        vocabulary = Vocabulary.learn(texts, tokenizer, padding=True)
        if length is None:
            length = max((len(vocabulary.encode(text)) for text in texts), default=1)
        return cls(vocabulary, max(1, length), truncate, missing)

    @property
    def telling(self) -> bool:
        """Whether it has any token that stands for something of its own."""
        return len(self.vocabulary) > len(self.vocabulary.special)

    @property
    def size(self) -> int:
        """How many tokens there are, the padding among them."""
        return len(self.vocabulary)

    def tokens(self, text: str | None) -> NDArray[np.int64]:
        """Return the indices (tokens,) of a text, or of a cell without a value: at least one.

        An empty text is one unknown token, or a blank where the vocabulary has none, so that no step is ever needed
        that a mask hides.
        """
        found = self.vocabulary.encode(self.missing if text is None else text)
        if len(found):
            return found
        if self.vocabulary.unknown is None:
            return self.vocabulary.encode(BLANK)
        return np.array([self.vocabulary.unknown], np.int64)

    def of_column(self, texts: Sequence[str], codes: NDArray[Any]) -> NDArray[np.int32]:
        """Return a column (rows, length) of which each row has one of some texts, by its place; below 0 for none."""
        made = self.rows([*texts, None], len(texts) + 1)
        return made[np.where(codes < 0, len(texts), codes)]

    def rows(self, texts: Iterable[str | None], count: int) -> NDArray[np.int32]:
        """Return so many texts as rows (count, length) of indices of tokens."""
        made = np.zeros((count, self.length), np.int32)
        for row, text in zip(made, texts, strict=True):
            tokens = self.tokens(text)
            kept = tokens[: self.length] if self.truncate == "end" else tokens[-self.length :]
            row[: len(kept)] = kept
        return made

    def counts(self, texts: Sequence[str], times: Sequence[int]) -> TextCounts:
        """Return how many tokens of texts are unknown, and how many texts too long; each occurs some times."""
        found = TextCounts()
        for text, count in zip(texts, times, strict=True):
            found.add(self.vocabulary.encode(text), self, count)
        return found

    def text(self, indices: NDArray[Any]) -> str:
        """Return the text of a row of tokens, as far as they say it."""
        return self.vocabulary.decode(int(index) for index in indices if index)

    def state(self) -> dict[str, Any]:
        """Return all of it as plain data, ready for JSON."""
        return {
            "vocabulary": self.vocabulary.state(),
            "length": self.length,
            "truncate": self.truncate,
            "missing": self.missing,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the encoding of which `state` is the state."""
        vocabulary = Vocabulary.from_state(state["vocabulary"])
        return cls(vocabulary, state["length"], state["truncate"], state["missing"])
