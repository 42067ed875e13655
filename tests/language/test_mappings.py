"""Documents that are dictionaries or specs, and specs that are made of specs."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

import specnet

SPECS = Path(__file__).parents[2] / "specs"


def document(**changes: Any) -> dict[str, Any]:
    return {
        "specnet": 1,
        "data": {"type": "builtin", "name": "iris"},
        "layers": [{"type": "dense", "units": 3}],
        "loss": "cross_entropy",
        **changes,
    }


def test_a_dictionary_is_the_document_that_its_json_is():
    given = document(seed=3)
    assert specnet.load(given) == specnet.load(json.dumps(given))
    assert given == document(seed=3)


def test_values_of_numpy_tuples_mappings_and_paths_are_plain_values():
    given = document(
        seed=np.int64(4),
        layers=(
            {"type": "dense", "units": np.uint8(3), "bias_init": {"type": "constant", "value": np.zeros(3)}},
        ),
        training=MappingProxyType({"epochs": np.int16(7), "batch_size": np.str_("full")}),
        data={"type": "csv", "path": PurePosixPath("a/b.csv"), "target": np.str_("y")},
    )
    spec = specnet.load(given)
    assert (spec.seed, spec.training.epochs, spec.training.batch_size) == (4, 7, "full")
    assert spec.data.path == "a/b.csv"
    assert spec.layers[0].bias_init.value == (0.0, 0.0, 0.0)
    assert specnet.load(document(dtype=np.str_("float64"))).dtype == "float64"


def test_overrides_take_numpy_scalars():
    chosen = {
        "training.epochs": np.int64(3),
        "training.optimizer": {"type": "sgd", "learning_rate": np.float64(0.5)},
    }
    spec = specnet.load(document(), chosen)
    assert (spec.training.epochs, spec.training.optimizer.learning_rate) == (3, 0.5)
    assert type(spec.training.epochs) is int


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"layers": [{"type": "dnse", "units": 3}]}, [("SN204", ("layers", 0, "type"))]),
        ({"layers": [{"type": "dense", "units": -1}]}, [("SN208", ("layers", 0, "units"))]),
        ({"layers": []}, [("SN209", ("layers",))]),
        ({"layers": object()}, [("SN206", ("layers",))]),
        ({"seed": float("nan")}, [("SN206", ("seed",))]),
        ({"los": "mse"}, [("SN202", ("los",))]),
        ({5: "mse"}, [("SN202", ("5",))]),
    ],
)
def test_faults_of_a_dictionary_have_key_paths_and_no_other_faults_follow(changes, found):
    given = {**document(), **changes}
    report = specnet.validate(given)
    assert [(d.code, d.path) for d in report.diagnostics] == found
    assert not report
    assert all(d.span is None and d.document == "spec" for d in report.diagnostics)
    with pytest.raises(specnet.SpecError) as raised:
        specnet.load(given)
    assert raised.value.diagnostics == report.diagnostics
    first = report.diagnostics[0]
    assert str(first).startswith(f"spec: {'.'.join(map(str, first.path))}: {first.code} {first.message}")
    assert str(raised.value) == str(report) == "\n".join(map(str, report.diagnostics))


def test_an_empty_dictionary_and_one_without_end_are_refused():
    endless: dict[str, Any] = document()
    endless["layers"].append(endless)
    for given, code in (({}, "SN104"), (endless, "SN105")):
        assert [d.code for d in specnet.validate(given).diagnostics] == [code]
    with pytest.raises(specnet.SpecError, match="SN108 `a` is nested too deeply"):
        specnet.load(document(), {"a": endless})


def test_shapes_of_a_dictionary_are_checked():
    report = specnet.validate(document(layers=[{"type": "conv2d", "filters": 3, "kernel_size": 3}]))
    assert [(d.code, d.path[:2]) for d in report.diagnostics] == [("SN401", ("layers", 0))]


def test_everything_takes_what_load_takes():
    given = document(training={"epochs": 2})
    spec = specnet.load(given)
    for source in (given, spec, json.dumps(given)):
        assert specnet.validate(source)
        assert specnet.compile(source).network.spec == spec
        assert specnet.run(source).epochs == 2
        assert [type(e).__name__ for e in specnet.train(source)][-1] == "Ended"
        assert all(check.ok for check in specnet.check_gradients(source))


def test_a_run_of_a_dictionary_keeps_its_document(tmp_path):
    result = specnet.run(document(training={"epochs": 1}), out=tmp_path / "run")
    assert specnet.load(tmp_path / "run" / "spec.json") == result.model.network.spec
    rows = [[5.0, 3.0, 1.5, 0.2]]
    assert np.array_equal(specnet.load_run(tmp_path / "run").predict(rows), result.model.predict(rows))


# Specs from specs


def test_replace_gives_a_new_spec():
    spec = specnet.load(SPECS / "iris.toml", {"training.epochs": 3})
    made = spec.replace({"layers.0.units": 5, "seed": np.int64(8)})
    assert (made.layers[0].units, made.seed, made.training.epochs) == (5, 8, 3)
    assert spec.layers[0].units != 5
    assert made == specnet.load(SPECS / "iris.toml", {"training.epochs": 3, "layers.0.units": 5, "seed": 8})
    assert made.folder == spec.folder
    assert spec.replace(["seed=8"]) == spec.replace({"seed": 8})
    assert specnet.load(spec, {"seed": 8}) == spec.replace({"seed": 8})
    assert specnet.load(spec) is spec


def test_replace_validates():
    spec = specnet.load(SPECS / "iris.toml")
    with pytest.raises(specnet.SpecError) as raised:
        spec.replace({"training.epochs": -1, "layers.0.unit": 3, "layers.9.units": 3})
    assert [(d.code, d.file) for d in raised.value.diagnostics] == [
        ("SN202", "override layers.0.unit=3"),
        ("SN208", "override training.epochs=-1"),
        ("SN109", "override layers.9.units=3"),
    ]
    assert not specnet.validate(spec, {"training.epochs": -1})


def test_replace_keeps_what_was_changed_by_other_means():
    spec = specnet.load(SPECS / "iris.toml").model_copy(update={"dtype": "float64"})
    made = spec.replace({"seed": 5})
    assert (made.dtype, made.seed) == ("float64", 5)
    assert made.folder == spec.folder
    assert made.model_copy(update={"seed": spec.seed}) == spec


def test_a_spec_of_a_dictionary_can_be_copied_and_replaced():
    spec = specnet.load(document())
    for twin in (copy.deepcopy(spec), pickle.loads(pickle.dumps(spec)), spec.model_copy(deep=True)):
        assert twin == spec
        assert twin.replace({"seed": 3}).seed == 3
