from __future__ import annotations

from specnet.graph.sizes import BATCH
from specnet.passes.allocations import AROUND, Allocation, memory_of, piece
from specnet.passes.arena import ARENA, Storage
from specnet.passes.groups import Group
from tests.support.graphs import graph_of


def test_an_offset_counts_from_the_start_of_the_memory():
    storage = Storage(64, ARENA, offset=128)
    assert Allocation(storage).offset == 128
    assert Allocation(storage, 24).offset == 152
    assert Allocation(Storage(8, ARENA, offset=16, within=storage), 4).offset == 148


def test_in_a_piece_the_batch_stands_for_its_rows():
    _, leaves = graph_of({"x": (BATCH, 3)})
    whole, cut = Group([leaves["x"]]), Group([leaves["x"]], rows=16, leading=7)
    assert piece((7, 3), whole) == (7, 3)
    assert piece((7, 3), cut) == (BATCH, 3)
    assert piece((3, 7), cut) == (3, 7)
    assert piece((), cut) == ()


def test_a_leaf_is_memory_of_its_own_and_what_a_loop_is_given_lies_around_it():
    from specnet.graph import ops

    _, leaves = graph_of({"x": (5, BATCH), "h": (BATCH,)})
    found = []

    def step(states, arrays):
        found.append(memory_of(arrays[0]))
        return [states[0] + arrays[0]], []

    ops.scan(step, [leaves["h"]], [leaves["x"]])
    assert memory_of(leaves["x"]) == "x"
    assert found == [AROUND]
