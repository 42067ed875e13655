from __future__ import annotations

import unicodedata
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from specnet.vocabulary.kind import Kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Normalization = Literal["none", "nfc", "nfkc"]


class Codec(Protocol):
    """The tokens of a vocabulary at work, special tokens apart: token i of it has the index i."""

    @abstractmethod
    def encode(self, text: str) -> NDArray[np.int64]:
        """Return the indices of the tokens of a normalised text; -1 for each that it does not have."""

    @abstractmethod
    def outside(self, text: str) -> list[str]:
        """Return the tokens of a normalised text that it does not have, each once, in their order."""

    @abstractmethod
    def decoder(self) -> Decoder:
        """Return what makes text of indices, one by one."""


class Decoder(Protocol):
    """Text that is made of tokens one by one."""

    @abstractmethod
    def push(self, index: int) -> str:
        """Return the text that a token adds: nothing where it ends within a character."""

    @abstractmethod
    def unknown(self) -> str:
        """Return the text that stands for a token that is not known."""

    @abstractmethod
    def finish(self) -> str:
        """Return what is left of a character that was never completed."""


class Tokenizer(Kind):
    """How text becomes tokens, each of which the network sees as an index."""

    normalization: Normalization = "nfc"
    """The Unicode normalization form of the text before it is cut: `nfc` writes `é` as one character however the file
    does; `nfkc` also replaces ligatures, full-width letters and the like; `none` leaves it as it is."""
    lowercase: bool = False
    """Whether text is converted to lower case first."""

    complete: ClassVar[bool] = False
    """Whether there is no text that its vocabulary cannot express, so that no unknown token is needed."""
    unit: ClassVar[str]
    """What a message calls one of its tokens."""

    def normalised(self, text: str) -> str:
        """Return a text as it is cut."""
        if self.normalization != "none" and not text.isascii():
            text = unicodedata.normalize("NFC" if self.normalization == "nfc" else "NFKC", text)
        return text.lower() if self.lowercase else text

    @abstractmethod
    def learn(self, texts: Iterable[str], special: int) -> tuple[str, ...]:
        """Return the tokens of normalised texts in the order of their indices, beside so many special ones."""

    @abstractmethod
    def codec(self, tokens: Sequence[str]) -> Codec:
        """Return what encodes and decodes with tokens that `learn` returned."""
