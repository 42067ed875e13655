"""Sequences of different lengths: steps that are padding have no influence."""

from __future__ import annotations

import numpy as np
import pytest

import specnet

TOKENS, STEPS, CLASSES = 9, 7, 3
LENGTHS = (7, 3, 1, 5, 2, 6)


def data(rng):
    x = rng.integers(1, TOKENS, (len(LENGTHS), STEPS))
    for row, length in enumerate(LENGTHS):
        x[row, length:] = 0
    return x, rng.integers(0, CLASSES, (len(LENGTHS), STEPS))


def document(*layers, loss="cross_entropy", **keys):
    embedding = {"type": "embedding", "input_dim": TOKENS, "output_dim": 6, "padding_index": 0}
    return {
        "specnet": 1,
        "dtype": "float64",
        "data": {"type": "arrays"},
        "layers": [embedding, *layers],
        "loss": loss,
        "training": {"epochs": 2, "batch_size": 4, "optimizer": "adam"},
        **keys,
    }


EACH = {
    "dense": [{"type": "dense", "units": 4, "activation": "tanh"}],
    "lstm": [{"type": "lstm", "units": 4, "return_sequences": True}],
    "gru": [{"type": "gru", "units": 4, "return_sequences": True, "reverse": True}],
    "bidirectional": [
        {"type": "bidirectional", "layers": [{"type": "simple_rnn", "units": 4, "return_sequences": True}]}
    ],
    "attention": [{"type": "attention", "heads": 2}],
    "causal": [
        {"type": "positional_embedding"},
        {"type": "attention", "heads": 2, "causal": True, "positions": "alibi"},
    ],
    "transformer": [{"type": "transformer_block", "heads": 2}, {"type": "layer_norm"}],
    "conv1d": [{"type": "conv1d", "filters": 4, "kernel_size": 3, "padding": "same"}],
    "residual": [
        {
            "type": "residual",
            "layers": [{"type": "conv1d", "filters": 6, "kernel_size": 3, "padding": "same"}],
        }
    ],
    "parallel": [
        {
            "type": "parallel",
            "layers": [{"type": "dense", "units": 2}, {"type": "gru", "units": 2, "return_sequences": True}],
        }
    ],
}
WHOLE = {
    "lstm": [{"type": "lstm", "units": 4}],
    "reversed": [{"type": "gru", "units": 4, "reverse": True}],
    "bidirectional": [{"type": "bidirectional", "layers": [{"type": "lstm", "units": 4}]}],
    "mean": [{"type": "global_average_pooling1d"}],
    "maximum": [{"type": "global_max_pooling1d"}],
    "last": [{"type": "attention", "heads": 1}, {"type": "last_step"}],
    "flat": [{"type": "dense", "units": 2}, {"type": "flatten"}],
    "decoder": [
        {"type": "dense", "units": 6, "name": "seen"},
        {"type": "transformer_block", "heads": 2, "inputs": ["seen", "embedding_1"]},
        {"type": "last_step"},
    ],
}
OUT = {"type": "dense", "units": CLASSES}


def trained(x, y, *layers, **keys):
    return specnet.run(document(*layers, OUT, **keys), data=(x, y)).model


@pytest.mark.parametrize("name", EACH)
def test_the_loss_is_the_mean_over_the_steps_that_exist(name):
    x, y = data(np.random.default_rng(1))
    result = specnet.run(document(*EACH[name], OUT), data=(x, y))
    there = x > 0
    chosen = np.take_along_axis(result.model.predict(x), y[..., None], axis=2)[..., 0]
    loss, _ = result.model.loss_and_gradients(x, y)
    assert loss == pytest.approx(-np.log(chosen[there]).mean(), rel=1e-12)
    assert result.splits["train"]["loss"] == pytest.approx(loss, rel=1e-12)
    right = result.model.predict(x).argmax(axis=2) == y
    assert result.splits["train"]["accuracy"] == pytest.approx(right[there].mean(), rel=1e-12)


@pytest.mark.parametrize("name", [*EACH, *(f"whole {name}" for name in WHOLE)])
def test_padding_has_no_influence(name):
    x, y = data(np.random.default_rng(2))
    whole = name.startswith("whole ")
    targets = y[:, 0] if whole else y
    model = trained(x, targets, *(WHOLE[name.removeprefix("whole ")] if whole else EACH[name]))
    there = np.ones(len(x), bool) if whole else x > 0
    before, (loss, gradients) = model.predict(x), model.loss_and_gradients(x, targets)
    gradients = {name: gradient.copy() for name, gradient in gradients.items()}
    model.parameters["embedding_1.embeddings"][0] = 100.0  # what padding looks like
    others = targets if whole else np.where(there, y, (y + 1) % CLASSES)
    after, (same, again) = model.predict(x), model.loss_and_gradients(x, others)
    assert np.array_equal(before[there], after[there])
    assert loss == same
    for parameter, gradient in gradients.items():
        assert np.array_equal(gradient, again[parameter]), parameter
    assert not gradients["embedding_1.embeddings"][0].any()


@pytest.mark.parametrize("name", WHOLE)
def test_a_row_is_what_it_is_without_padding(name):
    if name == "flat":
        pytest.skip("its size depends on the number of steps")
    x, y = data(np.random.default_rng(3))
    model = trained(x, y[:, 0], *WHOLE[name])
    short = document(*WHOLE[name], OUT)
    for row, length in zip(x, LENGTHS, strict=True):
        alone = specnet.compile(specnet.load(short), data=(row[None, :length], y[:1, 0]))
        for parameter, value in model.parameters.items():
            alone.parameters[parameter][...] = value
        np.testing.assert_allclose(model.predict(row[None]), alone.predict(row[None, :length]), rtol=1e-10)


@pytest.mark.parametrize("batch", [2, 4])
def test_batches_of_an_evaluation_are_added_up_by_steps(batch):
    x, y = data(np.random.default_rng(4))
    document_ = document(
        OUT, metrics=["accuracy", {"type": "top_k", "k": 2}, "confusion", {"type": "f1", "average": "macro"}]
    )
    document_["training"]["batch_size"] = batch
    result = specnet.run(document_, data=(x, y))
    there, figures = x > 0, result.splits["train"]
    p = result.model.predict(x)[there]
    sklearn = pytest.importorskip("sklearn.metrics")
    assert figures["loss"] == pytest.approx(sklearn.log_loss(y[there], p, labels=range(CLASSES)), rel=1e-9)
    assert figures["accuracy"] == pytest.approx(sklearn.accuracy_score(y[there], p.argmax(1)))
    assert (
        figures["confusion"]
        == sklearn.confusion_matrix(y[there], p.argmax(1), labels=range(CLASSES)).tolist()
    )


def test_regression_with_weights_and_metrics_that_are_kept():
    rng = np.random.default_rng(5)
    x, _ = data(rng)
    y = rng.normal(size=(*x.shape, 2))
    weights = rng.uniform(0.5, 2.0, len(x))
    asked = document({"type": "dense", "units": 2}, loss="mse", metrics=["mse", "r2", "mae"])
    asked["data"] = {"type": "npz", "path": "x.npz", "weight": "weights"}
    figures = specnet.run(asked | {"data": {"type": "arrays"}}, data=(x, y, weights)).splits["train"]
    model = specnet.run(asked | {"data": {"type": "arrays"}}, data=(x, y, weights)).model
    there = x > 0
    each = np.broadcast_to(weights[:, None], x.shape)[there]
    error = ((model.predict(x) - y) ** 2)[there]
    assert figures["mse"] == pytest.approx(np.average(error.mean(axis=1), weights=each), rel=1e-9)
    assert figures["loss"] == pytest.approx(figures["mse"], rel=1e-9)
    sklearn = pytest.importorskip("sklearn.metrics")
    wanted = sklearn.r2_score(y[there], model.predict(x)[there], sample_weight=each)
    assert figures["r2"] == pytest.approx(wanted, rel=1e-9)


def test_two_outputs_one_of_them_by_step():
    x, y = data(np.random.default_rng(6))
    layers = [
        {"type": "lstm", "units": 4, "return_sequences": True, "name": "states"},
        {"type": "dense", "units": CLASSES, "name": "steps"},
        {"type": "dense", "units": CLASSES, "name": "again", "inputs": ["states"]},
    ]
    outputs = {"steps": {"loss": "cross_entropy"}, "again": {"loss": "cross_entropy", "weight": 0.5}}
    asked = document(*layers, outputs=outputs)
    del asked["loss"]
    result = specnet.run(asked, data=(x, y))
    there, figures = x > 0, result.splits["train"]
    predicted = result.model.predict(x)
    costs = {
        name: -np.log(np.take_along_axis(p, y[..., None], axis=2)[..., 0])[there].mean()
        for name, p in predicted.items()
    }
    assert figures["steps.loss"] == pytest.approx(costs["steps"], rel=1e-9)
    assert figures["loss"] == pytest.approx(costs["steps"] + 0.5 * costs["again"], rel=1e-9)


def test_the_layer_masking_is_padding_index_of_features():
    rng = np.random.default_rng(7)
    x = rng.normal(size=(6, STEPS, 2))
    for row, length in enumerate(LENGTHS):
        x[row, length:] = -5.0
    y = rng.integers(0, CLASSES, 6)
    layers = [{"type": "masking", "mask_value": -5.0}, {"type": "gru", "units": 4}, OUT]
    asked = document() | {"layers": layers}
    model = specnet.run(asked, data=(x, y)).model
    for row, length in enumerate(LENGTHS):
        alone = specnet.compile(specnet.load(asked), data=(x[row : row + 1, :length], y[:1]))
        for parameter, value in model.parameters.items():
            alone.parameters[parameter][...] = value
        short = alone.predict(x[row : row + 1, :length])
        np.testing.assert_allclose(model.predict(x[row : row + 1]), short, rtol=1e-10)


@pytest.mark.parametrize(
    ("layer", "code"),
    [
        ({"type": "embedding", "input_dim": 3, "output_dim": 2, "padding_index": 3}, "SN208"),
        ({"type": "masking"}, "SN401"),
    ],
)
def test_faults(layer, code):
    report = specnet.validate(
        {**document(), "layers": [layer, OUT], "input_shape": [4], "data": {"type": "arrays"}}
    )
    assert code in [d.code for d in report.diagnostics]


@pytest.mark.parametrize("split", [None, {"validation": 0.25}])
def test_a_row_of_padding_alone_is_reported_with_its_number(split):
    x = np.random.default_rng(0).normal(size=(20, 5, 3))
    x[[7, 12]] = 0.0
    data = {"type": "arrays", **({"split": split} if split else {})}
    document = {
        "specnet": 1,
        "data": data,
        "loss": "mse",
        "layers": [{"type": "masking"}, {"type": "gru", "units": 2}, {"type": "dense", "units": 1}],
        "training": {"epochs": 1},
    }
    with pytest.raises(specnet.SpecError) as found:
        specnet.run(document, data=(x, np.zeros(20)))
    said = [(each.code, each.path, each.message) for each in found.value.diagnostics]
    assert {(code, path) for code, path, _ in said} == {("SN559", ("layers", 0))}
    numbers = {int(message.split()[1]) for *_, message in said}
    assert 8 in numbers
    assert numbers <= {8, 13}
    x[[7, 12], 0] = 1.0
    assert specnet.run(document, data=(x, np.zeros(20))).stopped == "completed"


def test_padding_indices_that_leave_nothing_are_reported():
    x = np.array([[1, 2, 0], [0, 0, 0]])
    document = {
        "specnet": 1,
        "data": "arrays",
        "loss": "mse",
        "layers": [
            {"type": "embedding", "input_dim": 3, "output_dim": 2, "padding_index": 0},
            {"type": "global_average_pooling1d"},
            {"type": "dense", "units": 1},
        ],
        "training": {"epochs": 1},
    }
    with pytest.raises(specnet.SpecError, match="row 2 of the train data is nothing but padding"):
        specnet.run(document, data=(x, np.zeros(2)))


@pytest.mark.parametrize("kind", ["average", "max"])
@pytest.mark.parametrize("sides", [1, 2, 3])
def test_pooling_of_no_steps_is_zero(kind, sides):
    layers = [{"type": "masking"}, {"type": f"global_{kind}_pooling{sides}d"}]
    if sides > 1:
        layers.insert(1, {"type": "reshape", "shape": [4, *[2] * (sides - 1), 2]})
    x = np.random.default_rng(0).normal(size=(3, 4, 2**sides))
    document = {"specnet": 1, "dtype": "float64", "data": "arrays", "loss": "mse", "layers": layers}
    document["layers"] = [*layers, {"type": "dense", "units": 1, "bias_init": "ones"}]
    model = specnet.compile(document, data=(x, np.zeros(3)))
    x[1] = 0.0
    predicted = np.asarray(model.predict(x))
    assert predicted[1] == 1.0
    assert np.isfinite(predicted).all()
    assert (predicted[[0, 2]] != 1.0).all()
