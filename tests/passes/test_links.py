"""The model of the network between processes, by its formulas."""

from __future__ import annotations

import pytest

from specnet.passes.links import Link, seconds, sent, sharing_pays

LINK = Link("a link", 1e-5, 1e9)
MILLION = 10**6


@pytest.mark.parametrize(
    ("op", "size", "ranks", "expected"),
    [
        ("all_reduce", 8, 2, 1e-5 + 8e-9),
        ("all_reduce", 8, 8, 3 * (1e-5 + 8e-9)),  # by recursive doubling
        ("all_reduce", MILLION, 8, 6e-5 + 2 * 7 / 8 * 1e-3),  # as a scattered sum that is gathered
        ("reduce_scatter", MILLION, 4, 3e-5 + 3 / 4 * 1e-3),
        ("join_portions", MILLION, 4, 3e-5 + 3 / 4 * 1e-3),
        ("all_gather", MILLION, 4, 2e-5 + 3 / 4 * 1e-3),
    ],
)
def test_a_collective_takes_what_its_rounds_take(op: str, size: int, ranks: int, expected: float) -> None:
    assert seconds(op, size, ranks, LINK) == pytest.approx(expected)


def test_a_sum_is_sent_twice_and_a_portion_once() -> None:
    assert [sent(op, 4000, 4) for op in ("all_reduce", "reduce_scatter", "all_gather")] == [6000, 3000, 3000]


def test_sharing_the_update_pays_for_large_networks_alone() -> None:
    assert [sharing_pays(size, 2, 4, 2) for size in (1000, 100 * MILLION)] == [False, True]
