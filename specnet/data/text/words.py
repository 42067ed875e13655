from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, PositiveInt

from specnet.data.text.counting import kept
from specnet.data.text.tokenizer import Codec, Decoder, Tokenizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNKNOWN = "<unk>"
"""What decoded text has for an unknown word."""

_WORD = re.compile(r"\w+(?:['\u2019]\w+)*|[^\w\s]")
_WORD_OR_LINE = re.compile(rf"{_WORD.pattern}|\n")

CLOSING, OPENING = frozenset(".,;:!?)]}%…"), frozenset("([{$£€#")
"""Marks that follow a word, and those that precede one, without a space in between."""


class Word(Tokenizer):
    """One token for each word, and for each mark of punctuation.

    A word is a run of letters, digits and underscores, also around an apostrophe: `don't` is one. Spaces are not
    tokens. Tokens are in the order of their frequency in the training text, those of equal frequency by code point; a
    word that is not among them is the unknown token. Text that is made of tokens has a space between words, but none
    before a full stop and the like.
    """

    type: Literal["word"] = "word"
    size: PositiveInt | None = Field(default=None, examples=[10000])
    """How many tokens the vocabulary has at most, special ones included; the most frequent words are kept. By default
    all are."""
    min_count: PositiveInt = Field(default=1, examples=[2])
    """How often a word must occur in the training text to get a token."""
    line_breaks: bool = False
    """Whether the end of a line is a token, too."""

    unknown: bool = True
    """Whether there is a token for words that the vocabulary lacks; without one, text that has some is an error."""

    unit: ClassVar[str] = "word"

    def learn(self, texts: Iterable[str], special: int) -> tuple[str, ...]:
        """Return the words of texts."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(self.cut(text))
        return tuple(kept(counts, self.size, special, self.min_count))

    @property
    def pattern(self) -> re.Pattern[str]:
        """What each of its tokens matches."""
        return _WORD_OR_LINE if self.line_breaks else _WORD

    def cut(self, text: str) -> list[str]:
        """Return the words of a normalised text."""
        return self.pattern.findall(text)

    def codec(self, tokens: Sequence[str]) -> WordCodec:
        """Return what encodes and decodes with these words."""
        return WordCodec(self, tokens)


class WordCodec(Codec):
    """Words by their indices."""

    def __init__(self, tokenizer: Word, tokens: Sequence[str]) -> None:
        self._tokenizer, self.tokens = tokenizer, tokens
        self._indices = {token: i for i, token in enumerate(tokens)}

    def encode(self, text: str) -> NDArray[np.int64]:
        """Return the indices of words."""
        import numpy as np

        return np.array([self._indices.get(word, -1) for word in self._tokenizer.cut(text)], np.int64)

    def outside(self, text: str) -> list[str]:
        """Return the words without a token."""
        return [word for word in dict.fromkeys(self._tokenizer.cut(text)) if word not in self._indices]

    def decoder(self) -> WordDecoder:
        """Return what makes text of indices."""
        return WordDecoder(self.tokens)


class WordDecoder(Decoder):
    """Words with spaces between them."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens, self._before = tokens, "\n"

    def push(self, index: int) -> str:
        """Return the word, after a space where one belongs."""
        return self._spaced(self._tokens[index])

    def unknown(self) -> str:
        """Return the mark of an unknown word, after a space where one belongs."""
        return self._spaced(UNKNOWN)

    def _spaced(self, word: str) -> str:
        joined = word == "\n" or self._before == "\n" or word in CLOSING or self._before in OPENING
        self._before = word
        return word if joined else f" {word}"

    def finish(self) -> str:
        """Return nothing: words are complete."""
        return ""
