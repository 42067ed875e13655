"""Class indices in every shape and type in which arrays hold them: all give the same model, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import specnet

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 4))
Y = np.arange(30) % 3
PIXELS = RNG.normal(size=(12, 5, 4, 2))
MASKS = RNG.integers(0, 3, (12, 5, 4))

FORMS = {
    "a column": lambda y: y[:, None],
    "floats": lambda y: y.astype(np.float32),
    "a column of floats": lambda y: y[:, None].astype(np.float64),
    "small integers": lambda y: y.astype(np.uint8),
}


def document(loss: Any = "cross_entropy", units: int = 3, **data: Any) -> dict[str, Any]:
    return {
        "specnet": 1,
        "dtype": "float64",
        "data": {"type": "arrays", **data},
        "layers": [{"type": "dense", "units": units}],
        "loss": loss,
        "training": {"epochs": 3, "batch_size": 8},
    }


def trained(x: Any, y: Any, spec: dict[str, Any]) -> specnet.Result:
    return specnet.run(spec, data=(x, y))


def same(a: specnet.Result, b: specnet.Result) -> bool:
    alike = all(np.array_equal(a.parameters[name], b.parameters[name]) for name in b.parameters)
    return alike and a.splits == b.splits and a.fit == b.fit


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("loss", ["cross_entropy", "focal", "triplet", "mse"])
def test_indices_in_other_shapes_and_types(form, loss):
    spec = document(loss, 1 if loss == "mse" else 3, split={"validation": 0.3, "stratify": True})
    a, b = trained(X, form(Y), spec), trained(X, Y, spec)
    assert same(a, b)
    assert a.model.evaluate(X, form(Y)) == b.model.evaluate(X, Y)
    inputs = X[:5]
    own = a.model.loss_and_gradients(inputs, form(Y)[:5])
    np.testing.assert_equal(own, b.model.loss_and_gradients(inputs, Y[:5]))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("kind", ["npz", "npy", "inline"])
def test_indices_in_files(form, kind, tmp_path):
    def result(y: Any) -> specnet.Result:
        if kind == "npz":
            np.savez(tmp_path / "a.npz", inputs=X, targets=y)
            data: dict[str, Any] = {"path": str(tmp_path / "a.npz")}
        elif kind == "npy":
            np.save(tmp_path / "x.npy", X)
            np.save(tmp_path / "y.npy", y)
            data = {"inputs": str(tmp_path / "x.npy"), "targets": str(tmp_path / "y.npy")}
        else:
            data = {"inputs": X.tolist(), "targets": y.tolist()}
        return specnet.run({**document(), "data": {"type": kind, **data, "split": {"test": 0.2}}})

    assert same(result(form(Y)), result(Y))


def test_booleans_are_two_classes():
    yes = Y > 1
    for y in (yes, yes[:, None]):
        assert same(trained(X, y, document(units=2)), trained(X, yes.astype(int), document(units=2)))


def test_a_column_can_be_made_one_hot():
    spec = document(transforms=[{"type": "one_hot", "classes": 3, "on": "targets"}])
    a, b = trained(X, Y[:, None], spec), trained(X, Y, spec)
    assert same(a, b)
    assert a.model.evaluate(X, Y[:, None]) == b.model.evaluate(X, Y)


def test_fractions_are_no_classes():
    with pytest.raises(specnet.SpecError, match="takes a class index for each row"):
        trained(X, Y + 0.5, document())
    model = trained(X, Y, document()).model
    with pytest.raises(ValueError, match="the loss takes a class index per row"):
        model.loss_and_gradients(X, Y + 0.5)


def pixels(loss: Any = "cross_entropy", **data: Any) -> dict[str, Any]:
    return {**document(loss, **data), "metrics": ["accuracy", "f1", "confusion"]}


MASK_FORMS = {
    "integers": lambda y: y,
    "bytes": lambda y: y.astype(np.uint8),
    "floats": lambda y: y.astype(np.float32),
    "a channel": lambda y: y[..., None],
    "a channel of floats": lambda y: y[..., None].astype(np.float64),
}


@pytest.mark.parametrize("form", MASK_FORMS.values(), ids=MASK_FORMS)
@pytest.mark.parametrize("loss", ["cross_entropy", "focal", "dice", "kl_divergence"])
def test_masks_of_class_indices(form, loss):
    torch = pytest.importorskip("torch")
    """One-hot masks are what the losses took before; PyTorch takes indices."""
    spec = pixels(loss, split={"validation": 0.25})
    a, b = trained(PIXELS, form(MASKS), spec), trained(PIXELS, np.eye(3)[MASKS], spec)
    for name, expected in b.parameters.items():
        np.testing.assert_allclose(a.parameters[name], expected, 1e-9, 1e-12)
    for split, figures in b.splits.items():
        assert a.splits[split].pop("confusion") == figures.pop("confusion")
        assert a.splits[split] == pytest.approx(dict(figures), rel=1e-9)
    assert a.fit.verdict == b.fit.verdict  # its baseline is another: the same shares for every pixel
    evaluated = a.model.evaluate(PIXELS, form(MASKS)).splits["data"]
    if loss == "cross_entropy":
        scores = torch.tensor(np.log(a.model.predict(PIXELS))).permute(0, 3, 1, 2)
        expected = torch.nn.functional.cross_entropy(scores, torch.tensor(MASKS))
        assert evaluated["loss"] == pytest.approx(float(expected))
        assert a.model.loss_and_gradients(PIXELS, form(MASKS))[0] == pytest.approx(float(expected))


@pytest.mark.parametrize("form", MASK_FORMS.values(), ids=MASK_FORMS)
def test_masks_that_stay_in_their_file(form, tmp_path):
    np.savez(tmp_path / "a.npz", inputs=PIXELS, targets=form(MASKS))
    results = [
        specnet.run(
            {
                **pixels(),
                "data": {
                    "type": "npz",
                    "path": str(tmp_path / "a.npz"),
                    "load": load,
                    "split": {"test": 0.5},
                },
            }
        )
        for load in ("whole", "batches")
    ]
    assert same(*results)


def test_masks_may_be_mixed():
    spec = pixels(augmentations=[{"type": "mixup"}])
    a, b = trained(PIXELS, MASKS, spec), trained(PIXELS, np.eye(3)[MASKS], spec)
    np.testing.assert_allclose(a.parameters["dense_1.kernel"], b.parameters["dense_1.kernel"], 1e-9)


@pytest.mark.parametrize("load", ["whole", "batches"])
@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (0.5, "SN561", "hold 0.5 in row 2 of the data, where the model takes whole numbers"),
        (3.0, "SN413", "the last layer gives 3 values, and the data has a class index 3"),
        (-1.0, "SN413", "cross_entropy takes targets of at least 0"),
        (np.nan, "SN513", "hold nan in row 2"),
    ],
)
def test_masks_that_hold_no_class(change, code, message, load, tmp_path):
    masks = MASKS.astype(float)
    masks[1, 0, 0] = change
    np.savez(tmp_path / "a.npz", inputs=PIXELS, targets=masks)
    spec = {**pixels(), "data": {"type": "npz", "path": str(tmp_path / "a.npz"), "load": load}}
    (found,) = specnet.validate(spec).diagnostics
    assert found.code == code
    assert message in found.message
    with pytest.raises(specnet.SpecError) as caught:
        specnet.run(spec)
    assert [d.code for d in caught.value.diagnostics] == [code]
