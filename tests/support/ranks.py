"""Threads that stand for the processes of a distributed training."""

from __future__ import annotations

import threading

import numpy as np


class Meeting:
    """Where so many threads meet."""

    def __init__(self, size):
        self.size = size
        self.barrier = threading.Barrier(size, timeout=60)
        self.told = [None] * size
        self.messages = 0

    def tell(self, rank, what):
        """Return what all threads tell."""
        self.told[rank] = what
        if self.barrier.wait() == 0:
            self.messages += 1
        found = list(self.told)
        self.barrier.wait()
        return found


class ThreadRanks:
    """One of the threads, as `specnet.engines.ranks.Ranks`."""

    led = False

    def __init__(self, meeting, rank):
        self.meeting, self.rank, self.size = meeting, rank, meeting.size
        self.together = False
        self.machine = self

    def add(self, own, out):
        out[...] = sum(self.meeting.tell(self.rank, own.copy()))

    def total(self, own):
        return float(sum(self.meeting.tell(self.rank, own)))

    def gather(self, own, out, counts):
        parts = self.meeting.tell(self.rank, own.copy())
        assert [len(part) for part in parts] == counts
        out[...] = np.concatenate(parts)

    def pass_on(self, sent, to, received, source):
        told = self.meeting.tell(self.rank, (to, sent.copy()))
        whom, array = told[source]
        assert whom == self.rank
        received[...] = array

    def pass_and_add(self, sent, to, own, out, received, source):
        self.pass_on(sent, to, received, source)
        np.add(own, received, out)

    def largest(self, numbers):
        numbers[...] = np.max(self.meeting.tell(self.rank, numbers.copy()), axis=0)

    def exchange(self, message):
        return self.meeting.tell(self.rank, message)


def together(size, work):
    """Return what `work(ranks)` returns in each of so many threads."""
    meeting = Meeting(size)
    results, faults = [None] * size, []

    def run(rank):
        try:
            results[rank] = work(ThreadRanks(meeting, rank))
        except BaseException as fault:  # noqa: BLE001 (it is raised where the thread was started)
            faults.append(fault)
            meeting.barrier.abort()

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for fault in faults:
        if not isinstance(fault, threading.BrokenBarrierError):
            raise fault
    if faults:
        raise faults[0]
    return results
