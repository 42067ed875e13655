"""Several threads at once, for tests of what they share."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from contextlib import contextmanager

import pytest

from specnet.engines import blas

KNOWN = pytest.mark.skipif(blas.setting() is None, reason="the matrix library's threads cannot be held back")


def forks(test):
    """Mark a test that forks, of which Python warns where there are several threads."""
    test = pytest.mark.filterwarnings("ignore::DeprecationWarning")(test)
    return pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")(test)


@contextmanager
def often_switched():
    """Have the interpreter go from thread to thread as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def together(*works):
    """Call functions at the same time, a thread each; return what they return, or raise what one of them raises."""
    start, found = threading.Barrier(len(works)), {}

    def call(number, work):
        start.wait()
        try:
            found[number] = work(), None
        except BaseException as raised:  # noqa: BLE001 (it is raised again below)
            found[number] = None, raised

    threads = [threading.Thread(target=call, args=each) for each in enumerate(works)]
    with often_switched():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60.0)
    assert not any(thread.is_alive() for thread in threads), "a thread waits for ever"
    for _, raised in found.values():
        if raised is not None:
            raise raised
    return [found[number][0] for number in range(len(works))]


def elsewhere(work):
    """Call a function in another thread, and wait for it."""
    return together(work)[0]


@contextmanager
def blas_threads(count):
    """Set how many threads the matrix library has, as a host program may; check that it still has them afterwards."""
    get, put = blas.setting()
    before = get()
    put(count)
    try:
        yield get
        assert get() == count
    finally:
        put(before)


def in_child(work):
    """Call a function in a forked child, and return what it gives."""
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    child = context.Process(target=lambda: results.put(work()))
    child.start()
    child.join(30.0)
    child.kill()
    assert child.exitcode == 0
    return results.get()
