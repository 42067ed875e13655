from __future__ import annotations

import pytest

from specnet.engines.numpy.names import Names


@pytest.mark.parametrize(
    ("wish", "name"),
    [("loss", "loss"), ("dense 1.kernel", "dense_1_kernel"), ("1st", "_1st"), ("", "_"), ("für", "für")],
)
def test_a_name_is_one_that_python_takes(wish, name):
    assert Names().new(wish) == name
    assert name.isidentifier()


def test_a_name_is_given_once():
    names = Names(["x_2"])
    assert [names.new("x") for _ in range(3)] == ["x", "x_3", "x_4"]


@pytest.mark.parametrize("taken", ["lambda", "sum", "np", "math", "max_pool"])
def test_names_that_programs_use_are_taken(taken):
    assert Names().new(taken) == f"{taken}_2"
