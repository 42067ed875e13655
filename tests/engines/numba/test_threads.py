"""Numbers that threads of compiled code share."""

from __future__ import annotations

import ctypes
import threading

import numpy as np
import pytest

pytest.importorskip("numba")

import numba

from specnet.engines.numba import threads
from specnet.engines.numba.team import usleep

PARTS, STAGES = 3, 2_000

take, done, offer, finish, helps = threads.take, threads.done, threads.offer, threads.finish, threads.helps


@numba.njit(nogil=True)
def lead(team, counts, sleep):
    for stage in range(counts.shape[0]):
        offer(team, stage)
        taken = take(team, counts.shape[1])
        while taken >= 0:
            counts[taken // 65536, taken % 65536] += 1
            done(team)
            taken = take(team, counts.shape[1])
        finish(team, counts.shape[1], sleep)
        for part in range(counts.shape[1]):
            if counts[stage, part] != 1:
                return stage
    return -1


@numba.njit(nogil=True)
def follow(team, counts):
    found, idle = 0, 0
    while helps(team, idle):
        taken = take(team, counts.shape[1])
        if taken < 0:
            idle += 1
        else:
            counts[taken // 65536, taken % 65536] += 1
            done(team)
            found += 1
            idle = 0
    return found


@pytest.mark.parametrize("sleep", [0, usleep()], ids=["awake", "asleep"])
def test_each_part_of_each_stage_is_done_once_and_before_the_next_stage(sleep):
    numbers, counts = np.zeros(threads.NUMBERS, np.int64), np.zeros((STAGES, PARTS), np.int64)
    numbers[0], numbers[threads.OPEN // 8] = PARTS, threads.INTEREST
    address, failed, found = numbers.ctypes.data, [], [0, 0]
    lead(address, counts[:0], sleep), follow(address, counts)  # compiled before the threads begin

    def help_out(number):
        for _ in range(50):
            found[number] += follow(address, counts)

    others = [threading.Thread(target=help_out, args=(number,)) for number in range(2)]
    for thread in others:
        thread.start()
    failed.append(lead(address, counts, sleep))
    numbers[threads.OPEN // 8] = 0
    for thread in others:
        thread.join()
    assert failed == [-1]
    assert (counts == 1).all()


def test_nobody_helps_where_that_is_closed():
    numbers, counts = np.zeros(threads.NUMBERS, np.int64), np.zeros((1, PARTS), np.int64)
    assert follow(numbers.ctypes.data, counts) == 0, "a part to take, but closed"
    numbers[threads.OPEN // 8] = threads.INTEREST
    assert follow(numbers.ctypes.data, counts) == PARTS


def test_the_address_of_the_clock_is_that_of_a_function():
    if usleep():
        assert ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint)(usleep())(1) == 0
