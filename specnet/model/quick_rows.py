"""Predictions of rows like those before them, for which nothing is decided again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any
from weakref import ref

import numpy as np

from specnet.diagnostics import ModelInUseError
from specnet.engines.execution import quiet
from specnet.engines.pool import Pool, Workspace
from specnet.engines.use import ModelUse

Array = np.ndarray[Any, Any]

Fill = Callable[[Any], bool]


class QuickRows:
    """Predicts the only output for as many rows of the same type as the calls before it.

    It holds a workspace that is taken without the pool's lock: of threads that call it at once, one has it, and the
    others go to the pool.
    """

    def __init__(self, pool: Pool, use: ModelUse) -> None:
        self._pool, self._use = pool, use
        self._ready: list[_Repeated] = []

    def __call__(self, rows: Any) -> Array | None:
        """Return the predictions; None for all but such rows, and for those that the model cannot take.

        Raises ModelInUseError while another thread makes steps.
        """
        if type(rows) is not np.ndarray:
            return None
        try:
            ready = self._ready.pop()
        except IndexError:
            return None
        if rows.shape != ready.shape or rows.dtype is not ready.dtype:
            self._ready.append(ready)
            return None
        use, key = self._use, ready.key
        try:
            use.enter(key, ready.reader)
            made = ready.predict(rows)
        except ModelInUseError:
            self._ready.append(ready)
            raise
        finally:
            use.leave(key)
        if self._ready:
            self._pool.put_back(ready.space)
        else:
            self._ready.append(ready)
        return made

    def keep(self, rows: Array, space: Workspace, fill: Fill, step: Callable[[], object], out: Array) -> None:
        """Keep a workspace ready for more rows like these, which is the pool's otherwise.

        `fill` writes rows where the step reads them, and says whether the model can take them.
        """
        before = None
        if space.is_small:
            with suppress(IndexError):
                before = self._ready.pop()
            self._ready.append(_Repeated(rows, space, fill, step, out))
            if before is None:
                return
            space = before.space
        self._pool.put_back(space)


class _Repeated:
    """A workspace, and what predicts rows of a shape and a type in it."""

    __slots__ = ("__weakref__", "dtype", "key", "predict", "reader", "shape", "space")

    def __init__(
        self, rows: Array, space: Workspace, fill: Fill, step: Callable[[], object], out: Array
    ) -> None:
        def predict(rows: Array) -> Array | None:
            if not fill(rows):
                return None
            step()
            return out.copy()

        self.shape, self.dtype, self.space = rows.shape, rows.dtype, space
        given: Callable[..., Array | None] = predict
        self.predict = partial(quiet().run, given)
        self.key, self.reader = id(self), ref[object](self)
