from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn from what a model predicts, and when a sequence ends."""

    tokens: int = 100
    """The most tokens that are generated."""
    temperature: float = 1.0
    """What logits are divided by; at 0 the most probable token is taken."""
    top_k: int | None = None
    """Draw from so many of the most probable tokens."""
    top_p: float | None = None
    """Draw from the fewest tokens whose probabilities come to this (Holtzman et al., 2020)."""
    min_p: float | None = None
    """Draw from tokens that are at least this many times as probable as the most probable (Nguyen et al., 2024)."""
    repetition_penalty: float = 1.0
    """What positive logits of tokens that have come before are divided by, and negative ones multiplied (Keskar et al.,
    2019)."""
    stop: tuple[str | int, ...] = ()
    """Texts, or tokens of a model without texts, that end a sequence and are not part of it."""
    seed: int = 0
    """The seed of the random draws; each sample has a stream of randomness of its own."""
    n: int = 1
    """How many sequences are generated."""
    beams: int | None = None
    """Search for the most probable sequences with so many candidates, and draw nothing."""

    def __post_init__(self) -> None:
        """Raise ValueError naming the first setting that cannot be."""
        _at_least("tokens", self.tokens, 1)
        _at_least("n", self.n, 1)
        _at_least("seed", self.seed, 0)
        if not (isfinite(self.temperature) and self.temperature >= 0):
            raise ValueError(f"temperature must be a number from 0, not {self.temperature:g}")
        if self.top_k is not None:
            _at_least("top_k", self.top_k, 1)
        _share("top_p", self.top_p)
        _share("min_p", self.min_p)
        if not 0 < self.repetition_penalty < inf:
            raise ValueError(f"repetition_penalty must be a number above 0, not {self.repetition_penalty:g}")
        if "" in self.stop:
            raise ValueError("stop must not contain an empty string, which would end every sequence at once")
        if self.beams is not None:
            _at_least("beams", self.beams, 1)
            if self.n > self.beams:
                raise ValueError(f"n must be at most the number of beams, {self.beams}, not {self.n}")
            drawn = self.temperature != 1.0 or (self.top_k, self.top_p, self.min_p) != (None, None, None)
            if drawn or self.repetition_penalty != 1.0:
                raise ValueError(
                    "beams search for the most probable sequences: nothing is drawn, by whatever setting"
                )


def stops(given: str | int | Sequence[str | int]) -> tuple[str | int, ...]:
    """Return what a sequence ends at as a tuple, where it may be given as one text or token."""
    return (given,) if isinstance(given, (str, int)) else tuple(given)


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(f"{name} must be at least {least}, not {value}")


def _share(name: str, value: float | None) -> None:
    if value is not None and not 0 < value <= 1:
        raise ValueError(f"{name} must be above 0 and at most 1, not {value:g}")
