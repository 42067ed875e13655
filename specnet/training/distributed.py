"""Training by several processes: who they are, and how they agree on what went wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

from specnet.diagnostics.errors import RunError
from specnet.diagnostics.text import clipped
from specnet.installation import install_command
from specnet.passes.cores import MAXIMUM, allowed, requested

if TYPE_CHECKING:
    from specnet.engines.ranks import Ranks
    from specnet.training.mpi import MpiRanks

T = TypeVar("T")

SHOWN = 200
"""Characters of what a process has in a message."""


@cache
def started() -> MpiRanks:
    """Return the processes that `mpirun` has started this one with.

    Raises RunError where mpi4py is not installed, or finds no MPI.
    """
    if find_spec("mpi4py") is None:
        install = install_command("mpi")
        raise RunError(
            f"training by several processes needs mpi4py, which the extra `mpi` installs: {install}"
        )
    from specnet.training.mpi import MpiRanks

    try:
        return MpiRanks()
    except (ImportError, RuntimeError) as error:
        why = str(error).partition("\n")[0]
        raise RunError(
            f"mpi4py finds no MPI ({why}); `pip install mpich` installs one where the system has none"
        ) from error


def threads_each(ranks: Ranks, threads: int | None, beside: int) -> int:
    """Return on how many threads each process computes: as many as asked for, or its share of the machine's cores.

    So many processes run on this machine `beside` each other. It is the same number in all of them, since their plans
    must be the same.
    """
    given = requested(threads)
    own = max(1, min(allowed() // beside, MAXIMUM)) if given is None else given
    return min(int(told) for told in ranks.exchange(str(own).encode()))


def ends_others(ranks: Ranks) -> bool:
    """Return whether what this process raises ends the others, which it has started: they need not be told of it."""
    return ranks.led and ranks.rank == 0


def agreed(ranks: Ranks | None, work: Callable[[], T]) -> T:
    """Return what some work returns, once it has succeeded in all processes.

    Where it has not, this one raises its own fault, or else a RunError with the first of the others'.
    """
    if ranks is None:
        return work()
    fault: BaseException | None = None
    ranks.together = False
    try:
        result = work()
    except BaseException as raised:
        if ends_others(ranks):
            raise  # the work may have been interrupted while others wait for one of its messages, not for this one
        fault = raised  # it is raised again, once the others know
    message = b"" if fault is None else (str(fault) or type(fault).__name__).encode()
    faults = {rank: text.decode() for rank, text in enumerate(ranks.exchange(message)) if text}
    ranks.together = True
    if fault is not None:
        raise fault
    for rank, text in faults.items():
        raise RunError(f"process {rank} of {ranks.size}: {text}")
    ranks.together = False
    return result


def check_alike(ranks: Ranks, what: dict[str, str]) -> None:
    """Raise RunError, in all processes, where they differ in something that they must have in common."""
    told = [json.loads(each) for each in ranks.exchange(json.dumps(what).encode())]
    ranks.together = True
    for name in {name: None for own in told for name in own}:
        first = told[0].get(name, "none")
        for rank, own in enumerate(told):
            other = own.get(name, "none")
            if other != first:
                raise RunError(
                    f"all processes must have the same {name}: process 0 has {clipped(first, SHOWN)}, "
                    f"and process {rank} has {clipped(other, SHOWN)}"
                )
    ranks.together = False
