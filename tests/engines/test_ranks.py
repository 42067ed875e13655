"""What each of several processes has of a batch."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.random import stream
from specnet.engines.ranks import RankRows, RankShares, skip
from specnet.graph.sizes import GLOBAL_BATCH, Forms, shared_sizes
from tests.support.ranks import Meeting, ThreadRanks, together


@pytest.mark.parametrize(("rows", "size"), [(7, 3), (2, 3), (1, 4), (8, 2)])
def test_every_row_is_one_process_s(rows, size):
    own = [RankRows(ThreadRanks(Meeting(size), rank), rows) for rank in range(size)]
    assert [n for each in own if not each.idle for n in range(each.start, each.stop)] == list(range(rows))
    assert max(map(len, own)) <= -(-rows // size)


def test_places_stay_where_they_are_in_smaller_batches():
    for rows in (7, 4, 1):
        own = [RankRows(ThreadRanks(Meeting(3), rank), rows, places=7) for rank in range(3)]
        assert [min(start, rows) for start in (0, 2, 4)] == [min((0, 2, 4)[i], rows) for i in range(3)]
        for rank, each in enumerate(own):
            if not each.idle:
                assert each.start == (0, 2, 4)[rank]


def test_sizes_of_several_forms_are_shared_one_by_one():
    forms = Forms([{"batch": 7, "steps": 3}, {"batch": 2, "steps": 9}])
    shared = shared_sizes(forms, 2)
    assert isinstance(shared, Forms)
    assert shared.forms == (
        {"batch": 4, "steps": 3, "global_batch": 7},
        {"batch": 1, "steps": 9, "global_batch": 2},
    )
    assert GLOBAL_BATCH.at(shared.forms[0]) == 7


def test_a_process_without_rows_adds_nothing():
    def work(ranks):
        own = RankShares(ranks).of(2)
        array, out = np.full(3, 5.0), np.empty(3)
        own.add(array, out)
        gathered = np.empty(4)
        own.gather(np.full(2 * len(own), ranks.rank), gathered)
        mine = np.empty((len(own), 2))
        own.own(np.arange(4.0).reshape(2, 2), mine)
        return own.idle, out.tolist(), own.total(1.0), gathered.tolist(), mine.tolist()

    found = together(3, work)
    assert [idle for idle, *_ in found] == [True, False, False]
    assert all(
        rest[:3] == ([10.0] * 3, 2.0, [1.0, 1.0, 2.0, 2.0])
        for _, *rest in map(tuple, found)
        for rest in [tuple(rest)]
    )
    assert [mine for *_, mine in found] == [[[0.0, 1.0]], [[0.0, 1.0]], [[2.0, 3.0]]]


def position(generator):
    """Return where a generator stands, without a half that it has given out already."""
    state = generator.bit_generator.state
    return state["state"], state["has_uint32"], state["has_uint32"] and state["uinteger"]


@pytest.mark.parametrize("before", [0, 1, 2])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 10, 101])
def test_numbers_that_are_passed_over_are_as_if_drawn(before, count):
    drawn, passed = stream(0, "mask"), stream(0, "mask")
    for generator in (drawn, passed):
        generator.random(before, dtype=np.float32)
    drawn.random(count, dtype=np.float32)
    skip(passed, count)
    assert position(drawn) == position(passed)
    assert drawn.random(5, dtype=np.float32).tolist() == passed.random(5, dtype=np.float32).tolist()


def test_processes_draw_what_one_does():
    whole = stream(0, "mask")
    for rows in (7, 2, 1):
        numbers = whole.random((rows, 3), dtype=np.float32)
        if rows == 7:
            generators = [stream(0, "mask") for _ in range(3)]
        for rank, generator in enumerate(generators):
            own = RankRows(ThreadRanks(Meeting(3), rank), rows)
            out = np.empty((len(own), 3), np.float32)
            own.draw(generator, out)
            assert position(generator) == position(whole)
            np.testing.assert_array_equal(out, numbers[own.start : own.stop])
