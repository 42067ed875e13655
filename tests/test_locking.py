"""Locks, and Ctrl-C."""

from __future__ import annotations

import random
import signal
import threading
import time

import pytest

from specnet.engines.sharing import Shared
from specnet.locking import Lock


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no such timer")
def test_ctrl_c_leaves_no_lock_held():
    def interrupt(*_):
        raise KeyboardInterrupt

    def take_and_give_back():
        while True:
            with lock:
                pass

    lock, met = Lock(), 0
    before = signal.signal(signal.SIGALRM, interrupt)
    until = time.monotonic() + 0.3
    try:
        while met < 1000 and time.monotonic() < until:
            try:
                signal.setitimer(signal.ITIMER_REAL, random.uniform(5e-5, 2e-4))
                take_and_give_back()
            except KeyboardInterrupt:
                met += 1
            assert not lock._is_owned()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert met


def test_who_holds_it_may_take_it_again_and_others_wait():
    lock, found = Lock(), []
    with lock, lock:
        other = threading.Thread(target=lambda: found.append(lock.acquire(timeout=0.01)))
        other.start()
        other.join()
    assert found == [False]
    assert not lock._is_owned()


def test_shared_state_has_such_a_lock():
    assert type(Shared().lock) is type(Lock())
