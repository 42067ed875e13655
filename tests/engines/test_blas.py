"""The matrix library's setting: who holds it, and that it is restored."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from specnet.engines import blas
from specnet.engines.workers import Workers
from tests.support.threads import KNOWN, blas_threads, forks, in_child, together


@KNOWN
def test_of_overlapping_holders_the_last_restores_the_setting():
    """The first to come leaves first: what it found is restored when the second, which found 1, leaves."""
    entered, leave = threading.Event(), threading.Event()

    def second():
        with blas.limited(1):
            entered.set()
            assert leave.wait(30.0)

    thread = threading.Thread(target=second)
    with blas_threads(3) as get:
        with blas.limited(1):
            thread.start()
            assert entered.wait(30.0)
            assert get() == 1
        assert get() == 1
        leave.set()
        thread.join()
        assert get() == 3


@KNOWN
def test_holders_come_and_go_in_many_threads():
    def use():
        found = []
        for _ in range(300):
            with blas.limited(1):
                found.append(get())
        return found

    with blas_threads(3) as get:
        assert {count for found in together(*[use] * 6) for count in found} == {1}


@KNOWN
def test_what_the_host_sets_in_between_stays():
    get, put = blas.setting()
    with blas_threads(3):
        with blas.limited(1):
            put(2)
        assert get() == 2
        with blas.limited(1):
            put(3)
            with blas.limited(1):
                assert get() == 1
        assert get() == 3
        put(1)
        with blas.limited(1):
            pass
        assert get() == 1
        put(3)


@KNOWN
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_a_step_that_fails_leaves_the_setting_as_it_was(kind):
    workers = Workers(3)

    def fail(part):
        if part == 1:
            raise kind

    with blas_threads(3) as get:
        with pytest.raises(kind), blas.limited(1):
            workers.run(fail, 3)
        assert get() == 3


@KNOWN
@forks
def test_a_child_has_the_setting_back_that_its_parent_had():
    get, _ = blas.setting()
    holding, done = threading.Event(), threading.Event()

    def hold():
        with blas.limited(1):
            holding.set()
            assert done.wait(30.0)

    def use():
        before = get()
        with blas.limited(1):
            within = get()
        np.ones((300, 300)) @ np.ones((300, 300))
        return before, within, get()

    thread = threading.Thread(target=hold)
    with blas_threads(3):
        thread.start()
        assert holding.wait(30.0)
        assert in_child(use) == (3, 1, 3)
        done.set()
        thread.join()


@KNOWN
def test_the_matrix_library_has_its_threads_back_after_the_last_of_several_users():
    get, put = blas.setting()
    before = get()
    try:
        put(2)
        with blas.limited(1):
            assert get() == 1
            with blas.limited(1):
                assert get() == 1
            assert get() == 1
        assert get() == 2
        with pytest.raises(RuntimeError), blas.limited(1):
            raise RuntimeError
        assert get() == 2
    finally:
        put(before)


@KNOWN
def test_many_users_at_once_leave_the_setting_as_it_was():
    get, put = blas.setting()
    before = get()
    try:
        put(2)
        found = []

        def use():
            for _ in range(200):
                with blas.limited(1):
                    found.append(get())

        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(found) == {1}
        assert get() == 2
    finally:
        put(before)


@KNOWN
def test_of_several_users_the_one_with_the_fewest_threads_counts():
    with blas_threads(4) as get:
        with blas.limited(3):
            assert get() == 3
            with blas.limited(1):
                assert get() == 1
                with blas.limited(2):
                    assert get() == 1
            assert get() == 3
        assert get() == 4
        with blas.limited(6):
            assert get() == 6
        assert get() == 4


@KNOWN
def test_what_the_host_sets_while_several_hold_stays():
    _, put = blas.setting()
    with blas_threads(4) as get:
        with blas.limited(3):
            with blas.limited(1):
                put(2)
            assert get() == 2
        assert get() == 2
        put(4)


@KNOWN
def test_the_library_says_which_it_is():
    assert "OpenBLAS" in (blas.version() or "")
