from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specnet.diagnostics.spelling import closest, distance

LAYERS = ["dense", "activation", "dropout", "flatten", "reshape", "conv_2d"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("dens", "dense"),
        ("Dense", "dense"),
        ("desne", "dense"),
        ("drop_out", "dropout"),
        ("Conv2D", "conv_2d"),
        ("falten", "flatten"),
        ("activaiton", "activation"),
        ("attention", None),
        ("quantum", None),
        ("d", None),
        ("", None),
        ("x" * 100, None),
    ],
)
def test_closest(name: str, meant: str | None) -> None:
    assert closest(name, LAYERS) == meant


@pytest.mark.parametrize(("name", "meant"), [("l3", None), ("sdg", "sgd"), ("adm", "adam"), ("a", None)])
def test_short_names(name: str, meant: str | None) -> None:
    assert closest(name, ["l1", "l2", "sgd", "adam", "ab"]) == meant


def test_the_nearer_wins() -> None:
    assert closest("tanhh", ["tanhxx", "tanh"]) == "tanh"
    assert closest("selu_", ["relu", "selu"]) == "selu"


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [("", "", 0), ("abc", "", 3), ("abc", "acb", 1), ("abc", "abd", 1), ("abc", "ab", 1), ("ca", "abc", 3)],
)
def test_distance(a: str, b: str, expected: int) -> None:
    assert distance(a, b) == expected


@given(st.text("abc", max_size=7), st.text("abc", max_size=7))
def test_distance_is_symmetric_and_bounded(a: str, b: str) -> None:
    assert distance(a, b) == distance(b, a)
    assert (distance(a, b) == 0) == (a == b)
    assert abs(len(a) - len(b)) <= distance(a, b) <= max(len(a), len(b))
