"""Permutations that are known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.analysis import permutation


class Reversing:
    """A generator whose only permutation is the reverse order."""

    def permutation(self, rows: int) -> np.ndarray:
        return np.arange(rows)[::-1]


def reverse_permutations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have columns permuted into the reverse order."""
    monkeypatch.setattr(permutation, "stream", lambda seed, use: Reversing())
