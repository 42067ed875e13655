"""Threads that share a batch: what they do, in which order, and what they leave behind."""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
import time
import weakref
from contextlib import contextmanager, suppress

import numpy as np
import pytest

from specnet.engines import blas
from specnet.engines.workers import Workers, each_piece, shared_dot
from tests.support.threads import elsewhere

KNOWN = pytest.mark.skipif(blas.setting() is None, reason="the matrix library's threads cannot be held back")

HANG = 60.0
"""Seconds after which a test that waits has failed."""


def ours():
    return [t for t in threading.enumerate() if t.name == "specnet worker"]


@KNOWN
def test_parts_are_done_at_the_same_time_and_each_once():
    workers, seen, all_at_once = Workers(3), {}, threading.Barrier(3)

    def task(part):
        seen[part] = threading.get_ident()
        all_at_once.wait(HANG)

    workers.run(task, 3)
    assert sorted(seen) == [0, 1, 2]
    assert seen[0] == threading.get_ident()
    assert len(set(seen.values())) == 3
    done = []
    workers.run(done.append, 7)
    assert sorted(done) == list(range(7))


@contextmanager
def held():
    """Two workers, of which another caller keeps the one that is not the calling thread."""
    workers, busy, go_on = Workers(2), threading.Event(), threading.Event()

    def hold(part):
        if part == 1:
            busy.set()
            assert go_on.wait(HANG)

    holding = threading.Thread(target=workers.run, args=(hold, 2))
    holding.start()
    assert busy.wait(HANG)
    try:
        yield workers
    finally:
        go_on.set()
        holding.join(HANG)
    assert not holding.is_alive()


@KNOWN
def test_a_caller_does_what_no_other_thread_has_begun():
    """A thread that gets no core, as on a busy machine, is not waited for."""
    seen = []
    with held() as workers:
        workers.run(lambda part: seen.append((part, threading.get_ident())), 4)
        assert seen == [(part, threading.get_ident()) for part in range(4)]


@KNOWN
def test_parts_that_no_thread_has_begun_are_not_done_after_a_fault():
    seen = []

    def task(part):
        seen.append(part)
        raise KeyError(part)

    with held() as workers, pytest.raises(KeyError, match="0"):
        workers.run(task, 4)
    done = []
    workers.run(done.append, 3)
    assert sorted(done) == [0, 1, 2]
    assert seen == [0]


def test_one_part_or_one_worker_needs_no_threads():
    before = len(ours())
    done = []
    Workers(4).run(done.append, 1)
    Workers(1).run(done.append, 3)
    assert done == [0, 0, 1, 2]
    assert len(ours()) == before


def test_where_threads_cannot_be_held_back_the_caller_works_alone(monkeypatch):
    monkeypatch.setattr(blas, "setting", lambda: None)
    assert Workers(4).count == 1
    with blas.limited(1):
        pass


@KNOWN
def test_what_a_worker_raises_reaches_the_caller_once_all_are_done():
    workers, done, failing = Workers(3), [], threading.Event()
    all_at_once = threading.Barrier(3)

    def late(part):
        assert failing.wait(HANG)
        for _ in range(1000):
            time.sleep(0)  # lets other threads go on
        done.append(part)

    def task(part):
        all_at_once.wait(HANG)
        if part == 1:
            failing.set()
            raise ValueError("part 1")
        late(part)

    with pytest.raises(ValueError, match="part 1"):
        workers.run(task, 3)
    assert sorted(done) == [0, 2]

    def own(part):
        all_at_once.wait(HANG)
        if part == 0:
            failing.set()
            raise KeyError("own")
        late(part)

    done.clear()
    failing.clear()
    with pytest.raises(KeyError, match="own"):
        workers.run(own, 3)
    assert sorted(done) == [1, 2]
    workers.run(done.append, 3)


@KNOWN
def test_nothing_of_a_task_is_kept_alive_by_what_it_raised():
    workers, both = Workers(2), threading.Barrier(2)

    def run():
        def task(part):
            both.wait(HANG)
            if part == 1:
                raise ValueError("part 1")

        with suppress(ValueError):
            workers.run(task, 2)
        return weakref.ref(task)

    gc.disable()
    try:
        task = run()
        workers.run(lambda _: both.wait(HANG), 2)  # the other thread is done with it, too
        assert task() is None
    finally:
        gc.enable()


@KNOWN
def test_workers_ignore_what_numpy_warns_of():
    found = {}

    def task(part):
        found[part] = np.log(np.zeros(2)).tolist()

    with np.errstate(all="ignore"):
        Workers(2).run(task, 2)
    assert found == {0: [-np.inf] * 2, 1: [-np.inf] * 2}


@KNOWN
def test_threads_end_with_their_workers():
    before = set(ours())
    workers = Workers(3)
    workers.run(lambda _: None, 3)
    mine = set(ours()) - before
    assert len(mine) == 2
    assert all(t.daemon for t in mine)
    del workers
    gc.collect()
    for thread in mine:
        thread.join(HANG)
        assert not thread.is_alive()


def test_shares_are_even_in_order_and_never_empty():
    for count in (1, 2, 3, 8):
        workers = Workers(count)
        for size in (0, 1, 2, 7, 64):
            shares = workers.shares(size)
            assert [n for a, b in shares for n in range(a, b)] == list(range(size))
            assert len(shares) == min(workers.count, size)
            lengths = [b - a for a, b in shares]
            assert max(lengths, default=0) - min(lengths, default=0) <= 1


@KNOWN
def test_pieces_that_share_scratch_are_done_one_after_the_other_by_one_thread():
    seen, both = [], threading.Barrier(2)
    pieces = [[(1, 2), (3, 4)], [(5, 6)]]

    def task(a, b):
        if a != 3:
            both.wait(HANG)
        seen.append((a, b, threading.get_ident()))

    each_piece(Workers(2), task, pieces)
    by_thread = {}
    for a, b, thread in seen:
        by_thread.setdefault(thread, []).append((a, b))
    assert sorted(by_thread.values()) == [[(1, 2), (3, 4)], [(5, 6)]]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_shared_product_is_the_product(count):
    rng = np.random.default_rng(0)
    a, b, out = rng.normal(size=(7, 5)), rng.normal(size=(5, 4)), np.empty((7, 4))
    shared_dot(Workers(count), a, b, out)
    np.testing.assert_allclose(out, a @ b, 1e-13)
    wide = np.empty((4, 7))
    shared_dot(Workers(count), b.T, a.T, wide)
    np.testing.assert_allclose(wide, b.T @ a.T, 1e-13)
    turned = np.empty((5, 4))
    shared_dot(Workers(count), a.T, rng.normal(size=(7, 4)), turned)
    shared_dot(Workers(count), a.T, np.ones((7, 4)), turned)
    np.testing.assert_allclose(turned, a.T @ np.ones((7, 4)), 1e-13)


@KNOWN
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [(784, 128, 256), (100, 1500, 333), (256, 784, 128), (7, 5, 4)])
@pytest.mark.parametrize("turned", [False, True])
def test_a_product_has_the_same_bits_whoever_computes_its_parts(sizes, dtype, turned):
    rows, inner, columns = sizes
    rng = np.random.default_rng(1)
    a = rng.standard_normal((inner, rows) if turned else (rows, inner), dtype)
    b, found = rng.standard_normal((inner, columns), dtype), []
    with blas.limited(1):
        for helped in (True, False, True):
            workers, out = Workers(3), np.empty((rows, columns), dtype)
            workers.help(helped)
            shared_dot(workers, a.T if turned else a, b, out)
            found.append(out.tobytes())
    assert len(set(found)) == 1


@KNOWN
def test_a_thread_without_help_does_all_parts_and_others_have_help():
    workers, done = Workers(2), []
    workers.help(False)
    workers.run(lambda _: done.append(threading.get_ident()), 4)
    assert workers.alone
    assert not elsewhere(lambda: workers.alone)
    elsewhere(lambda: workers.help(True))
    assert workers.alone
    workers.help(True)
    assert set(done) == {threading.get_ident()}
    assert not workers.alone


def _in_child(workers, results):
    done = []
    workers.run(lambda part: done.append((part, os.getpid())), 3)
    results.put(sorted(done))


@KNOWN
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_starts_threads_of_its_own():
    workers = Workers(3)
    workers.run(lambda _: None, 3)
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    with blas.limited(1):
        child = context.Process(target=_in_child, args=(workers, results))
        child.start()
        child.join(HANG)
    assert child.exitcode == 0
    assert results.get() == [(part, child.pid) for part in range(3)]
