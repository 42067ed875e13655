"""Sample weights: loss, gradient and metrics against PyTorch and scikit-learn, and against repeated rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

import specnet

RNG = np.random.default_rng(3)
N = 60
X = RNG.normal(size=(N, 4))
CLASS = RNG.integers(0, 3, N)
NUMBER = X @ [1.0, -1.0, 0.5, 0.0] + RNG.normal(size=N)
W = RNG.integers(0, 4, N).astype(float)


def document(loss: Any, units: int, **more: Any) -> dict[str, Any]:
    return {
        "specnet": 1,
        "dtype": "float64",
        "data": {"type": "arrays"},
        "layers": [{"type": "dense", "units": 5, "activation": "tanh"}, {"type": "dense", "units": units}],
        "loss": loss,
        "training": {"epochs": 5, "batch_size": "full", "optimizer": {"type": "sgd", "learning_rate": 0.1}},
        **more,
    }


def repeated(array: Any) -> Any:
    """Return an array in which a row of weight k is there k times, and one of weight 0 is not."""
    return np.repeat(array, W.astype(int), axis=0)


LOSSES = {
    "mse": ("mse", 1, NUMBER),
    "huber": ("huber", 1, NUMBER),
    "two numbers": ("mae", 2, np.stack([NUMBER, -NUMBER], axis=1)),
    "cross_entropy": ({"type": "cross_entropy", "label_smoothing": 0.1}, 3, CLASS),
    "class weights": ({"type": "cross_entropy", "class_weights": [1.0, 2.0, 3.0]}, 3, CLASS),
    "focal": ("focal", 3, CLASS),
    "dice": ("dice", 3, CLASS),
    "binary": ("binary_cross_entropy", 1, CLASS > 1),
    "hinge": ("hinge", 1, CLASS > 1),
    "poisson": ("poisson", 1, CLASS),
    "gaussian": ("gaussian_nll", 2, NUMBER),
    "cosine": ("cosine_similarity", 2, np.stack([NUMBER, -NUMBER], axis=1)),
    "a sum": ({"type": "mse", "reduction": "sum", "scale": 0.01}, 1, NUMBER),
}


@pytest.mark.parametrize(("loss", "units", "y"), LOSSES.values(), ids=LOSSES)
def test_a_row_of_weight_k_counts_as_k_rows(loss, units, y):
    spec = document(loss, units)
    a, b = specnet.run(spec, data=(X, y, W)), specnet.run(spec, data=(repeated(X), repeated(y)))
    for name, expected in b.parameters.items():
        np.testing.assert_allclose(a.parameters[name], expected, 1e-9, 1e-12)
    assert a.splits["train"] == pytest.approx(dict(b.splits["train"]), rel=1e-9)
    np.testing.assert_allclose(a.history.loss, b.history.loss, 1e-9)
    evaluated = a.model.evaluate(X, y, weights=W).splits["data"]
    assert evaluated == pytest.approx(dict(b.splits["train"]), rel=1e-9)


@pytest.mark.parametrize(("loss", "units", "y"), [LOSSES[name] for name in LOSSES if name != "a sum"])
def test_a_factor_of_all_weights_changes_nothing(loss, units, y):
    spec = document(loss, units)
    a, b = (specnet.run(spec, data=(X, y, w)) for w in (W, 1024.0 * W))
    for name, expected in b.parameters.items():
        np.testing.assert_array_equal(a.parameters[name], expected)


def test_the_mean_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    model = specnet.run(document("cross_entropy", 3), data=(X, CLASS, W)).model
    loss, gradients = model.loss_and_gradients(X, CLASS, weights=W)
    p = {n.replace(".", "_"): torch.tensor(a, requires_grad=True) for n, a in model.parameters.items()}
    hidden = torch.tanh(torch.tensor(X) @ p["dense_1_kernel"] + p["dense_1_bias"])
    scores = hidden @ p["dense_2_kernel"] + p["dense_2_bias"]
    costs = torch.nn.functional.cross_entropy(scores, torch.tensor(CLASS), reduction="none")
    expected = (costs * torch.tensor(W)).sum() / W.sum()
    expected.backward()
    assert loss == pytest.approx(float(expected.detach()))
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, p[name.replace(".", "_")].grad, 1e-9, 1e-12)


def test_batches_add_up_to_the_epoch():
    torch = pytest.importorskip("torch")
    """A batch's loss is sum w l over its rows and the mean weight of the split: Keras's, for weights of mean 1."""
    spec = document(
        "mse",
        1,
        training={
            "epochs": 1,
            "batch_size": 16,
            "shuffle": False,
            "optimizer": {"type": "sgd", "learning_rate": 0.1},
        },
    )
    model = next(iter(specnet.train(spec, data=(X, NUMBER, W)))).model
    parameters = {name: array.copy() for name, array in model.parameters.items()}
    result = specnet.run(spec, data=(X, NUMBER, W))
    p = {n: torch.tensor(a, requires_grad=True) for n, a in parameters.items()}
    optimizer = torch.optim.SGD(p.values(), 0.1)
    seen = 0.0
    for rows in np.split(np.arange(N), [16, 32, 48]):
        hidden = torch.tanh(torch.tensor(X[rows]) @ p["dense_1.kernel"] + p["dense_1.bias"])
        y = (hidden @ p["dense_2.kernel"] + p["dense_2.bias"])[:, 0]
        loss = (torch.tensor(W[rows] / W.mean()) * (y - torch.tensor(NUMBER[rows])) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen += float(loss.detach()) * len(rows) / N
    for name, expected in p.items():
        np.testing.assert_allclose(result.parameters[name], expected.detach(), 1e-9, 1e-12)
    assert result.history.loss[0] == pytest.approx(seen)


def test_metrics_of_classes_are_those_of_scikit_learn():
    names = [
        "accuracy",
        "precision",
        "recall",
        "f1",
        "auc",
        "confusion",
        {"type": "top_k", "k": 2},
        {"type": "f1", "average": "micro"},
    ]
    spec = document("cross_entropy", 3, metrics=names)
    result = specnet.run(spec, data=(X, CLASS, W))
    found, p = result.splits["train"], result.model.predict(X)
    read, given = p.argmax(axis=1), {"sample_weight": W}
    macro = {**given, "average": "macro", "zero_division": 0.0}
    assert found.pop("confusion") == sk.confusion_matrix(CLASS, read, **given).tolist()
    assert found == pytest.approx(
        {
            "loss": sk.log_loss(CLASS, p, **given),
            "accuracy": sk.accuracy_score(CLASS, read, **given),
            "precision": sk.precision_score(CLASS, read, **macro),
            "recall": sk.recall_score(CLASS, read, **macro),
            "f1": sk.f1_score(CLASS, read, **macro),
            "f1_micro": sk.f1_score(CLASS, read, average="micro", **given),
            "auc": np.mean([sk.roc_auc_score(k == CLASS, p[:, k], **given) for k in range(3)]),
            "top_2": sk.top_k_accuracy_score(CLASS, p, k=2, **given),
        }
    )


def test_metrics_of_numbers_are_those_of_scikit_learn():
    y = np.stack([NUMBER, -2.0 * NUMBER + 1.0], axis=1)
    spec = document(
        "mse",
        2,
        metrics=["mse", "rmse", "mae", "r2", "cosine_similarity"],
        data={"type": "arrays", "transforms": [{"type": "standardize", "on": "targets"}]},
    )
    result = specnet.run(spec, data=(X, y, W))
    found, p, given = result.splits["train"], result.model.predict(X), {"sample_weight": W}
    cosine = (p * y).sum(1) / np.linalg.norm(p, axis=1) / np.linalg.norm(y, axis=1)
    found.pop("loss")
    assert found == pytest.approx(
        {
            "mse": sk.mean_squared_error(y, p, **given),
            "rmse": sk.root_mean_squared_error(y, p, **given),
            "mae": sk.mean_absolute_error(y, p, **given),
            "r2": sk.r2_score(y, p, **given),
            "cosine_similarity": np.average(cosine, weights=W),
        }
    )


def test_labels_and_pixels():
    labels = RNG.integers(0, 2, (N, 3))
    spec = document("binary_cross_entropy", 3, metrics=["accuracy", "f1", "auc"])
    result = specnet.run(spec, data=(X, labels, W))
    found, p, given = result.splits["train"], result.model.predict(X), {"sample_weight": W}
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(labels, p >= 0.5, **given))
    assert found["f1"] == pytest.approx(
        sk.f1_score(labels, p >= 0.5, average="macro", zero_division=0.0, **given)
    )
    assert found["auc"] == pytest.approx(sk.roc_auc_score(labels, p, **given))
    pixels, masks = RNG.normal(size=(N, 3, 2, 4)), RNG.integers(0, 3, (N, 3, 2))
    spec = document(
        "cross_entropy", 3, metrics=["accuracy", "f1", "auc", "confusion", {"type": "top_k", "k": 2}]
    )
    a = specnet.run(spec, data=(pixels, masks, W)).splits["train"]
    b = specnet.run(spec, data=(repeated(pixels), repeated(masks))).splits["train"]
    assert a.pop("confusion") == b.pop("confusion")
    assert a == pytest.approx(dict(b))
