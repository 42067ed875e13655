"""Processes of this machine that one of them starts, to train with it."""

from __future__ import annotations

import mmap
import os
import pickle
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import chain
from typing import IO, TYPE_CHECKING

from specnet.diagnostics import RunError
from specnet.diagnostics.text import clipped, how_ended
from specnet.installation import is_python, python_command, python_path
from specnet.passes.cores import BESIDE, beside
from specnet.runs.request import RunRequest
from specnet.storage.used_kinds import registered_kinds
from specnet.training.local_ranks import LocalRanks, memory_size

if TYPE_CHECKING:
    from specnet.language.spec import Spec

COMMAND = "from specnet.runs.local_worker import main; main()"

INSTEAD = '`mpirun` can start them, with `distributed` as "mpi"'

SHOWN = 500
"""Characters of what a process has said in the end that are told."""


Pipes = tuple[tuple[int, int], ...]
"""The ends of the pipe by which each process is woken: to be read, and to be written to."""


@dataclass(frozen=True, slots=True)
class ProcessTask:
    """What a process is to do."""

    rank: int
    memory: int
    """The number of the file with the memory that they share."""
    pipes: Pipes
    spec: Spec
    request: RunRequest
    events: bool
    """Whether it goes through the events of a training, as the first process does, or makes a run."""


@contextmanager
def started(count: int, spec: Spec, request: RunRequest, *, events: bool = False) -> Iterator[LocalRanks]:
    """Start all of some processes but this one, which is the first, for a run or the `events` of a training.

    They end with the context, by themselves or not: the first process saves what there is to save. Raises RunError
    where they cannot be started, or do not know what the document names.
    """
    for kind in registered_kinds(spec):
        if kind["distribution"] is None:
            raise RunError(
                f"the processes that this program starts do not know the {kind['family']} `{kind['type']}`, which it "
                "has registered: put it into a package that is installed"
            )
    resume = None if request.resume is None else os.fspath(request.resume)
    for_others = replace(request, out=None, folder=None, resume=resume, stop=None, listener=None, warned=None)
    with ExitStack() as stack:
        handle, memory, pipes = _shared(count, stack)
        others = _Others(count)
        stack.callback(others.end)
        ranks = LocalRanks(0, memory, pipes, others.check)
        stack.enter_context(beside(count))
        for _ in range(1, count):
            others.start([handle, *chain(*pipes)])
        for rank in range(1, count):
            others.tell(ProcessTask(rank, handle, pipes, spec, for_others, events))
        yield ranks


def _shared(count: int, stack: ExitStack) -> tuple[int, mmap.mmap, Pipes]:
    """Return what processes share: a file without a name, the same as memory, which is zeros, and pipes.

    Files are open until the stack is left.
    """
    if os.name != "posix":  # others let no process inherit a file
        raise RunError(f"processes that share memory cannot be started on this system: {INSTEAD}")
    if not is_python():
        raise RunError(f"this program contains Python, of which it cannot start more processes: {INSTEAD}")
    try:
        file, in_memory = _file_without_name()
        with file:
            file.truncate(memory_size(count))
            if not in_memory and hasattr(os, "posix_fallocate"):
                # A page for which there is no room would end the process that writes to it.
                os.posix_fallocate(file.fileno(), 0, memory_size(count))
            handle = _kept(file.fileno(), stack)
        pipes = tuple(_pipe(stack) for _ in range(count))
        return handle, mmap.mmap(handle, memory_size(count)), pipes
    except OSError as error:
        raise RunError(f"processes that train together cannot share memory: {error}") from error


def _kept(handle: int, stack: ExitStack) -> int:
    """Return another number of an open file, which is open until the stack is left.

    It is none of 0, 1 and 2, which may be free where this process has no standard streams: the others have some.
    """
    from fcntl import F_DUPFD_CLOEXEC, fcntl

    kept = fcntl(handle, F_DUPFD_CLOEXEC, 3)
    stack.callback(os.close, kept)
    return kept


def _pipe(stack: ExitStack) -> tuple[int, int]:
    """Return the ends of a pipe; who writes to one that is full goes on."""
    ends = os.pipe()
    try:
        os.set_blocking(ends[1], False)
        return _kept(ends[0], stack), _kept(ends[1], stack)
    finally:
        for end in ends:
            os.close(end)


def _file_without_name() -> tuple[IO[bytes], bool]:
    """Return a file, and whether it is in memory, as it is where the system has such files and allows them."""
    if hasattr(os, "memfd_create"):
        with suppress(OSError):
            return os.fdopen(os.memfd_create("specnet-processes", os.MFD_CLOEXEC), "r+b"), True
    return tempfile.TemporaryFile(), False


class _Others:
    """The processes that the first one has started."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._processes: list[subprocess.Popen[bytes]] = []
        self._said: list[IO[bytes]] = []

    def start(self, files: Sequence[int]) -> None:
        """Start a process, which inherits some files."""
        try:
            said = tempfile.TemporaryFile()  # noqa: SIM115  closed by `end`
            self._said.append(said)
            process = subprocess.Popen(  # noqa: S603  nothing in it comes from a user
                python_command(COMMAND),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=said,
                pass_fds=files,
                env={**os.environ, BESIDE: str(self._count), "PYTHONPATH": python_path()},
            )
        except OSError as error:
            raise RunError(f"processes that train together cannot be started: {error}") from error
        self._processes.append(process)

    def tell(self, task: ProcessTask) -> None:
        """Send a process its task."""
        process = self._processes[task.rank - 1]
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended: whoever waits for it says so
            # Between two processes of one program: nothing of it is ever stored.
            process.stdin.write(pickle.dumps(task))
            process.stdin.flush()

    def check(self) -> None:
        """Raise RunError where one is lost: none ends before it is ended."""
        for rank, process in enumerate(self._processes, 1):
            code = process.poll()
            if code is not None:
                said = self._last_words(rank)
                cure = "; resume a training from its latest checkpoint" if code < 0 else ""
                raise RunError(f"process {rank} of {self._count} {how_ended(code)}{said}{cure}")

    def _last_words(self, rank: int) -> str:
        file = self._said[rank - 1]
        file.seek(0)
        lines = file.read().decode(errors="replace").strip().splitlines()
        return f": {clipped(lines[-1], SHOWN)}" if lines else ""

    def end(self) -> None:
        """End those that have not, and wait until all are gone. They have nothing to save."""
        for process in self._processes:
            process.kill()
            assert process.stdin is not None
            with suppress(OSError):
                process.stdin.close()
        for process in self._processes:
            process.wait()
        for file in self._said:
            file.close()
