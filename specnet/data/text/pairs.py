from __future__ import annotations

import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from specnet.data.text.encoded import BytesDecoder, read_back, shown, utf8
from specnet.data.text.tokenizer import Codec, Tokenizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BYTES = 256

PIECE = re.compile(r" ?\w+| ?[^\w\s]+|\s+(?!\S)|\s+")
"""Within what tokens stay: a word or a run of marks with the space before it, or other white space (GPT-2's rule
without its English endings)."""

CACHED = 1 << 16
"""Of how many different words the tokens are remembered."""

Pair = tuple[int, int]


class Bpe(Tokenizer):
    """Tokens by byte-pair encoding: frequent strings, down to single bytes (Sennrich et al., 2016).

    It begins with the 256 bytes of UTF-8, as GPT-2 does, and adds again and again the pair of neighbouring tokens that
    is the most frequent one in the training text, until the vocabulary has its size or no pair occurs twice; of
    equally frequent pairs the one with the smaller indices. Tokens do not reach across words: a word with the space
    before it, a run of punctuation or of white space is encoded by itself, by joining the neighbours whose token was
    added first. Every text can be expressed, and decoded exactly.
    """

    type: Literal["bpe"] = "bpe"
    size: Annotated[int, Field(gt=BYTES)] = 1000
    """How many tokens the vocabulary has at most, bytes and special tokens included."""

    complete: ClassVar[bool] = True
    unit: ClassVar[str] = "token"

    def learn(self, texts: Iterable[str], special: int) -> tuple[str, ...]:
        """Return the bytes, and the tokens that are joined of the pairs of texts."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(PIECE.findall(text))
        merges = Merges(counts)
        merges.run(self.size - special)
        return tuple(map(shown, merges.tokens))

    def codec(self, tokens: Sequence[str]) -> PairCodec:
        """Return what encodes and decodes with these tokens."""
        return PairCodec([read_back(token) for token in tokens])


class Merges:
    """Pairs of neighbouring tokens in words, with their counts, which change as pairs are merged."""

    def __init__(self, counts: Counter[str]) -> None:
        self.tokens = [bytes([i]) for i in range(BYTES)]
        self._index = {token: i for i, token in enumerate(self.tokens)}
        self._words = [list(utf8(word)) for word in counts]
        self._times = list(counts.values())
        self._pairs: Counter[Pair] = Counter()
        self._places: defaultdict[Pair, set[int]] = defaultdict(set)
        """The words that a pair is, or was, in."""
        for i, word in enumerate(self._words):
            for pair in pairwise(word):
                self._pairs[pair] += self._times[i]
                self._places[pair].add(i)
        self._queue = [(-count, pair) for pair, count in self._pairs.items()]
        heapq.heapify(self._queue)

    def run(self, size: int) -> None:
        """Merge the most frequent pairs until there are so many tokens, or no pair occurs twice."""
        while len(self.tokens) < size and self._queue:
            count, pair = heapq.heappop(self._queue)
            now = self._pairs[pair]
            if now != -count:  # An entry is left where it is when its count changes.
                if now > 0:
                    heapq.heappush(self._queue, (-now, pair))
                continue
            if now < 2:
                return
            joined = self.tokens[pair[0]] + self.tokens[pair[1]]
            # Another pair may have made the same bytes.
            if joined not in self._index:
                self._index[joined] = len(self.tokens)
                self.tokens.append(joined)
            self._merge(pair, self._index[joined])

    def _merge(self, pair: Pair, new: int) -> None:
        changed: set[Pair] = set()
        for i in self._places.pop(pair):
            before, times = self._words[i], self._times[i]
            after = _merged(before, pair, new)
            for old in pairwise(before):
                self._pairs[old] -= times
            for found in pairwise(after):
                self._pairs[found] += times
                self._places[found].add(i)
                changed.add(found)
            self._words[i] = after
        del self._pairs[pair]
        for found in changed:
            heapq.heappush(self._queue, (-self._pairs[found], found))


def _merged(word: list[int], pair: Pair, new: int) -> list[int]:
    """Return a word in which each pair, from left to right, is one token."""
    made, i = [], 0
    while i < len(word):
        if i + 1 < len(word) and word[i] == pair[0] and word[i + 1] == pair[1]:
            made.append(new)
            i += 2
        else:
            made.append(word[i])
            i += 1
    return made


class PairCodec(Codec):
    """Tokens that are bytes, joined in the order in which they were learnt."""

    def __init__(self, tokens: Sequence[bytes]) -> None:
        self._tokens = tokens
        self._ranks = {token: i for i, token in enumerate(tokens)}
        self._piece = lru_cache(CACHED)(self._encoded)

    def encode(self, text: str) -> NDArray[np.int64]:
        """Return the indices of tokens."""
        import numpy as np

        return np.array([i for piece in PIECE.findall(text) for i in self._piece(piece)], np.int64)

    def _encoded(self, piece: str) -> list[int]:
        parts = [bytes([byte]) for byte in utf8(piece)]
        while len(parts) > 1:
            ranks = [self._ranks.get(a + b, len(self._tokens)) for a, b in pairwise(parts)]
            first = min(ranks)
            if first == len(self._tokens):
                break
            at = ranks.index(first)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return [self._ranks[part] for part in parts]

    def outside(self, text: str) -> list[str]:
        """Return nothing: every byte has a token."""
        return []

    def decoder(self) -> BytesDecoder:
        """Return what makes text of indices."""
        return BytesDecoder(self._tokens)
