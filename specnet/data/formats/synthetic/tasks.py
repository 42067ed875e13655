"""Sequences that show whether a network can remember: the tasks of Hochreiter and Schmidhuber (1997)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specnet.data.signature import DataDescription, names

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]

BLANK = 0


def describe_copying(symbols: int, length: int, delay: int, spans: dict[str, int]) -> DataDescription:
    """Return the description of sequences that are to be copied: the symbols, a blank, and a signal to begin."""
    steps = 2 * length + delay
    return DataDescription(
        (steps,),
        (steps,),
        spans,
        "class",
        symbols + 2,
        names(symbols + 2),
        whole=True,
        tokens=symbols + 2,
    )


def copying(
    samples: int, symbols: int, length: int, delay: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return inputs, symbols before blanks and a signal, and targets, symbols after blanks, (samples, steps) each."""
    import numpy as np

    chosen = rng.integers(1, symbols + 1, (samples, length))
    inputs = np.full((samples, 2 * length + delay), BLANK, np.int64)
    targets = inputs.copy()
    inputs[:, :length] = chosen
    inputs[:, length + delay - 1] = symbols + 1
    targets[:, -length:] = chosen
    return inputs, targets


def adding(samples: int, length: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return inputs (samples, length, 2), numbers and marks, and the sums (samples,) of the two that are marked."""
    import numpy as np

    inputs = np.zeros((samples, length, 2))
    inputs[:, :, 0] = rng.random((samples, length))
    rows, half = np.arange(samples), length // 2
    for marked in (rng.integers(0, half, samples), rng.integers(half, length, samples)):
        inputs[rows, marked, 1] = 1.0
    return inputs, (inputs[:, :, 0] * inputs[:, :, 1]).sum(axis=1)
