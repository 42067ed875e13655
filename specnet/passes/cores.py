"""How many threads a plan is made for: as many as were asked for, or as there are cores for the process.

The number follows from the request, the processors that the process may use and the plan's sizes, never from
measured times: the same process on the same machine gets the same bits, whatever else the machine does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

MAXIMUM = 8
"""Workers beyond these would wait for memory, and for each other's turns at the interpreter."""

VARIABLE = "SPECNET_THREADS"
"""The environment variable for the number of threads where a call does not give it."""

BESIDE = "SPECNET_BESIDE"
"""The environment variable that tells a process that another one has started how many of them share the cores."""

MOST = 1024
"""The largest number of threads that may be asked for."""

_counts: list[int] = []
"""How many processes share the cores, in each training for which this one has started the others."""

_CGROUPS = Path("/sys/fs/cgroup")
_GROUPS_OF_PROCESS = Path("/proc/self/cgroup")


def cores(threads: int | None = None) -> int:
    """Return over how many workers a plan shares its images: `threads`, or one for each core, at most `MAXIMUM`."""
    return min(allowed(), MAXIMUM) if threads is None else threads


def requested(threads: int | None) -> int | None:
    """Return the number of threads that a call asks for, or else the environment; None where neither does.

    Raises ValueError where it is not a whole number from 1 to `MOST`.
    """
    if threads is not None:
        if type(threads) is not int or not 1 <= threads <= MOST:
            raise ValueError(f"`threads` must be a whole number from 1 to {MOST}, not {threads!r}")
        return threads
    text = os.environ.get(VARIABLE, "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= MOST):
        raise ValueError(f"{VARIABLE} must be a whole number from 1 to {MOST}, not {text!r}")
    return int(text)


class Allowance(NamedTuple):
    """What a process may use of its machine."""

    cores: list[int]
    """The cores that it may run on."""
    share: int | None
    """The cores' worth of their time that it may use; None for all."""

    @property
    def busy(self) -> int:
        """How many cores it may keep busy."""
        return len(self.cores) if self.share is None else min(len(self.cores), self.share)


def allowance() -> Allowance:
    """Return what this process may use."""
    try:
        cores = sorted(os.sched_getaffinity(0))
    except AttributeError:  # systems that pin no process to cores
        cores = list(range(os.cpu_count() or 1))
    return Allowance(cores, quota())


def allowed() -> int:
    """Return how many cores this process may keep busy: those that it may run on, within its share of their time."""
    return allowance().busy


def of_all(allowances: Sequence[Allowance]) -> int:
    """Return how many cores processes of a machine may keep busy together.

    Processes with a share of the time may be in one control group, and are taken to have the largest one in common.
    """
    shares = [each.share for each in allowances if each.share is not None]
    cores = {core for each in allowances for core in each.cores}
    return Allowance(sorted(cores), max(shares) if len(shares) == len(allowances) else None).busy


@contextmanager
def beside(count: int) -> Iterator[None]:
    """Have this process leave the cores to so many that do the same work, itself included; threads may overlap."""
    _counts.append(count)
    try:
        yield
    finally:
        _counts.remove(count)


def share() -> int:
    """Return how many cores this process may keep busy in other ways than by the threads of a plan, at most `MAXIMUM`.

    They are those that are allowed, shared with the processes that do the same work at the same time, and no more than
    the environment says that there may be threads.
    """
    told = os.environ.get(BESIDE, "")
    own = allowed() // max(1, int(told) if told.isdecimal() else 1, *_counts)
    try:
        threads = requested(None)
    except ValueError:  # whoever plans for threads says so
        threads = None
    return max(1, min(own, MAXIMUM, threads or MAXIMUM))


@cache
def quota() -> int | None:
    """Return the cores' worth of time that the process's control group may use, as in a container; None for all."""
    try:
        groups = _GROUPS_OF_PROCESS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    shares = []
    for group in groups:
        _, controllers, path = group.split(":", 2)
        if not controllers:
            root = _CGROUPS
        elif "cpu" in controllers.split(","):
            root = _CGROUPS / "cpu"
        else:
            continue
        # A group's limit holds for the groups in it; in a container, the path may be that of the host.
        place = root / path.lstrip("/")
        for folder in [place, *place.parents]:
            if folder.is_relative_to(root):
                shares += _share(folder)
    return min(shares, default=None)


def _share(folder: Path) -> list[int]:
    """Return the limit of a control group in whole cores, rounded up, in a list; an empty one where it has none."""
    try:
        if (folder / "cpu.max").exists():
            limit, period = (folder / "cpu.max").read_text(encoding="ascii").split()
        else:
            limit, period = (
                (folder / f"cpu.cfs_{name}_us").read_text(encoding="ascii").strip()
                for name in ("quota", "period")
            )
        return [] if limit in ("max", "-1") else [max(1, -(-int(limit) // int(period)))]
    except (OSError, ValueError, ZeroDivisionError):
        return []
