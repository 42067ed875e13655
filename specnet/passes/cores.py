"""How many cores a plan is made for."""

from __future__ import annotations

import os

MAXIMUM = 8
"""Workers beyond these would wait for memory, and for each other's turns at the interpreter."""


def cores() -> int:
    """Return over how many workers a plan shares its images: the cores that this process may use, at most `MOST`."""
    try:
        there = len(os.sched_getaffinity(0))
    except AttributeError:  # systems that pin no process to cores
        there = os.cpu_count() or 1
    return min(there, MAXIMUM)
