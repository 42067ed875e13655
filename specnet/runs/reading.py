"""Processes of a machine that read data together: the first asks the others to read parts of its files."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeVar

from specnet.passes.cores import Allowance, allowance, allowed, of_all
from specnet.runs.shared import mapped, written
from specnet.training.distributed import ends_others

if TYPE_CHECKING:
    from specnet.data.readers import ReadingTask
    from specnet.engines.ranks import Ranks

T = TypeVar("T")

END = b""
"""What the first process tells the others when it has read everything."""


class MachineReaders:
    """The other processes of a machine, as the first one asks them; see `specnet.data.readers.Readers`."""

    def __init__(self, machine: Ranks, *, on_other_cores: bool = False) -> None:
        self._machine = machine
        self.on_other_cores = on_other_cores
        self.count = machine.size - 1
        self.threads = threads(machine)
        self._asked = 0
        """How many tasks the others have whose results have not come."""
        self.lost = False
        """Whether an exchange was interrupted, so that it isn't known what the others wait for."""

    def begin(self) -> None:
        """Have the others forget tasks whose results were not taken."""
        if self._asked:
            self.turn([])

    def turn(self, tasks: Sequence[ReadingTask]) -> list[Any]:
        """Give each of the others a task, as far as there are tasks, and return the results of the tasks before.

        A result is None where its task could not be done, and where the memory that it lies in is not seen here.
        """
        told = self._exchange(pickle.dumps(list(tasks)))
        places = [json.loads(each) for each in told[1 : 1 + self._asked]]
        self._asked = len(tasks)
        return [None if place is None else mapped(*place) for place in places]

    def end(self) -> None:
        """Tell the others that everything has been read."""
        self._exchange(END)

    def _exchange(self, message: bytes) -> list[bytes]:
        self.lost = True
        told = self._machine.exchange(message)
        self.lost = False
        return told


def threads(machine: Ranks) -> int:
    """Return on how many threads each process of a machine may read."""
    return max(1, allowed() // machine.size)


def reading(machine: Ranks, read: Callable[[MachineReaders], T]) -> Callable[[], T | None]:
    """Have one process of a machine read, and the others help; return what gives each its result, or raises its fault.

    All processes of the machine call it; `read` is called in the first one, and the others' result is None. It is for
    where a fault that is raised at once ends all processes: it raises one where a process is interrupted while it waits
    for the others.
    """
    found: T | None = None
    fault: BaseException | None = None
    told = machine.exchange(json.dumps(allowance()).encode())
    if machine.rank:
        fault = _serve(machine)
    else:
        each = [Allowance(*json.loads(message)) for message in told]
        readers = MachineReaders(machine, on_other_cores=each[0].busy < of_all(each))
        try:
            found = read(readers)
        except BaseException as raised:
            if readers.lost or ends_others(machine):
                raise
            fault = raised
        readers.end()

    def result() -> T | None:
        if fault is not None:
            raise fault
        return found

    return result


def _serve(machine: Ranks) -> BaseException | None:
    """Do tasks until the first process of the machine has read everything; return what went wrong meanwhile."""
    fault: BaseException | None = None
    message = END
    with ExitStack() as files, ExitStack() as told_of:
        while asked := machine.exchange(message)[0]:
            # The first process has mapped what it was told of the last time, and is told of the next file now.
            told_of.close()
            told_of.push(files.pop_all())
            message = json.dumps(None).encode()
            tasks = pickle.loads(asked)  # noqa: S301  from a process of the same training
            if fault is not None or len(tasks) < machine.rank:
                continue
            try:
                message = json.dumps(written(tasks[machine.rank - 1].read(), files)).encode()
            except OSError:
                # It is another file here, or cannot be read: the first process reads this part itself.
                continue
            except BaseException as raised:  # noqa: BLE001 (it is raised once the first process has been answered)
                fault = raised
    return fault
