"""Targets that a loss makes no sense of are reported before the training, not by a strange loss after it."""

from __future__ import annotations

import pytest

import specnet

DOCUMENT = """
specnet = 1
[data]
type = "inline"
inputs = [[0.0], [1.0], [2.0], [3.0]]
targets = {targets}
[data.validation]
inputs = [[0.5]]
targets = [{later}]
[[layers]]
type = "dense"
units = 1
[loss]
type = "{loss}"
[training]
epochs = 1
"""


@pytest.mark.parametrize(
    ("loss", "targets", "later", "message"),
    [
        (
            "binary_cross_entropy",
            "[-1, 1, 1, -1]",
            "1",
            "takes targets from 0 to 1, and the data has -1 (train)",
        ),
        (
            "binary_cross_entropy",
            "[0, 1, 1, 0]",
            "1.5",
            "takes targets from 0 to 1, and the data has 1.5 (validation)",
        ),
        ("hinge", "[0.0, 2.0, 1.0, 0.5]", "1", "takes targets from -1 to 1, and the data has 2 (train)"),
        ("poisson", "[1, 0, 2, -3]", "1", "takes targets of at least 0, and the data has -3 (train)"),
    ],
)
def test_the_split_and_the_value_are_named(loss, targets, later, message):
    spec = specnet.load(DOCUMENT.format(loss=loss, targets=targets, later=later))
    with pytest.raises(specnet.SpecError) as caught:
        specnet.compile(spec)
    (found,) = caught.value.diagnostics
    assert (found.code, found.path) == ("SN413", ("loss",))
    assert found.message == f"{loss} {message}"
    assert found.span is not None


@pytest.mark.parametrize("loss", ["mse", "hinge", "poisson", "binary_cross_entropy"])
def test_targets_that_fit_are_taken(loss):
    assert specnet.compile(
        specnet.load(DOCUMENT.format(loss=loss, targets="[0, 1, 1, 0]", later="1"))
    ).parameters
