from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from specnet.data.text import TOKENIZERS, Tokenizer
from specnet.data.text.outside import OutsideVocabularyError
from specnet.data.text.tokenizer import Codec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PADDING, UNKNOWN, BEGIN, END, BOUNDARY = "<pad>", "<unk>", "<s>", "</s>", "<|>"
"""What special tokens are called. A boundary is both begin and end."""


class Vocabulary:
    """The tokens that a model knows, learnt from its training data alone, and the way to them from text and back.

    Special tokens have the first indices: padding, which is 0 where there is one, then begin and end, then the unknown
    token.
    """

    def __init__(self, tokenizer: Tokenizer, special: tuple[str, ...], ordinary: tuple[str, ...]) -> None:
        self.tokenizer = tokenizer
        self.special = special
        """The names of the special tokens, in the order of their indices."""
        self.tokens = (*special, *ordinary)
        """All tokens in the order of their indices, as text that can be shown."""
        self.padding = self._index(PADDING)
        """The index of the token that fills up short sequences; None where there is none, as for the others."""
        self.unknown = self._index(UNKNOWN)
        """The index of the token for all that has none."""
        self.begin = self._index(BEGIN, BOUNDARY)
        """The index of the token before the first one of a text."""
        self.end = self._index(END, BOUNDARY)
        """The index of the token after the last one of a text, which may be `begin`."""

    def _index(self, *names: str) -> int | None:
        return next((i for i, token in enumerate(self.special) if token in names), None)

    @classmethod
    def learn(
        cls,
        texts: Iterable[str],
        tokenizer: Tokenizer,
        *,
        padding: bool = False,
        begin: bool = False,
        end: bool = False,
        boundary: bool = False,
    ) -> Self:
        """Return the vocabulary of texts, which are the training data alone.

        The other arguments say which special tokens it has: `boundary` is one token for both begin and end. It has an
        unknown token unless every text can be expressed without one, or the tokenizer is to have none.
        """
        wanted = {PADDING: padding, BEGIN: begin, END: end, BOUNDARY: boundary}
        special = tuple(name for name, there in wanted.items() if there)
        if not tokenizer.complete and getattr(tokenizer, "unknown", True):
            special = (*special, UNKNOWN)
        return cls(tokenizer, special, tokenizer.learn(map(tokenizer.normalised, texts), len(special)))

    def __len__(self) -> int:
        return len(self.tokens)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.state() == other.state()

    __hash__ = None  # type: ignore[assignment] # it is compared by its tokens, which are many

    @cached_property
    def _codec(self) -> Codec:
        return self.tokenizer.codec(self.tokens[len(self.special) :])

    def encode(self, text: str) -> NDArray[np.int64]:
        """Return the indices (tokens,) of a text, without begin and end; the unknown token for what it lacks.

        Raises OutsideVocabularyError where there is no unknown token.
        """
        indices = self._codec.encode(self.tokenizer.normalised(text))
        if self.unknown is None:
            if (indices < 0).any():
                raise OutsideVocabularyError(self.outside(text), self.tokenizer.unit)
            return indices + len(self.special) if self.special else indices
        outside = indices < 0
        indices += len(self.special)
        indices[outside] = self.unknown
        return indices

    def outside(self, text: str) -> list[str]:
        """Return what of a text has no token, each character or word once, in the order of the text."""
        return self._codec.outside(self.tokenizer.normalised(text))

    def decode(self, indices: Iterable[int]) -> str:
        """Return the text of tokens; padding, begin and end are nothing in it."""
        decoder = self.decoder()
        return "".join(map(decoder.push, indices)) + decoder.finish()

    def decoder(self) -> TextDecoder:
        """Return what makes text of tokens that come one by one."""
        return TextDecoder(self, self._codec)

    def state(self) -> dict[str, Any]:
        """Return all of it as plain data, ready for JSON."""
        return {
            "tokenizer": self.tokenizer.model_dump(mode="json"),
            "special": list(self.special),
            "tokens": list(self.tokens[len(self.special) :]),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the vocabulary of which `state` is the state."""
        tokenizer = TOKENIZERS.validate(dict(state["tokenizer"]))
        return cls(tokenizer, tuple(state["special"]), tuple(state["tokens"]))


class TextDecoder:
    """Text that is made of tokens one by one, such as a model generates them."""

    def __init__(self, vocabulary: Vocabulary, codec: Codec) -> None:
        self._special, self._unknown = len(vocabulary.special), vocabulary.unknown
        self._decoder = codec.decoder()

    def push(self, index: int) -> str:
        """Return the text that a token adds: nothing for a special one, or one that ends within a character."""
        if index >= self._special:
            return self._decoder.push(int(index) - self._special)
        return self._decoder.unknown() if index == self._unknown else ""

    def finish(self) -> str:
        """Return what is left of a character that was never completed."""
        return self._decoder.finish()
