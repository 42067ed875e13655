"""Processes that `mpirun` has started, as the ranks of a distributed training."""

from __future__ import annotations

from typing import Any

import numpy as np

from specnet.engines.ranks import Array


class MpiRanks:
    """The processes of an MPI communicator; see `specnet.engines.ranks.Ranks`."""

    led = False

    def __init__(self, communicator: Any = None, *, machine: bool = False) -> None:
        from mpi4py import MPI  # which starts MPI

        self._mpi = MPI
        self._comm = MPI.COMM_WORLD if communicator is None else communicator
        self.rank: int = self._comm.Get_rank()
        self.size: int = self._comm.Get_size()
        self.together = False
        self.machine = self if machine else MpiRanks(self._split(), machine=True)
        self._own, self._sum = np.zeros(1), np.zeros(1)

    def _split(self) -> Any:
        """Return the communicator of the processes that run on the machine of this one."""
        return self._comm.Split_type(self._mpi.COMM_TYPE_SHARED)

    def add(self, own: Array, out: Array) -> None:
        """Write the sum of what all processes have to `out`."""
        self._comm.Allreduce(own, out)

    def total(self, own: float) -> float:
        """Return the sum of what all processes have."""
        self._own[0] = own
        self._comm.Allreduce(self._own, self._sum)
        return float(self._sum[0])

    def gather(self, own: Array, out: Array, counts: list[int]) -> None:
        """Write what all processes have to `out`, one after the other."""
        each = out.itemsize
        sizes = [count * each for count in counts]
        self._comm.Allgatherv(own.view(np.uint8), (out.view(np.uint8), sizes))

    def pass_on(self, sent: Array, to: int, received: Array, source: int) -> None:
        """Send an array to one process, and receive one from another, which sends it at the same time."""
        self._comm.Sendrecv(sent, to, 0, received, source, 0)

    def pass_and_add(
        self, sent: Array, to: int, own: Array, out: Array, received: Array, source: int
    ) -> None:
        """Do the same, and write the sum of `own` and what is received to `out`; `received` is scratch."""
        self.pass_on(sent, to, received, source)
        np.add(own, received, out)

    def largest(self, numbers: Array) -> None:
        """Put the largest in the place of each number, of what all processes have."""
        self._comm.Allreduce(self._mpi.IN_PLACE, numbers, self._mpi.MAX)

    def exchange(self, message: bytes) -> list[bytes]:
        """Return the messages of all processes."""
        counts = np.zeros(self.size, np.int64)
        self._comm.Allgather(np.array([len(message)], np.int64), counts)
        out = np.empty(int(counts.sum()), np.uint8)
        self.gather(np.frombuffer(message, np.uint8), out, counts.tolist())
        ends = np.cumsum(counts).tolist()
        return [out[end - count : end].tobytes() for end, count in zip(ends, counts.tolist(), strict=True)]

    def abort(self, code: int) -> None:
        """End all processes at once."""
        self._comm.Abort(code)
