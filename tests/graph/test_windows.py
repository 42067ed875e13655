"""Windows by rule: what follows from the rule is what a look at each window gives, and no window is looked at."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import specnet
from specnet.graph.windows import AdaptiveCells, Shares, Strided, Windows, cells

SIZES = st.integers(1, 14)


@st.composite
def windows(draw):
    """Return windows of either kind, each of which sees something of an axis, and its size."""
    size = draw(SIZES)
    if draw(st.booleans()):
        return cells(size, draw(SIZES)), size
    spans = Strided(draw(st.integers(-5, 5)), draw(SIZES), draw(SIZES), draw(SIZES))
    assume(not spans.has_empty(size))
    return spans, size


def seen(spans, size):
    return [len(range(max(start, 0), min(stop, size))) for start, stop in spans]


@given(windows())
def test_totals_and_counts_follow_from_the_rule(case):
    spans, size = case
    counts = seen(spans, size)
    assert spans.total(size) == sum(counts)
    assert spans.common(size) == (counts[0] if len(set(counts)) == 1 else None)
    assert spans.singles(size) == (list(spans) == [(i, i + 1) for i in range(size)])
    assert list(Shares(spans, size)) == [1 / count for count in counts]


@given(st.integers(-9, 9), SIZES, SIZES, SIZES, SIZES)
def test_a_window_without_a_place_is_found(first, length, step, number, size):
    spans = Strided(first, length, step, number)
    assert spans.has_empty(size) == (0 in seen(spans, size))


@given(SIZES, SIZES)
def test_cells_are_those_of_the_definition(size, number):
    assert list(cells(size, number)) == list(AdaptiveCells(size, number))


@given(windows())
def test_taps_are_the_places_of_the_windows_one_by_one(case):
    spans, size = case
    how = Windows(spans, size, 1)
    found = [[] for _ in spans]
    for runs in how.taps:
        for numbers, places in runs:
            pairs = zip(range(len(spans))[numbers], range(size)[places], strict=True)
            for number, place in pairs:
                found[number].append(place)
    assert found == [list(range(max(start, 0), min(stop, size))) for start, stop in spans]
    every = [place for places in found for place in places]
    assert how.apart == (len(every) == len(set(every)))
    if how.apart:
        unseen = [place for places in how.unseen for place in range(size)[places]]
        assert unseen == sorted(set(range(size)) - set(every))


LAYERS = {
    "max": {"type": "max_pooling1d"},
    "max same": {"type": "max_pooling1d", "padding": "same", "pool_size": 3, "strides": 2},
    "average": {"type": "average_pooling1d"},
    "average same": {"type": "average_pooling1d", "padding": "same", "pool_size": 9, "strides": 2},
    "adaptive max": {"type": "adaptive_max_pooling1d", "output_size": 300_007},
    "adaptive average": {"type": "adaptive_average_pooling1d", "output_size": 300_007},
    "global": {"type": "global_max_pooling1d", "keepdims": True},
}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_validating_a_pooling_looks_at_few_windows(layer, monkeypatch):
    counts = {"at": 0}
    for kind in (Strided, AdaptiveCells):
        plain = kind.at

        def counted(self, number, plain=plain):
            counts["at"] += 1
            return plain(self, number)

        monkeypatch.setattr(kind, "at", counted)
    document = {
        "specnet": 1,
        "input_shape": [1_000_000, 1],
        "data": {"type": "npz", "path": "x.npz"},
        "layers": [layer, {"type": "flatten"}, {"type": "dense", "units": 2}],
        "loss": "cross_entropy",
    }
    assert not specnet.validate(document, data=False).diagnostics
    assert counts["at"] < 100
