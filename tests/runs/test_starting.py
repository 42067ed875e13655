"""Trainings that start where an earlier run ended."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specnet

DATA = {"type": "synthetic", "kind": "moons", "samples": 60}
LAYERS = [
    {"type": "dense", "units": 5, "activation": "tanh", "name": "stem"},
    {"type": "batch_norm"},
    {"type": "dense", "units": 2, "name": "out"},
]


def document(layers=LAYERS, **training):
    return json.dumps(
        {
            "specnet": 1,
            "name": "moons",
            "data": DATA,
            "layers": layers,
            "loss": "cross_entropy",
            "training": {"epochs": 3, "batch_size": 20, **training},
        }
    )


@pytest.fixture
def run(tmp_path):
    specnet.run(specnet.load(document()), out=tmp_path / "first")
    return tmp_path / "first"


def test_all_of_the_same_names_start_from_it(run):
    learnt = specnet.load_run(run).parameters
    model = specnet.compile(specnet.load(document(init_from=str(run))))
    assert list(model.parameters) == list(learnt)
    for name, array in model.parameters.items():
        np.testing.assert_array_equal(array, learnt[name])
    assert "batch_norm_1.moving_mean" in model.parameters


def test_some_layers_start_from_it_and_stay_as_they_are(run, tmp_path):
    layers = [{**LAYERS[0], "trainable": False}, {"type": "dense", "units": 7, "name": "more"}, LAYERS[2]]
    spec = specnet.load(document(layers, init_from={"run": str(run), "layers": ["stem"]}))
    fresh = specnet.compile(specnet.load(document(layers))).parameters
    learnt = specnet.load_run(run).parameters
    start = specnet.compile(spec).parameters
    np.testing.assert_array_equal(start["stem.kernel"], learnt["stem.kernel"])
    np.testing.assert_array_equal(start["more.kernel"], fresh["more.kernel"])
    result = specnet.run(spec, out=tmp_path / "second")
    np.testing.assert_array_equal(result.model.parameters["stem.kernel"], learnt["stem.kernel"])
    assert np.abs(result.model.parameters["more.kernel"] - fresh["more.kernel"]).max() > 0
    # What was learnt is the second run's own: the first may go.
    (run / "model.npz").unlink()
    np.testing.assert_array_equal(
        specnet.load_run(tmp_path / "second").parameters["stem.kernel"], learnt["stem.kernel"]
    )


def test_a_run_in_one_file_and_a_path_next_to_the_document(run, tmp_path):
    model = specnet.load_run(run)
    model.save(tmp_path / "first.specnet")
    (tmp_path / "next.json").write_text(document(init_from="first.specnet"))
    start = specnet.compile(specnet.load(tmp_path / "next.json")).parameters
    np.testing.assert_array_equal(start["out.kernel"], model.parameters["out.kernel"])


def faults(text):
    found = specnet.validate(text).diagnostics
    with pytest.raises(specnet.SpecError) as caught:
        specnet.compile(specnet.load(text))
    assert caught.value.diagnostics == found
    return [(d.code, d.path, d.message, d.help) for d in found]


def test_what_is_wrong_with_it(run, tmp_path):
    (fault,) = faults(document(init_from=str(tmp_path / "nothing")))
    assert fault[:2] == ("SN609", ("training", "init_from"))
    (tmp_path / "empty").mkdir()
    (fault,) = faults(document(init_from={"run": str(tmp_path / "empty")}))
    assert fault[:2] == ("SN609", ("training", "init_from", "run"))
    (fault,) = faults(document([{**LAYERS[0], "units": 4}, *LAYERS[1:]], init_from=str(run)))
    assert fault[0] == "SN610"
    assert "`stem.kernel` is 2 x 5 there and 2 x 4 here" in fault[2]
    layers = [LAYERS[0], {"type": "dense", "units": 3, "activation": "tanh"}, {**LAYERS[2]}]
    (fault,) = faults(document(layers, init_from=str(run)))
    assert fault[3] == 'layers = ["stem"] takes those that fit'
    given = {"run": str(run), "layers": ["stm", "batch_norm_1"]}
    found = faults(document(layers, init_from=given))
    assert [(code, path) for code, path, *_ in found] == [
        ("SN610", ("training", "init_from", "layers", 0)),
        ("SN610", ("training", "init_from", "layers", 1)),
    ]
    assert found[0][2] == "this network has no layer `stm` with parameters; did you mean `stem`?"
    (fault,) = faults(document([{"type": "dense", "units": 2}], init_from=str(run)))
    assert "has no parameter that this network has" in fault[2]
