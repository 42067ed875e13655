"""Metrics that a network cannot give."""

from __future__ import annotations

import pytest

import specnet

DOCUMENT = """
specnet = 1
metrics = {metrics}
[data]
type = "inline"
inputs = [[0.0], [1.0], [2.0], [3.0]]
targets = [0, 1, 1, 2]
[[layers]]
type = "dense"
units = {units}
[loss]
type = "{loss}"
"""


def found(metrics, loss="cross_entropy", units=3):
    report = specnet.validate(DOCUMENT.format(metrics=metrics, loss=loss, units=units))
    return [(d.code, d.path, d.message) for d in report.diagnostics if d.severity == "error"]


def test_two_of_one_name_are_reported():
    assert found('["accuracy", { type = "accuracy", threshold = 0.3 }]') == [
        ("SN302", ("metrics", 1), "two metrics would be reported as `accuracy`")
    ]
    assert not found(
        '["f1", { type = "f1", average = "micro" }, { type = "top_k", k = 1 }, { type = "top_k", k = 2 }]'
    )


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ('["top_k"]', "top_5: the class of every row is among 5 guesses, where there are 3 classes"),
        ('["mse"]', "mse: predictions (batch, 3) and targets (batch,) cannot be compared"),
        (
            '[{ type = "f1", average = "binary" }]',
            'f1_binary: the average "binary" is for two classes, and there are 3 classes',
        ),
    ],
)
def test_what_does_not_fit_the_predictions_is_reported(metrics, message):
    assert found(metrics) == [("SN412", ("metrics", 0), message)]
