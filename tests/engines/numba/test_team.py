"""Threads that help with the steps of compiled functions."""

from __future__ import annotations

import gc
import os
import threading
import time

import pytest

pytest.importorskip("numba")

from specnet.engines.numba.team import Team, keep_off, processor, usleep

HANG = 60.0
"""Seconds after which a test that waits has failed."""


class Helped:
    """Counts who helps, until it is told to go on."""

    def __init__(self):
        self.by, self.go_on = [], threading.Event()

    def help(self):
        self.by.append(threading.current_thread().name)
        assert self.go_on.wait(HANG)


def wait_for(condition):
    until = time.monotonic() + HANG
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.001)


def test_each_helper_is_woken_once_until_it_sleeps_again():
    team, helped = Team(3), Helped()
    for _ in range(5):
        team.wake(helped)
    wait_for(lambda: len(helped.by) == 2)
    team.wake(helped)
    helped.go_on.set()
    wait_for(lambda: team._helping == [None, None])
    assert helped.by == ["specnet helper"] * 2
    team.wake(helped)
    wait_for(lambda: len(helped.by) == 4)


def test_the_threads_end_with_the_team():
    before = set(threading.enumerate())
    team, helped = Team(4), Helped()
    helped.go_on.set()
    team.wake(helped)
    wait_for(lambda: len(helped.by) == 3)
    own = [t for t in set(threading.enumerate()) - before if t.name == "specnet helper"]
    assert len(own) == 3
    del team
    gc.collect()
    wait_for(lambda: not any(thread.is_alive() for thread in own))


def test_a_helper_whose_thread_cannot_be_started_is_woken_the_next_time(monkeypatch):
    team, helped = Team(2), Helped()
    helped.go_on.set()

    def start(thread):  # noqa: ARG001
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        for _ in range(2):
            with pytest.raises(RuntimeError, match="start new thread"):
                team.wake(helped)
    team.wake(helped)
    wait_for(lambda: helped.by == ["specnet helper"])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="systems with fork only")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_process_has_threads_of_its_own():
    team, helped = Team(2), Helped()
    helped.go_on.set()
    team.wake(helped)
    wait_for(lambda: len(helped.by) == 1)
    child = os.fork()
    if not child:
        status = 1
        try:
            team.wake(helped)
            wait_for(lambda: len(helped.by) == 2)
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def test_the_system_can_sleep():
    if os.name == "posix":
        assert usleep()


def test_a_helper_wakes_on_another_processor_than_the_calling_thread():
    if processor() is None or len(os.sched_getaffinity(0)) < 2:
        pytest.skip("the system does not tell on which processor a thread runs, or there is one")
    allowed, found = os.sched_getaffinity(0), []

    class Places:
        def help(self):
            found.append((processor(), os.sched_getaffinity(0)))

    team, places = Team(2), Places()
    team.wake(places)
    wait_for(lambda: found and team._helping == [None])
    for caller in sorted(allowed)[:2] * 3:
        found.clear()
        os.sched_setaffinity(0, {caller})
        try:
            team.wake(places)
            wait_for(lambda: found and team._helping == [None])
        finally:
            os.sched_setaffinity(0, allowed)
        assert found[0][1] == allowed, "it may run anywhere again"
    assert keep_off(None) is None


def test_a_thread_that_may_run_on_one_processor_alone_stays_there():
    if processor() is None:
        pytest.skip("the system does not tell on which processor a thread runs")
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert keep_off(threading.get_native_id()) is None
        assert os.sched_getaffinity(0) == {min(allowed)}
    finally:
        os.sched_setaffinity(0, allowed)
