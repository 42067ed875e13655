"""Pooling along one axis, window by window over all that lies behind the axis.

Arrays are seen as (outer, size, inner); a window is where it begins on the axis, and where it ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numba import carray

from specnet.engines.numba.addresses import address_of
from specnet.engines.numba.compiling import kernel
from specnet.engines.numba.kernels.compiled import inner, loops
from specnet.engines.numba.language import int64_at, numbers_at
from specnet.engines.numba.table_calls import TableCall
from specnet.engines.numpy.calls import Call
from specnet.graph.windows import Windows

Array = np.ndarray[Any, Any]


def pool_max(x: Array, how: Windows, out: Array, floor: bool) -> Iterator[Call]:
    """Write the largest of each window into `out`, or 0 if there is a floor and it is larger."""
    seen, (starts, stops), made = _places(x, how), _ends(how), _windows(out, how)
    table = [*seen.shape, starts.size, int(floor), *map(address_of, (seen, starts, stops, made))]
    kept = seen, starts, stops, made
    yield TableCall(_largest, np.array(table, np.int64), x.dtype, kept), ()


def unpool_max(
    g: Array, x: Array, y: Array, left: Array, part: Array, same: Array, how: Windows, out: Array
) -> Iterator[Call]:
    """Write g into `out` where x is the first to equal its window's largest, y; 0 elsewhere.

    `left` is scratch of g's dtype.
    """
    arrays = _windows(g, how), _places(x, how), _windows(y, how)
    yield _unpool_max, (*arrays, *_ends(how), how.apart, left, _places(out, how))


def pick_max(
    v: Array, x: Array, y: Array, same: Array, taken: Array, how: Windows, out: Array
) -> Iterator[Call]:
    """Write the v of each window into `out` at whose place x is the first to equal the window's largest, y."""
    arrays = _places(v, how), _places(x, how), _windows(y, how)
    yield _pick_max, (*arrays, *_ends(how), _windows(out, how))


def pool_sum(x: Array, how: Windows, out: Array) -> Iterator[Call]:
    """Write the sum of each window into `out`."""
    yield _pool_sum, (_places(x, how), *_ends(how), _windows(out, how))


def spread_sum(g: Array, how: Windows, out: Array) -> Iterator[Call]:
    """Write into `out`, for each place, the sum of g over the windows that see it."""
    yield _spread_sum, (_windows(g, how), *_ends(how), _places(out, how))


def _ends(how: Windows) -> Array:
    """Return where windows begin and end (2, windows), within the axis."""
    return np.ascontiguousarray(np.clip(np.array(list(how.spans), np.int64).T, 0, how.size))


def _places(x: Array, how: Windows) -> Array:
    """Return an array of all places as (outer, size, inner)."""
    return x.reshape(-1, how.size, how.inner)


def _windows(y: Array, how: Windows) -> Array:
    """Return an array of all windows as (outer, windows, inner)."""
    return y.reshape(-1, how.spans.number, how.inner)


@kernel
def _largest(table: int, like: Any) -> None:
    t = int64_at(table)
    starts, stops = carray(int64_at(t[6]), (t[3],)), carray(int64_at(t[7]), (t[3],))
    x = carray(numbers_at(like, t[5]), (t[0], t[1], t[2]))
    out = carray(numbers_at(like, t[8]), (t[0], t[3], t[2]))
    _pool_max(x, starts, stops, t[4], out)


@inner
def _pool_max(x: Array, starts: Array, stops: Array, floor: int, out: Array) -> None:
    zero = x.dtype.type(0)
    for i in range(len(x)):
        for w in range(starts.size):
            first, stop = starts[w], stops[w]
            if stop - first == 1:
                for c in range(x.shape[2]):
                    out[i, w, c] = x[i, first, c]
            else:
                for c in range(x.shape[2]):
                    a, b = x[i, first, c], x[i, first + 1, c]
                    # Written so that a NaN is the largest.
                    out[i, w, c] = a if a >= b or a != a else b
            for k in range(first + 2, stop):
                for c in range(x.shape[2]):
                    a, b = out[i, w, c], x[i, k, c]
                    out[i, w, c] = a if a >= b or a != a else b
            if floor:
                for c in range(x.shape[2]):
                    a = out[i, w, c]
                    out[i, w, c] = a if a >= zero or a != a else zero


@loops
def _unpool_max(
    g: Array, x: Array, y: Array, starts: Array, stops: Array, apart: bool, left: Array, out: Array
) -> None:
    zero = x.dtype.type(0)
    inner = x.shape[2]
    for i in range(len(x)):
        if apart:
            done = 0
            for w in range(starts.size):
                for k in range(done, starts[w]):
                    out[i, k] = zero
                done = stops[w]
            for k in range(done, x.shape[1]):
                out[i, k] = zero
        else:
            out[i] = zero
        for w in range(starts.size):
            first, last = starts[w], stops[w] - 1
            if apart and last == first:
                for c in range(inner):
                    out[i, first, c] = g[i, w, c]
            elif apart and last == first + 1:
                for c in range(inner):
                    found = x[i, first, c] == y[i, w, c]
                    out[i, first, c] = g[i, w, c] if found else zero
                    out[i, last, c] = zero if found else g[i, w, c]
            else:
                for c in range(inner):
                    left[c] = g[i, w, c]
                for k in range(first, last + 1):
                    if apart:
                        for c in range(inner):
                            # Whoever has not found its place before has it in the last one.
                            found = k == last or x[i, k, c] == y[i, w, c]
                            out[i, k, c] = left[c] if found else zero
                            left[c] = zero if found else left[c]
                    else:
                        for c in range(inner):
                            found = x[i, k, c] == y[i, w, c]
                            out[i, k, c] += left[c] if found else zero
                            left[c] = zero if found else left[c]


@loops
def _pick_max(v: Array, x: Array, y: Array, starts: Array, stops: Array, out: Array) -> None:
    zero = x.dtype.type(0)
    for i in range(len(x)):
        for w in range(starts.size):
            out[i, w] = zero
            # The first is the last to be written.
            for k in range(stops[w] - 1, starts[w] - 1, -1):
                for c in range(x.shape[2]):
                    out[i, w, c] = v[i, k, c] if x[i, k, c] == y[i, w, c] else out[i, w, c]


@loops
def _pool_sum(x: Array, starts: Array, stops: Array, out: Array) -> None:
    for i in range(len(x)):
        for w in range(starts.size):
            first, stop = starts[w], stops[w]
            single = (stop - first) % 4
            for c in range(x.shape[2]):
                out[i, w, c] = x[i, first, c] if single else 0
            for k in range(first + 1, first + single):
                for c in range(x.shape[2]):
                    out[i, w, c] += x[i, k, c]
            for k in range(first + single, stop, 4):
                for c in range(x.shape[2]):
                    more = (x[i, k, c] + x[i, k + 1, c]) + (x[i, k + 2, c] + x[i, k + 3, c])
                    out[i, w, c] += more


@loops
def _spread_sum(g: Array, starts: Array, stops: Array, out: Array) -> None:
    for i in range(len(g)):
        done = 0
        for w in range(starts.size):
            for k in range(done, stops[w]):
                for c in range(g.shape[2]):
                    out[i, k, c] = 0
            done = max(done, stops[w])
            for k in range(starts[w], stops[w]):
                for c in range(g.shape[2]):
                    out[i, k, c] += g[i, w, c]
        for k in range(done, out.shape[1]):
            for c in range(g.shape[2]):
                out[i, k, c] = 0
