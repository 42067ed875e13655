"""The command of each of several processes: the first one shows what happens, and none outlives another's fault."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

from specnet.cli.guard import reporting
from specnet.cli.options import processes
from specnet.cli.terminal import notes, say
from specnet.diagnostics.text import counted

if TYPE_CHECKING:
    from specnet.training.mpi import MpiRanks


RANK = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK")
"""Variables by which launchers of MPICH, Open MPI and others tell a process its number, before MPI is started."""


def is_told_by_another() -> bool:
    """Whether the first of the processes that `mpirun` started tells what is wrong with the arguments they all have."""
    if not any(word.partition("=")[0] == "--distributed" for word in sys.argv):
        return False
    return any(os.environ.get(name, "0") != "0" for name in RANK)


def is_other(ranks: MpiRanks | None) -> bool:
    """Whether another process shows what happens."""
    return ranks is not None and ranks.rank > 0


@contextmanager
def joined(distributed: str | None, *, quiet: bool) -> Iterator[MpiRanks | None]:
    """Give the processes that `mpirun` has started; None for one that trains alone, or starts others itself.

    A fault that the others do not know of ends all of them, once it is shown.
    """
    if distributed != "mpi":
        if not quiet:
            _note_cores(processes(distributed))
        yield None
        return
    from specnet.training.distributed import started

    ranks = started()
    if ranks.size == 1:
        if not quiet:
            command = "mpirun -n 4 specnet run ..."
            say(notes(), f"this is the only process: `{command}` starts several, and one trains alone")
        yield None
        return
    shown = (sys.stdout, sys.stderr)
    try:
        with _silent() if ranks.rank else nullcontext():
            try:
                yield ranks
            except BaseException:
                if ranks.rank == 0 or not ranks.together:
                    raise
                with reporting():  # in silence: the first process says it
                    raise
    except BaseException:
        if not ranks.together:
            _abort(ranks, *shown)
        raise


def _note_cores(count: str | int | None) -> None:
    """Say so where more processes are to be started than there are cores."""
    from specnet.passes.cores import allowed

    there = allowed()
    if isinstance(count, int) and count > there:
        say(notes(), f"{count} processes on {counted(there, 'core')}: more processes than cores take longer")


def _abort(ranks: MpiRanks, out: TextIO, errors: TextIO) -> None:
    """Show the fault that is being handled, and end all processes."""
    with redirect_stdout(out), redirect_stderr(errors):
        try:
            with reporting():
                raise  # noqa: PLE0704 (it is called while a fault is handled)
        except typer.Exit as end:
            errors.flush()
            out.flush()
            ranks.abort(end.exit_code)


@contextmanager
def _silent() -> Iterator[None]:
    with ExitStack() as stack:
        nowhere = stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
        stack.enter_context(redirect_stdout(nowhere))
        stack.enter_context(redirect_stderr(nowhere))
        yield
