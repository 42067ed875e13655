"""How soon threads that share a step hand the interpreter over to each other."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager

from specnet.engines.holding import Hold, Setting

INTERVAL = 100
"""Microseconds after which a thread that waits for the interpreter's lock is given it; Python's default is 5,000.

NumPy lets go of the lock for each of its calls. Where one worker makes calls of a few microseconds, another that waits
for the lock takes longer to wake up than the lock is free, and may fail to get it again and again. Once the interval
is over, it is handed over. A step of a residual network took 93 ms with 5,000, and 87 with 1,000 and fewer.
"""


def _now() -> int:
    return round(sys.getswitchinterval() * 1e6)


def _set(microseconds: int) -> None:
    # Python cuts off what is behind the point.
    sys.setswitchinterval((microseconds + 0.5) * 1e-6)


_SETTING: Setting = _now, _set
_hold = Hold(lambda: _SETTING)


def switching_soon() -> AbstractContextManager[None]:
    """Have threads hand the interpreter over after `INTERVAL`, or sooner if the host has said so."""
    return _hold.at(min(INTERVAL, _now()))
