"""Where storages lie in an arena: each as low as a search through all that were placed before it finds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from specnet.passes.arena import ALIGNMENT, Storage, aligned, lay_out

SPANS = st.tuples(st.integers(0, 300), st.integers(0, 40), st.integers(0, 12))
"""Sizes, births, and for how long a storage is needed after its birth."""


def storages(spans, times=1):
    return [Storage(size, birth=times * birth, death=times * (birth + more)) for size, birth, more in spans]


def overlap(a, b):
    return a.birth <= b.death and b.birth <= a.death


def searched(found):
    """Lay storages out by looking through all earlier ones; return the offsets and the bytes needed."""
    offsets, total = {}, 0
    placed = []
    for storage in sorted(found, key=lambda s: -s.size):
        offset = 0
        for other in sorted((s for s in placed if overlap(s, storage)), key=lambda s: offsets[id(s)]):
            if offsets[id(other)] >= offset + storage.size:
                break
            offset = max(offset, aligned(offsets[id(other)] + other.size))
        offsets[id(storage)] = offset
        placed.append(storage)
        total = max(total, aligned(offset + storage.size))
    return [offsets[id(s)] for s in found], total


@given(st.lists(SPANS, max_size=60), st.sampled_from([1, 7]))
def test_offsets_are_those_of_a_search_through_all_earlier_storages(spans, times):
    found = storages(spans, times)
    total = lay_out(found)
    assert ([s.offset for s in found], total) == searched(found)


@given(st.lists(SPANS, max_size=40))
def test_what_is_needed_at_the_same_time_lies_apart(spans):
    found = storages(spans)
    total = lay_out(found)
    for number, a in enumerate(found):
        assert a.offset % ALIGNMENT == 0
        assert a.offset + a.size <= total
        for b in found[:number]:
            if overlap(a, b):
                assert a.offset + a.size <= b.offset or b.offset + b.size <= a.offset


def test_nothing_needs_no_memory():
    assert lay_out([]) == 0


def test_a_gap_is_filled_by_what_fits_and_skipped_by_what_does_not():
    below, gap, above = (
        Storage(256, birth=0, death=9),
        Storage(192, birth=0, death=4),
        Storage(192, birth=0, death=9),
    )
    large, small = Storage(180, birth=5, death=9), Storage(100, birth=5, death=9)
    assert lay_out([below, gap, above, large, small]) == 256 + 192 + 192 + 128
    assert [s.offset for s in (below, gap, above, large, small)] == [0, 256, 448, 256, 640]
