"""Models, results, specs and histories are copied and pickled; a copy of a model is a model of its own."""

from __future__ import annotations

import copy
import io
import pickle
import pickletools

import numpy as np
import pytest

import specnet
from specnet.runs.result import Result
from specnet.training.loop import Trainer
from tests.support.threaded_models import CLASSES, VECTORS, dense, document, rows_of, same


def by_joblib(given):
    joblib = pytest.importorskip("joblib")
    file = io.BytesIO()
    joblib.dump(given, file)
    file.seek(0)
    return joblib.load(file)


def out_of_band(given):
    """As a process that shares memory does: the buffers that come back may be read-only."""
    buffers = []
    content = pickle.dumps(given, protocol=5, buffer_callback=buffers.append)
    return pickle.loads(content, buffers=[bytes(buffer.raw()) for buffer in buffers])


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"protocol {n}": lambda given, n=n: pickle.loads(pickle.dumps(given, n)) for n in (2, 5)},
    "joblib": by_joblib,
    "out of band": out_of_band,
}


def compiled(kind, folder):
    return specnet.compile(document(kind, folder))


def used(kind, folder):
    model = compiled(kind, folder)
    for rows in (1, 7, 90):
        model.predict(rows_of(kind)[:rows])
    model.outputs_of(model.network.layers[0].name, rows_of(kind))
    return model


def trained(kind, folder):
    return specnet.run(document(kind, folder)).model


def in_training(kind, folder):
    events = specnet.train(document(kind, folder))
    return next(event.model for event in events if isinstance(event, specnet.Started))


def loaded(kind, folder):
    trained(kind, folder).save(folder / "model.specnet")
    return specnet.load_model(folder / "model.specnet")


@pytest.mark.parametrize("kind", ["dense", "images", "heads", "table"])
@pytest.mark.parametrize("make", [compiled, used, trained, in_training, loaded])
@pytest.mark.parametrize("way", COPIES)
def test_a_copy_is_a_model_of_its_own(way, make, kind, tmp_path):
    model, rows = make(kind, tmp_path), rows_of(kind)
    own = COPIES[way](model)
    expected = model.predict(rows)
    assert same(own.predict(rows), expected)
    assert own.spec == model.spec
    for name, array in own.parameters.items():
        assert array.flags.writeable
        assert not np.shares_memory(array, model.parameters[name])
        array[...] += 1.0
    assert not same(own.predict(rows), expected)
    assert same(model.predict(rows), expected)


@pytest.mark.parametrize("way", COPIES)
def test_training_one_does_not_change_the_other(way):
    spec = dense(epochs=3)
    alone = specnet.run(spec).model
    from specnet.runs.compiling import compile_spec

    model, data = compile_spec(spec)
    own = COPIES[way](model)
    before = model.predict(VECTORS)
    for each in (own, model):
        assert same(each.predict(VECTORS), before)
        *_, ended = Trainer(each, data).events()
        assert ended.model is each
        np.testing.assert_array_equal(each.parameters.flat, alone.parameters.flat)


@pytest.mark.parametrize("make", [compiled, used, trained, loaded])
def test_a_pickle_contains_no_programs_and_no_more_after_use(make, tmp_path):
    model = make("dense", tmp_path)
    content = pickle.dumps(model)
    names = {argument for _, argument, _ in pickletools.genops(content) if isinstance(argument, str)}
    assert not [name for name in names if name.startswith(("specnet.engines", "specnet.passes"))]
    assert not {"exec", "eval", "compile"} & names
    model.predict(VECTORS)
    model.evaluate(VECTORS, CLASSES)
    assert abs(len(pickle.dumps(model)) - len(content)) < 200


def test_a_model_that_data_were_passed_to_does_not_pickle_them():
    document = {
        "specnet": 1,
        "data": "arrays",
        "layers": [{"type": "dense", "units": 1}],
        "loss": "mse",
        "training": {"epochs": 1},
    }
    rows = np.random.default_rng(0).normal(size=(20_000, 4))
    result = specnet.run(document, data=(rows, rows[:, :1]))
    assert len(pickle.dumps(result.model)) < 20_000
    assert len(pickle.dumps(result)) < 20_000


@pytest.mark.parametrize("way", COPIES)
def test_results_specs_and_histories_are_copied(way, tmp_path):
    result = specnet.run(document("table", tmp_path), out=tmp_path / "run")
    own = COPIES[way](result)
    assert type(own) is Result
    assert own.as_dict() == result.as_dict()
    assert own.splits == result.splits
    assert same(own.model.predict(rows_of("table")), result.model.predict(rows_of("table")))
    assert own.history.to_dict() == COPIES[way](result.history).to_dict() == result.history.to_dict()
    assert own.fit == result.fit
    assert COPIES[way](result.model.spec) == result.model.spec
    evaluation = specnet.evaluate(tmp_path / "run")
    assert COPIES[way](evaluation) == evaluation
