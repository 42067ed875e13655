"""Starts that are matrices with a structure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from specnet.graph.sizes import show
from specnet.vocabulary.initializers import DrawnValues, Initializer, written

if TYPE_CHECKING:
    import numpy as np


class Orthogonal(Initializer):
    """A random matrix with orthonormal columns, or rows if it is wider than tall, times `gain`.

    It is the Q of the QR decomposition of a normal matrix, with the signs of its columns taken from the diagonal of
    R, so that all orthogonal matrices are equally likely (Saxe et al., 2014; Mezzadri, 2007). All axes of a kernel
    except the last are treated as rows, as in Keras.
    """

    type: Literal["orthogonal"] = "orthogonal"
    gain: float = 1.0
    """The factor for the matrix."""

    def fault(self, shape: tuple[int, ...]) -> str | None:
        return None if len(shape) > 1 else f"orthogonal needs two axes, and the shape is {show(shape)}"

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:
        import numpy as np

        columns = shape[-1]
        rows = int(np.prod(shape[:-1]))
        q, r = np.linalg.qr(generator.standard_normal((max(rows, columns), min(rows, columns))))
        q *= np.where(np.diagonal(r) < 0.0, -1.0, 1.0)
        return self.gain * np.ascontiguousarray(q if rows >= columns else q.T).reshape(shape)

    def drawing(self, shape: tuple[int, ...]) -> DrawnValues:
        columns, rows = shape[-1], math.prod(shape[:-1])
        before = (
            f"q, r = np.linalg.qr(rng.standard_normal(({max(rows, columns)}, {min(rows, columns)})))",
            "q *= np.where(np.diagonal(r) < 0, -1, 1)",
        )
        factor = "" if self.gain == 1.0 else f"{self.gain!r} * "
        turned = "q" if rows >= columns else "q.T"
        return DrawnValues(f"{factor}{turned}.reshape({written(shape)})", before)


class Identity(Initializer):
    """`gain` on the diagonal and 0 elsewhere: each output starts as the input of the same index."""

    type: Literal["identity"] = "identity"
    gain: float = 1.0
    """The value on the diagonal."""

    def fault(self, shape: tuple[int, ...]) -> str | None:
        return None if len(shape) == 2 else f"identity needs two axes, and the shape is {show(shape)}"

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray[Any, Any]:
        import numpy as np

        rows, columns = shape
        return np.eye(rows, columns) * self.gain

    def drawing(self, shape: tuple[int, ...]) -> DrawnValues:
        factor = "" if self.gain == 1.0 else f" * {self.gain!r}"
        return DrawnValues(f"np.eye({shape[0]}, {shape[1]}){factor}")
