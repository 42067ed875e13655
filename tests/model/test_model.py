"""The model as programs use it: predict, evaluate, hidden activations, save and load."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest

import specnet
from specnet.interchange.exporting import WRITERS, Exported
from tests.support.threaded_models import (
    CLASSES,
    TABLE,
    VECTORS,
    dense,
    document,
    heads,
    rows_of,
    same,
    table,
)

NAMES = np.array(["low", "middle", "high"])[CLASSES]

DOCUMENT = {
    "specnet": 1,
    "data": {"type": "arrays", "split": {"test": 0.3}, "transforms": ["standardize"]},
    "layers": [
        {"type": "dense", "units": 6, "activation": "tanh"},
        {"type": "dropout", "rate": 0.5},
        {"type": "residual", "layers": [{"type": "dense", "units": 6}, {"type": "dense", "units": 6}]},
        {"type": "sequential", "repeat": 2, "layers": [{"type": "dense", "units": 6, "activation": "relu"}]},
        {"type": "dense", "units": 3},
    ],
    "loss": "cross_entropy",
    "metrics": ["accuracy", "confusion"],
    "training": {"epochs": 2, "batch_size": 16},
}


@pytest.fixture(scope="module")
def result() -> specnet.Result:
    return specnet.run(DOCUMENT, data=(VECTORS, NAMES))


@pytest.fixture
def model(result: specnet.Result) -> specnet.Model:
    return result.model


# evaluate


@pytest.mark.parametrize("kind", ["dense", "images", "table", "heads"])
def test_evaluate_is_what_a_run_measures_of_the_same_rows(kind, tmp_path):
    result = specnet.run(document(kind, tmp_path))
    if "validation" in result.splits:  # the run has measured parts of the rows only
        result = specnet.run(specnet.load(tmp_path / "things.json", ["data.split = {}"]))
    targets = [row[-1] for row in TABLE[1:]] if kind == "table" else CLASSES
    found = result.model.evaluate(rows_of(kind), targets)
    assert found.rows == {"data": 90}
    assert found.splits["data"] == pytest.approx(dict(result.splits["train"]), rel=1e-5)


def test_names_of_classes_and_their_indices_are_the_same_targets(model):
    assert model.classes == ("high", "low", "middle")
    named = model.evaluate(VECTORS, NAMES)
    indices = [model.classes.index(name) for name in NAMES]
    assert named == model.evaluate(VECTORS, indices) == model.evaluate(VECTORS.tolist(), NAMES.tolist())
    assert np.sum(named.splits["data"]["confusion"]) == 90


def test_a_file_and_a_frame_contain_their_targets(tmp_path):
    pandas = pytest.importorskip("pandas")
    model = specnet.run(table(tmp_path)).model
    rows, prices = rows_of("table"), [row[-1] for row in TABLE[1:]]
    found = model.evaluate(rows, prices)
    frame = pandas.read_csv(tmp_path / "things.csv")
    assert model.evaluate(tmp_path / "things.csv") == model.evaluate(str(tmp_path / "things.csv")) == found
    assert model.evaluate(frame) == found
    assert model.evaluate(frame.drop(columns="price"), frame["price"]) == found


def test_a_model_that_reproduces_its_inputs_takes_no_targets():
    spec = {
        "specnet": 1,
        "data": {"type": "arrays", "target": "inputs"},
        "layers": [{"type": "dense", "units": 2}, {"type": "dense", "units": 4}],
        "loss": "mse",
        "training": {"epochs": 1},
    }
    result = specnet.run(spec, data=VECTORS)
    found = result.model.evaluate(VECTORS).splits["data"]
    assert found["loss"] == pytest.approx(result.splits["train"]["loss"], rel=1e-6)
    with pytest.raises(TypeError, match="the model's targets are its inputs"):
        result.model.evaluate(VECTORS, VECTORS)


def test_targets_are_given_where_nothing_contains_them(model, tmp_path):
    with pytest.raises(TypeError, match="targets are missing"):
        model.evaluate(VECTORS)
    with pytest.raises(TypeError, match="a file contains its targets"):
        model.evaluate(tmp_path / "rows.npz", NAMES)
    with pytest.raises(specnet.SpecError, match=r"there is no file .*rows\.npz"):
        model.evaluate(tmp_path / "rows.npz")


@pytest.mark.parametrize(
    ("targets", "says"),
    [
        (["lower"] * 90, "row 1: the target `lower` is not a class that the model was trained on: these are"),
        ([None] * 90, "row 1: the target `None` is not a class"),
        (["low"] * 5, "90 rows of inputs, and 5 targets"),
        (np.full(90, np.nan), "not a class index"),
        (np.full(90, 1e300), "not a class index"),
        (np.full(90, 3), "classes go from 3 to 3"),
        ([[0], [0, 1]] * 45, "they are ragged"),
        (0, "a single value"),
        ("low", "not an array of numbers, nor names"),
        (np.zeros((90, 3)), r"int64\(90, 3\)"),
        (np.zeros(90, complex), "not an array of numbers"),
    ],
)
def test_targets_that_the_loss_cannot_take_are_refused(model, targets, says):
    with pytest.raises(specnet.SpecError, match=says):
        model.evaluate(VECTORS, targets)


NOT_FINITE = VECTORS.copy()
NOT_FINITE[3, 1] = np.nan


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        (np.zeros((90, 5)), r"one input has shape \[5\]; the model was trained on \[4\]"),
        (np.zeros(90), r"one input has shape \[1\]"),
        (NOT_FINITE, r"nan in row 4 of the data, element \[1\]"),
        (None, "the inputs are not rows"),
        ([[1], [1, 2]] * 45, "a row is ragged"),
        (np.full((90, 4), "x"), "not an array of numbers"),
    ],
)
def test_inputs_that_the_model_cannot_take_are_refused_everywhere(model, inputs, says):
    for use in (
        model.predict,
        lambda rows: model.evaluate(rows, NAMES),
        lambda rows: model.outputs_of("dense_1", rows),
    ):
        with pytest.raises(specnet.SpecError, match=says):
            use(inputs)


# predict


def test_an_output_is_chosen_by_name():
    model = specnet.run(heads()).model
    both = model.predict(VECTORS)
    assert set(both) == {"kind", "image"}
    np.testing.assert_array_equal(model.predict(VECTORS, output="image"), both["image"])
    with pytest.raises(ValueError, match="no output `imag`; did you mean `image`"):
        model.predict(VECTORS, output="imag")


def test_the_only_output_is_called_like_the_last_layer(model):
    np.testing.assert_array_equal(model.predict(VECTORS, output="dense_2"), model.predict(VECTORS))
    with pytest.raises(ValueError, match="no output `price`; there is `dense_2`"):
        model.predict(VECTORS, output="price")


# outputs_of


def test_hidden_activations_are_those_of_an_evaluation(model):
    p = model.parameters
    x = model.encoding.encode(VECTORS)
    first = np.tanh(x @ p["dense_1.kernel"] + p["dense_1.bias"])
    inner = first @ p["residual_1.dense_1.kernel"] + p["residual_1.dense_1.bias"]
    around = first + inner @ p["residual_1.dense_2.kernel"] + p["residual_1.dense_2.bias"]
    for layer, expected in {
        "dense_1": first,
        "dropout_1": first,
        "residual_1.dense_1": inner,
        "residual_1": around,
    }.items():
        np.testing.assert_allclose(model.outputs_of(layer, VECTORS), expected, atol=1e-5)
    scores = np.exp(model.outputs_of("dense_2", VECTORS))
    np.testing.assert_allclose(scores / scores.sum(axis=1, keepdims=True), model.predict(VECTORS), atol=1e-6)


@pytest.mark.parametrize("kind", ["dense", "images", "table", "heads"])
def test_every_layer_gives_its_output_in_the_shape_that_explain_shows(kind, tmp_path):
    model, rows = specnet.compile(document(kind, tmp_path)), rows_of(kind)
    for layer in model.network.layers:
        found = model.outputs_of(layer.name, rows)
        assert found.shape == (90, *layer.output[1:])
        assert found.dtype == np.float32


def test_layers_in_containers_are_named_as_explain_names_them(model):
    names = [layer.name for layer in model.network.layers]
    assert {"residual_1.dense_2", "sequential_1", "sequential_1.1.dense_1"} <= set(names)
    for name in names:
        assert len(model.outputs_of(name, VECTORS)) == 90


def test_more_rows_than_are_computed_at_once(model):
    many = np.tile(VECTORS, (25, 1))  # 2,250: two full blocks, and a smaller one
    found = model.outputs_of("residual_1", many)
    np.testing.assert_allclose(found, np.tile(model.outputs_of("residual_1", VECTORS), (25, 1)), rtol=1e-5)
    assert model.outputs_of("residual_1", np.empty((0, 4))).shape == (0, 6)


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        ("dense_9", "did you mean `dense_1`"),
        ("residual_1.dense_3", "did you mean `residual_1.dense_1`"),
        ("hidden", "there are `dense_1`, `dropout_1`"),
        ("x" * 400, r"`x{40}…`"),
        (3, "no layer `3`"),
    ],
)
def test_a_layer_that_there_is_not_is_refused_with_what_was_meant(model, layer, says):
    with pytest.raises(ValueError, match=says):
        model.outputs_of(layer, VECTORS)


# Use by another thread


def test_a_model_that_another_thread_trains_is_in_use(tmp_path):
    within, leave = threading.Event(), threading.Event()

    def stop() -> bool:
        within.set()
        assert leave.wait(30.0)
        return True

    events = specnet.train(dense(), stop=stop)
    model = next(events).model
    thread = threading.Thread(target=lambda: next(events))
    thread.start()
    try:
        assert within.wait(30.0)
        for use in (
            lambda: model.predict(VECTORS),
            lambda: model.evaluate(VECTORS, CLASSES),
            lambda: model.outputs_of("dense_1", VECTORS),
            lambda: model.save(tmp_path / "model.specnet"),
            lambda: model.__reduce_ex__(4),
        ):
            with pytest.raises(specnet.ModelInUseError):
                use()
    finally:
        leave.set()
        thread.join()
    assert not any(tmp_path.iterdir())
    model.save(tmp_path / "model.specnet")
    assert same(specnet.load_model(tmp_path / "model.specnet").predict(VECTORS), model.predict(VECTORS))


# save and load_model


@pytest.mark.parametrize("kind", ["dense", "images", "table", "heads"])
@pytest.mark.parametrize("trained", [False, True])
def test_a_saved_model_is_loaded_as_it_was(kind, trained, tmp_path):
    spec, rows = document(kind, tmp_path), rows_of(kind)
    model = specnet.run(spec).model if trained else specnet.compile(spec)
    model.save(tmp_path / "model.specnet")
    (tmp_path / "things.csv").unlink(missing_ok=True)
    for load in (specnet.load_model, specnet.load_run):
        loaded = load(tmp_path / "model.specnet")
        assert same(loaded.predict(rows), model.predict(rows))
        assert loaded.spec == model.spec
        assert same(dict(loaded.parameters), dict(model.parameters))


def test_the_file_is_the_one_that_an_export_writes(tmp_path):
    result = specnet.run(dense(), out=tmp_path / "run")
    result.model.save(tmp_path / "saved")
    WRITERS["specnet"](tmp_path / "exported", Exported.of(tmp_path / "run"))
    assert (tmp_path / "saved").read_bytes() == (tmp_path / "exported").read_bytes()
    for name in ("run", "saved"):
        for load in (specnet.load_model, specnet.load_run):
            load(tmp_path / name).save(tmp_path / "again")
            assert (tmp_path / "again").read_bytes() == (tmp_path / "saved").read_bytes()


def test_a_resumed_run_s_model_is_saved_as_its_export(tmp_path):
    specnet.run(dense(epochs=3), out=tmp_path / "run", stop=lambda: True)
    result = specnet.run(dense(epochs=3), resume=tmp_path / "run")
    for number in range(2):  # continued, and finished already
        result.model.save(tmp_path / f"saved {number}")
        WRITERS["specnet"](tmp_path / "exported", Exported.of(tmp_path / "run"))
        assert (tmp_path / f"saved {number}").read_bytes() == (tmp_path / "exported").read_bytes()
        result = specnet.run(dense(epochs=3), resume=tmp_path / "run")


def test_an_export_of_a_file_repeats_it(model, tmp_path):
    model.save(tmp_path / "a.specnet")
    WRITERS["specnet"](tmp_path / "b.specnet", Exported.of(tmp_path / "a.specnet"))
    assert (tmp_path / "b.specnet").read_bytes() == (tmp_path / "a.specnet").read_bytes()


def test_a_model_that_could_not_be_loaded_is_not_saved(tmp_path):
    model = specnet.compile(dense())
    model.save(tmp_path / "model")
    before = (tmp_path / "model").read_bytes()
    model.parameters["dense_2.bias"][1] = np.inf
    with pytest.raises(specnet.RunError, match=r"`dense_2\.bias` holds NaN or infinite numbers"):
        model.save(tmp_path / "model")
    assert (tmp_path / "model").read_bytes() == before


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("none/model", "none/model cannot be written: No such file or directory"),
        (".", "this is not a file's name"),
        ("x" * 300, "File name too long"),
        ("a\0b", "this is not a file's name"),
        ("", "this is not a file's name"),
    ],
)
def test_paths_that_cannot_be_written_are_refused(model, tmp_path, monkeypatch, path, says):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(specnet.RunError, match=says):
        model.save(path if path in ("", ".") else f"{tmp_path}/{path}")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("path", ["none/model", "x" * 300, "a\0b"])
def test_paths_that_cannot_be_read_are_refused(tmp_path, path):
    for load in (specnet.load_model, specnet.load_run):
        with pytest.raises(specnet.RunError, match=r"no such file or directory|File name too long"):
            load(tmp_path / path)


FULL = """
import resource, sys
import specnet

model = specnet.load_model(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))  # the system refuses to write more, as on a full disk
try:
    model.save(sys.argv[1])
except specnet.RunError as error:
    print(error)
"""


def test_a_full_disk_leaves_the_earlier_file(model, tmp_path):
    path = tmp_path / "model.specnet"
    model.save(path)
    before = path.read_bytes()
    done = subprocess.run([sys.executable, "-c", FULL, path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{path} cannot be written: File too large\n"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_damage_is_found(model, tmp_path):
    path = tmp_path / "model.specnet"
    model.save(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    for use in (specnet.load_model, specnet.load_run, lambda file: specnet.evaluate(file, (VECTORS, NAMES))):
        with pytest.raises(specnet.RunError, match=r"model\.specnet is damaged"):
            use(path)


def test_evaluate_takes_a_saved_model(model, tmp_path):
    model.save(tmp_path / "model.specnet")
    assert specnet.evaluate(tmp_path / "model.specnet", (VECTORS, NAMES)) == model.evaluate(VECTORS, NAMES)
    with pytest.raises(specnet.RunError, match="does not record its training data"):
        specnet.evaluate(tmp_path / "model.specnet")


def test_trace_takes_a_document():
    given = specnet.trace(DOCUMENT, data=(VECTORS, NAMES), row=2)
    loaded = specnet.trace(specnet.load(DOCUMENT), data=(VECTORS, NAMES), row=2)
    assert repr(given) == repr(loaded)


def test_its_html_lists_the_layers_that_outputs_of_takes(model):
    page = model._repr_html_()
    assert all(layer.name in page for layer in model.network.layers)
    assert repr(model) == f"<Model spec: {len(model.network.layers)} layers, {model.network.size} parameters>"


def test_the_interface_has_no_other_names():
    public = {name for name in vars(specnet.Model) if not name.startswith("_")}
    assert public == {
        "classes",
        "columns",
        "evaluate",
        "generate",
        "loss_and_gradients",
        "outputs_of",
        "parameters",
        "predict",
        "predict_intervals",
        "predict_sets",
        "spread",
        "forecast",
        "backtest",
        "save",
        "spec",
        "thresholds",
    }
    assert isinstance(specnet.compile(dense()), specnet.Model)
    with pytest.raises(TypeError, match="abstract"):
        specnet.Model()
