"""Numbers of a document that cannot be computed with are reported, and none of NumPy's warnings is seen."""

from __future__ import annotations

from typing import Any

import pytest

import specnet
from specnet.data import files

DENSE: dict[str, Any] = {"type": "dense", "units": 2}


def document(layer: dict[str, Any] = DENSE, **more: Any) -> dict[str, Any]:
    data = {"type": "inline", "inputs": [[0.5, 1.0]] * 6, "targets": [0, 1] * 3, "split": {"validation": 0.5}}
    fixed = {"specnet": 1, "data": data, "loss": "cross_entropy", "layers": [layer]}
    return {**fixed, "training": {"epochs": 2}, **more}


def found(made: dict[str, Any], **options: Any) -> set[tuple[str, Any]]:
    diagnostics = specnet.validate(made, **options).diagnostics
    return {(d.code, d.path) for d in diagnostics if d.severity == "error"}


@pytest.mark.parametrize(
    ("path", "made"),
    [
        (("layers", 0, key, name), document({**DENSE, key: {"type": kind, name: 1.7e308}}))
        for key, kind, name in (
            ("kernel_regularizer", "l2", "factor"),
            ("kernel_init", "uniform", "high"),
            ("kernel_init", "normal", "mean"),
            ("activation", "leaky_relu", "slope"),
        )
    ]
    + [
        (("layers", 0, "learning_rate_multiplier"), document({**DENSE, "learning_rate_multiplier": 1e39})),
        (
            ("layers", 0, "kernel_init", "value", 1, 0),
            document({**DENSE, "kernel_init": {"type": "constant", "value": [[1, 1], [-1e39, 1]]}}),
        ),
        (("loss", "scale"), document(loss={"type": "cross_entropy", "scale": 1e39})),
        (("training", "clip_norm"), document(training={"clip_norm": 1e39})),
        (
            ("training", "optimizer", "epsilon"),
            document(training={"optimizer": {"type": "adam", "epsilon": 1e39}}),
        ),
    ],
)
def test_a_number_too_large_for_float32_is_reported(path: Any, made: dict[str, Any]) -> None:
    assert found(made) == {("SN208", path)}
    assert found({**made, "dtype": "float64"}) == set()


def test_it_is_reported_next_to_a_faulty_value() -> None:
    made = document({**DENSE, "units": "2", "learning_rate_multiplier": 1e39})
    assert found(made) == {
        ("SN206", ("layers", 0, "units")),
        ("SN208", ("layers", 0, "learning_rate_multiplier")),
    }


@pytest.mark.parametrize("number", [2**63, 10**400])
def test_steps_beyond_counting_are_reported(number: int) -> None:
    training = {"schedule": {"type": "constant", "warmup_steps": number}}
    assert found(document(training=training)) == {("SN208", ("training", "schedule", "warmup_steps"))}


def test_initial_values_that_overflow_are_an_error_of_the_document() -> None:
    made = document({**DENSE, "kernel_init": {"type": "normal", "stddev": 3e38}})
    with pytest.raises(specnet.SpecError, match=r"SN208 initial values of `dense_1\.kernel` are too large"):
        specnet.run(made)


def test_constants_that_overflow_end_a_training_as_diverged() -> None:
    made = document(training={"epochs": 2, "optimizer": {"type": "rmsprop", "epsilon": 3e38}})
    assert specnet.run(made).stopped in {"diverged", "completed"}


@pytest.mark.parametrize("kind", ["conv1d", "conv2d"])
def test_strides_beyond_the_input_are_as_good_as_its_size(kind: str) -> None:
    def trained(strides: int) -> Any:
        shape = {"conv1d": [3, 2], "conv2d": [3, 2, 1]}[kind]
        layer = {"type": kind, "filters": 2, "kernel_size": 2, "strides": strides}
        data = {
            "type": "inline",
            "inputs": [[0.5] * 6] * 4,
            "targets": [0, 1] * 2,
            "transforms": [{"type": "reshape", "shape": shape}],
        }
        layers = [layer, {"type": "flatten"}, DENSE]
        return specnet.run(document(layers=layers, data=data)).splits

    assert trained(2**63) == trained(3)


def test_a_table_is_not_monitored() -> None:
    stopping = {"early_stopping": {"monitor": "validation.confusion"}}
    made = document(metrics=["confusion"], training=stopping)
    (finding,) = (d for d in specnet.validate(made).diagnostics if d.severity == "error")
    assert (finding.code, finding.path) == ("SN603", ("training", "early_stopping", "monitor"))
    assert finding.message == "`confusion` is a table, and only a single number can be monitored"


@pytest.mark.parametrize(
    ("layers", "path"), [([{"type": "flatten"}, DENSE], ("layers", 1)), (["flatten"], ("input_shape",))]
)
def test_a_huge_input_needs_no_data_to_be_too_large(
    monkeypatch: pytest.MonkeyPatch, layers: list[Any], path: Any
) -> None:
    monkeypatch.setattr(files, "memory", lambda: 2**30)
    absent = {"type": "npz", "path": "absent.npz"}
    made = document(data=absent, layers=layers, input_shape=[1000, 1000, 1000], loss="mse")
    assert found(made, data=False) == {("SN605", path)}
    assert found({**made, "input_shape": [10, 10]}, data=False) == set()


def test_what_was_not_checked_is_in_the_report_of_programs() -> None:
    report = specnet.Report(1, unchecked=("spec: the data are large",))
    assert report.as_dict() == {
        "version": 1,
        "files": 1,
        "diagnostics": [],
        "unchecked": ["spec: the data are large"],
    }
