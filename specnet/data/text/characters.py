from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, PositiveInt

from specnet.data.text.counting import kept
from specnet.data.text.tokenizer import Codec, Decoder, Tokenizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNKNOWN = "\ufffd"
"""What decoded text has for an unknown character: Unicode's replacement character."""


class Char(Tokenizer):
    """One token for each character: each Unicode code point of the training text.

    Tokens are in the order of their code points. A character that the training text lacks is the unknown token.
    """

    type: Literal["char"] = "char"
    size: PositiveInt | None = Field(default=None, examples=[100])
    """How many tokens the vocabulary has at most, special ones included; the most frequent characters are kept. By
    default all are."""
    min_count: PositiveInt = 1
    """How often a character must occur in the training text to get a token."""

    unknown: bool = True
    """Whether there is a token for characters that the training text lacks; without one, text that has some is an
    error."""

    unit: ClassVar[str] = "character"

    def learn(self, texts: Iterable[str], special: int) -> tuple[str, ...]:
        """Return the characters of texts."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(text)
        return tuple(sorted(kept(counts, self.size, special, self.min_count)))

    def codec(self, tokens: Sequence[str]) -> CharCodec:
        """Return what encodes and decodes with these characters."""
        return CharCodec(tokens)


class CharCodec(Codec):
    """Characters by a table of all code points up to the largest one."""

    def __init__(self, tokens: Sequence[str]) -> None:
        import numpy as np

        self.tokens = tokens
        codes = [ord(token) for token in tokens]
        self._indices = np.full(max(codes, default=0) + 2, -1, np.int64)
        self._indices[codes] = np.arange(len(codes))

    def encode(self, text: str) -> NDArray[np.int64]:
        """Return the indices of characters."""
        import numpy as np

        # A file name's bytes that are no text come as halves of letters.
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        found: NDArray[np.int64] = self._indices[np.minimum(codes, len(self._indices) - 1)]
        return found

    def outside(self, text: str) -> list[str]:
        """Return the characters without a token."""
        known = set(self.tokens)
        return [letter for letter in dict.fromkeys(text) if letter not in known]

    def decoder(self) -> CharDecoder:
        """Return what makes text of indices."""
        return CharDecoder(self.tokens)


class CharDecoder(Decoder):
    """Characters one after the other."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = tokens

    def push(self, index: int) -> str:
        """Return the character."""
        return self._tokens[index]

    def unknown(self) -> str:
        """Return the replacement character."""
        return UNKNOWN

    def finish(self) -> str:
        """Return nothing: characters are complete."""
        return ""
