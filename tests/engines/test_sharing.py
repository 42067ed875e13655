"""Shared state and workers: what becomes of them in threads, and in a child process."""

from __future__ import annotations

import threading

import pytest

from specnet.engines.sharing import Shared
from specnet.engines.workers import Workers
from tests.support.threads import KNOWN, together


def test_shared_state_goes_with_its_owner():
    from specnet.engines import sharing

    before = len(sharing._ALL)
    shared = Shared()
    assert shared in sharing._ALL
    del shared
    assert len(sharing._ALL) == before


@KNOWN
def test_several_threads_give_the_same_workers_work():
    before = set(threading.enumerate())
    workers = Workers(3)

    def use():
        found = []
        for number in range(100):
            out = [None] * 7
            workers.run(lambda part, out=out, number=number: out.__setitem__(part, (number, part)), 7)
            found.append(out == [(number, part) for part in range(7)])
        return all(found)

    assert all(together(*[use] * 6))
    assert len({t for t in set(threading.enumerate()) - before if t.name == "specnet worker"}) == 2


@KNOWN
def test_workers_that_cannot_start_leave_no_threads(monkeypatch):
    before, start = set(threading.enumerate()), threading.Thread.start
    started = []

    def only_one(thread):
        if started:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    workers = Workers(3)
    monkeypatch.setattr(threading.Thread, "start", only_one)
    with pytest.raises(RuntimeError, match="start new thread"):
        workers.run(lambda _: None, 3)
    monkeypatch.undo()
    started[0].join(10.0)
    assert not started[0].is_alive()
    done = []
    workers.run(done.append, 3)
    assert sorted(done) == [0, 1, 2]
    del workers
    for thread in set(threading.enumerate()) - before:
        thread.join(10.0)
