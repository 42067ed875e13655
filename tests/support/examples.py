"""How many cases the tests draw that draw their cases."""

from __future__ import annotations

import os

TIMES = int(os.environ.get("SPECNET_TEST_EXAMPLES", "1"))
"""How many times as many as usual: the long checks set it."""

LONG = TIMES > 1
"""Whether these are the long checks, which also do what takes a test half a minute."""

DTYPES = ("float32", "float64") if LONG else ("float32",)
"""In which types compiled kernels are tried: each takes seconds to compile, and documents are tried in float64."""


def examples(count: int) -> int:
    """Return how many cases to draw: half of `count` in a usual run, and many times as many in the long checks."""
    return count * TIMES if LONG else max(1, count // 2)
