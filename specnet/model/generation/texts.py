"""What tokens are to those who read them: texts, or the numbers themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from specnet.diagnostics.text import clipped, listed

if TYPE_CHECKING:
    from specnet.data.text.vocabulary import Vocabulary

Tokens = NDArray[np.int64]


class Writer(Protocol):
    """What makes text of tokens that come one by one."""

    def push(self, index: int) -> str:
        """Return the text that a token adds."""
        ...

    def finish(self) -> str:
        """Return what is left at the end."""
        ...


class VocabularyTokens:
    """The tokens of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self.begin, self.end = vocabulary.begin, vocabulary.end
        silent = (vocabulary.padding, vocabulary.unknown, vocabulary.begin)
        self.never = tuple(i for i in silent if i is not None and i != vocabulary.end)
        """The tokens that are not generated: they stand for no text."""
        breaks = self.begin is None and not vocabulary.outside("\n")
        self.line = vocabulary.encode("\n") if breaks else None
        """What an empty prompt stands for where there is no begin token: a line break, if the vocabulary has one."""

    def tokens(self, prompt: Any, what: str = "the prompt") -> Tokens:
        """Return the tokens of a prompt; raise ValueError naming what has none."""
        if not isinstance(prompt, str):
            return indices(prompt, len(self._vocabulary.tokens), what)
        outside = self._vocabulary.outside(prompt)
        if outside:
            shown = listed(outside[:5])
            more = f" and {len(outside) - 5} more" if len(outside) > 5 else ""
            raise ValueError(f"{what} contains {shown}{more}, which the training data of the model do not")
        return self._vocabulary.encode(prompt)

    def shown(self, prompt: Any) -> str:
        """Return a prompt as text before what is generated."""
        return (
            prompt if isinstance(prompt, str) else self._vocabulary.decode(() if prompt is None else prompt)
        )

    def writer(self) -> Writer:
        """Return what makes text of generated tokens."""
        return self._vocabulary.decoder()

    def name(self, index: int) -> str:
        """Return what a token is called."""
        return self._vocabulary.tokens[index]


class IndexTokens:
    """The tokens of a model without a vocabulary, which are indices."""

    begin: int | None = None
    end: int | None = None
    never: tuple[int, ...] = ()
    line: Tokens | None = None

    def __init__(self, count: int) -> None:
        self._count = count

    def tokens(self, prompt: Any, what: str = "the prompt") -> Tokens:
        """Return the tokens of a prompt: numbers, also as text; raise ValueError for others."""
        if isinstance(prompt, str):
            try:
                prompt = [int(word) for word in prompt.replace(",", " ").split()]
            except ValueError:
                message = f"the model has no vocabulary, and {what} must be indices of tokens such as `3 1 4`"
                raise ValueError(f"{message}, not `{clipped(prompt)}`") from None
        return indices(prompt, self._count, what)

    def shown(self, prompt: Any) -> str:
        """Return a prompt as text before what is generated."""
        return "".join(f"{token} " for token in self.tokens(() if prompt is None else prompt))

    def writer(self) -> Writer:
        """Return what writes the numbers, with blanks between them."""
        return _Spaced()

    def name(self, index: int) -> str:
        """Return the number of a token."""
        return str(index)


class _Spaced:
    def __init__(self) -> None:
        self._blank = ""

    def push(self, index: int) -> str:
        blank, self._blank = self._blank, " "
        return f"{blank}{index}"

    def finish(self) -> str:
        return ""


def indices(prompt: Iterable[int], count: int, what: str) -> Tokens:
    """Return indices of tokens as an array; raise ValueError for what is none."""
    given = np.asarray(prompt if isinstance(prompt, np.ndarray) else list(prompt))
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise ValueError(
            f"{what} must be a string, or a sequence of whole numbers: the indices of its tokens"
        )
    if given.size and not 0 <= given.min() <= given.max() < count:
        outside = given[(given < 0) | (given >= count)][0]
        raise ValueError(f"{what} contains the token {outside}, and they go from 0 to {count - 1}")
    return given.astype(np.int64)


class Cut:
    """Text that comes in pieces, up to the first of some texts at which it ends.

    What may be the beginning of one is kept back until it is known not to be.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._kept = ""
        self.ended = False

    def push(self, piece: str) -> str:
        """Return what can be shown now."""
        text = self._kept + piece
        found = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        if found:
            self.ended, self._kept = True, ""
            return text[: min(found)]
        hidden = max(
            (n for stop in self._stops for n in range(1, len(stop)) if text.endswith(stop[:n])), default=0
        )
        self._kept = text[len(text) - hidden :]
        return text[: len(text) - hidden]

    def finish(self) -> str:
        """Return what was kept back."""
        kept, self._kept = self._kept, ""
        return kept
