"""What a trace shows is what the run computes: parameters, outputs, gradients, shares and updates."""

from __future__ import annotations

import re

import numpy as np
import pytest

import specnet
from specnet.training.events import EpochEnded, StepsDone
from tests.support.exports import SMALL, SPECS


def spec(document, **changes):
    return specnet.load(SPECS / document, overrides=changes)


def after_steps(document, steps, **changes):
    """Return the parameters of a run's training after some steps."""
    document = spec(document, **changes)
    batches = iter(range(1, steps * document.training.accumulate + 1))
    events = specnet.train(document, stop=lambda: next(batches) == steps * document.training.accumulate)
    started = next(events)
    for event in events:
        if isinstance(event, EpochEnded | StepsDone) and event.step == steps:
            return {name: array.copy() for name, array in started.model.parameters.items()}
    raise AssertionError


def close(a, b, dtype):
    within = 1e-5 if dtype == "float32" else 1e-11
    np.testing.assert_allclose(a, b, rtol=within, atol=within)


@pytest.mark.parametrize("name", [*SMALL, "two-heads.toml", "denoising-autoencoder.toml"])
@pytest.mark.parametrize("steps", [1, 3])
def test_parameters_are_the_run_s_to_the_bit(name, steps):
    found = specnet.trace(spec(name), steps=steps)
    assert [step.step for step in found.steps] == list(range(1, steps + 1))
    expected = after_steps(name, steps)
    for each in found.steps[-1].parameters:
        assert each.after.tobytes() == expected[each.name].tobytes()
    for before, now in zip(found.steps, found.steps[1:], strict=False):
        for earlier, later in zip(before.parameters, now.parameters, strict=True):
            assert earlier.after.tobytes() == later.before.tobytes()


def test_inputs_are_the_row_s_own_with_either_engine(monkeypatch):
    """Compiled steps fetch their rows themselves, and what is observed is read before."""
    pytest.importorskip("numba")
    found = []
    for engine in ("numpy", "numba"):
        monkeypatch.setenv("SPECNET_ENGINE", engine)
        found.append(specnet.trace(spec("iris.toml"), row=7, steps=9).steps)
    for a, b in zip(*found, strict=True):
        assert (a.rows, a.comes) == (b.rows, b.comes)
        assert [(name, array.tolist()) for name, array in a.inputs.items()] == [
            (name, array.tolist()) for name, array in b.inputs.items()
        ]
        np.testing.assert_allclose(a.loss, b.loss, rtol=1e-4)
    assert any(step.inputs for step in found[0])


def test_a_document_may_be_given_by_its_path():
    found, expected = (specnet.trace(given) for given in (SPECS / "mlp.toml", spec("mlp.toml")))
    assert [step.loss for step in found.steps] == [step.loss for step in expected.steps]


@pytest.mark.parametrize("name", SMALL)
def test_outputs_and_gradients_are_the_model_s(name):
    document = spec(name)
    found = specnet.trace(document)
    (step,) = found.steps
    model = specnet.compile(document)
    from specnet.runs.compiling import compile_spec

    _, data = compile_spec(document)
    train = data.splits["train"]
    rows = np.array(step.rows)
    inputs, targets = np.asarray(train.inputs)[rows], np.asarray(train.targets)[rows]
    _, gradients = model.loss_and_gradients(inputs, targets, training=True)
    for each in step.parameters:
        close(each.gradient, gradients[each.name], document.dtype)
    if any(layer.type == "dropout" for layer in document.layers):
        return
    place = step.rows.index(found.row)
    layers = [name for name in step.outputs if "." not in name]
    lines = [line.value for layer in step.forward for line in layer.lines if line.name == "prediction"]
    close((lines or [step.outputs[layers[-1]]])[0], np.asarray(model.forward(inputs))[place], document.dtype)


@pytest.mark.parametrize("name", [*SMALL, "two-heads.toml"])
def test_shares_of_all_rows_are_the_gradient(name):
    """The shares of the rows of a batch add up to its loss and its gradient."""
    first = specnet.trace(spec(name)).steps[0]
    some = first.rows[:40]
    if len(some) < len(first.rows):
        pytest.skip("a large batch: one trace for each row takes too long")
    traces = [specnet.trace(spec(name), row=row).steps[0] for row in some]
    np.testing.assert_allclose(sum(step.share for step in traces), first.loss, rtol=1e-5)
    for number, each in enumerate(first.parameters):
        total = sum(step.parameters[number].share for step in traces)
        np.testing.assert_allclose(total, each.gradient, rtol=1e-3, atol=1e-6)


def test_mlp_is_what_pytorch_computes():
    torch = pytest.importorskip("torch")
    document = spec("mlp.toml")
    found = specnet.trace(document, row=2, steps=3)
    model = specnet.compile(document)
    parameters = {
        name: torch.tensor(array.copy(), requires_grad=True) for name, array in model.parameters.items()
    }
    x, y = (torch.tensor(np.array(getattr(document.data, key), float)) for key in ("inputs", "targets"))
    y = y.reshape(-1, 1)
    for step in found.steps:
        values = {}
        values["z"] = x @ parameters["dense_1.kernel"] + parameters["dense_1.bias"]
        values["a"] = torch.sigmoid(values["z"])
        values["z2"] = values["a"] @ parameters["dense_2.kernel"] + parameters["dense_2.bias"]
        values["a2"] = torch.sigmoid(values["z2"])
        for value in values.values():
            value.retain_grad()
        loss = 0.5 * ((values["a2"] - y) ** 2).sum()
        loss.backward()
        assert step.loss == pytest.approx(loss.item(), rel=1e-14)
        assert step.share == pytest.approx(0.5 * (values["a2"][2] - y[2]).item() ** 2, rel=1e-14)
        shown = {(layer.name, line.name): line.value for layer in step.forward for line in layer.lines}
        shown |= {(layer.name, line.name): line.value for layer in step.backward for line in layer.lines}
        for key, place in (("z", "dense_1"), ("a", "dense_1"), ("z2", "dense_2"), ("a2", "dense_2")):
            np.testing.assert_allclose(shown[place, key[0]], values[key][2].detach(), rtol=1e-13)
            if (place, f"∂loss/∂{key[0]}") in shown:
                np.testing.assert_allclose(shown[place, f"∂loss/∂{key[0]}"], values[key].grad[2], rtol=1e-12)
        with torch.no_grad():
            for each in step.parameters:
                own = parameters[each.name]
                np.testing.assert_allclose(each.gradient, own.grad, rtol=1e-12)
                own -= 0.05 * own.grad
                own.grad = None
                np.testing.assert_allclose(each.after, own, rtol=1e-13)


def computed(text):
    """Return what a line of numbers comes to."""
    text = text.replace("²", "**2").replace("·", "*").replace("^", "**").replace("Σ", "sum")
    scope = {
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        "exp": np.exp,
        "sqrt": np.sqrt,
        "max": max,
        "tanh": np.tanh,
    }
    return eval(text, scope)


@pytest.mark.parametrize("name", ["mlp.toml", "perceptron.toml", "iris.toml", "xor.json", "moons.toml"])
def test_lines_of_numbers_come_to_what_they_say(name):
    tried = 0
    for step in specnet.trace(spec(name), steps=2).steps:
        lines = [
            text for layer in (*step.forward, *step.backward) for line in layer.lines for text in line.written
        ]
        lines += [text for each in step.parameters for text in each.written]
        for line in lines:
            text, result = re.fullmatch(r".*? [=←] (.*) = (\S+)", line).groups()
            if "..." in text or "softmax" in text or "softplus" in text:
                continue
            tried += 1
            # All numbers are rounded to four digits.
            scale = max(abs(float(number)) for number in re.findall(r"\d[\d.]*(?:e[-+]?\d+)?", text))
            assert computed(text) == pytest.approx(float(result), rel=5e-3, abs=5e-3 * min(scale, 1)), line
    assert tried > 10


def test_slots_are_those_of_the_textbook():
    """Adam's m and v after one step are (1 - beta_1) g and (1 - beta_2) g^2."""
    (step,) = specnet.trace(spec("iris.toml", dtype="float64")).steps
    for each in step.parameters:
        np.testing.assert_allclose(each.slots["m"], 0.1 * each.gradient, rtol=1e-12)
        np.testing.assert_allclose(each.slots["v"], 0.001 * each.gradient**2, rtol=1e-9)
    first, second = specnet.trace(spec("iris.toml", dtype="float64"), steps=2).steps
    for before, now in zip(first.parameters, second.parameters, strict=True):
        np.testing.assert_allclose(now.slots["m"], 0.9 * before.slots["m"] + 0.1 * now.gradient, rtol=1e-9)


OPTIMIZERS = ["sgd", "adam", "adamw", "nadam", "rmsprop", "adagrad", "adadelta", "lion"]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_has_its_update(optimizer):
    changes = {"training.optimizer": optimizer, "dtype": "float64"}
    found = specnet.trace(spec("iris.toml", **changes), steps=2)
    assert found.steps[-1].update[-1][0] == "p ←"
    expected = after_steps("iris.toml", 2, **changes)
    for each in found.steps[-1].parameters:
        assert each.after.tobytes() == expected[each.name].tobytes()
        if each.written:
            of_first = next(line for line in each.written if line.startswith("p["))
            assert float(of_first.rpartition(" = ")[2]) == pytest.approx(
                each.after.reshape(-1)[np.flatnonzero(each.gradient)[0]], rel=1e-3, abs=1e-6
            )


def test_a_search_is_shown_with_its_gradient():
    changes = {"training.optimizer": "lbfgs", "training.batch_size": "full", "dtype": "float64"}
    found = specnet.trace(spec("iris.toml", **changes), steps=2)
    expected = after_steps("iris.toml", 2, **changes)
    for each in found.steps[-1].parameters:
        assert each.after.tobytes() == expected[each.name].tobytes()
    assert found.steps[0].update[0][0].startswith("p <- p - t * H·g")


def test_batches_that_share_a_step_are_shown_each():
    changes = {"training.accumulate": 4, "dtype": "float64"}
    found = specnet.trace(spec("iris.toml", **changes))
    assert [step.step for step in found.steps] == [1, 1, 1, 1]
    assert [bool(step.update) for step in found.steps] == [False, False, False, True]
    expected = after_steps("iris.toml", 1, **changes)
    for each in found.steps[-1].parameters:
        assert each.after.tobytes() == expected[each.name].tobytes()
    mean = sum(step.parameters[0].gradient for step in found.steps) / 4
    close(found.steps[-1].parameters[0].slots["m"], 0.1 * mean, "float64")


@pytest.mark.parametrize(
    "changes",
    [
        {"layers.0.kernel_regularizer": {"type": "l2", "factor": 0.1}},
        {"training.schedule": {"type": "cosine", "warmup_steps": 4}},
        {"training.clip_norm": 0.1, "training.ema_decay": 0.9},
        {"layers.0.learning_rate_multiplier": 0.1},
        {"training.groups": [{"match": "dense_1.kernel", "weight_decay": 0.1}]},
        {"layers.0.trainable": False},
        {"loss": {"type": "cross_entropy", "reduction": "sum", "label_smoothing": 0.1}},
        {"data.augmentations": [{"type": "mixup"}]},
        {"layers.0": {"type": "dense", "units": 8, "activation": "gelu"}, "loss": "kl_divergence"},
        {"training.schedule": {"type": "plateau", "patience": 0}, "training.batch_size": "full"},
    ],
    ids=str,
)
def test_settings_of_a_training_are_the_run_s(changes):
    try:
        document = spec("iris.toml", **changes)
    except specnet.SpecError as error:
        pytest.skip(str(error))
    found = specnet.trace(document, steps=8)
    expected = after_steps("iris.toml", 8, **changes)
    for each in found.steps[-1].parameters:
        assert each.after.tobytes() == expected[each.name].tobytes()
    if "training.schedule" in changes and "warmup_steps" in changes["training.schedule"]:
        assert found.steps[0].learning_rate != found.steps[3].learning_rate


def test_dropout_drops_what_the_run_drops():
    """What is shown of the loss is computed apart from the run, with the same random numbers."""
    document = spec("two-heads.toml", **{"training.batch_size": "full"})
    for step in specnet.trace(document, steps=3).steps:
        shown = [line for layer in step.forward for line in layer.lines if line.name == "loss"]
        assert float(shown[0].value) == pytest.approx(step.loss, rel=1e-6)
        mask = next(line for layer in step.forward for line in layer.lines if line.name == "mask")
        assert set(np.unique(mask.value)) == {0.0, 1.25}


LAYERS = {
    "batch_norm": [{"type": "dense", "units": 6}, {"type": "batch_norm"}],
    "containers": [
        {"type": "residual", "layers": [{"type": "dense", "units": 4, "activation": "tanh"}]},
        {
            "type": "parallel",
            "layers": [
                {"type": "dense", "units": 3},
                {"type": "sequential", "layers": [{"type": "dense", "units": 3}]},
            ],
        },
        {"type": "sequential", "repeat": 2, "layers": [{"type": "dense", "units": 5, "activation": "relu"}]},
    ],
    "unchanged": [{"type": "dropout", "rate": 0.0}, {"type": "activation", "activation": "linear"}],
    "norm": [{"type": "layer_norm"}, {"type": "prelu"}],
}


@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS)
def test_every_layer_is_shown_by_its_name(layers):
    changes = {"layers": [*layers, {"type": "dense", "units": 3}], "dtype": "float64"}
    found = specnet.trace(spec("iris.toml", **changes))
    (step,) = found.steps
    network = specnet.compile(spec("iris.toml", **changes)).network
    names = {info.name for info in network.layers}
    assert names <= {layer.name for layer in step.forward}
    assert names == step.outputs.keys()
    for info in network.layers:
        assert step.outputs[info.name].shape == info.output[1:]


def test_a_row_that_comes_later_is_waited_for():
    found = specnet.trace(spec("iris.toml"), row=0, steps=6)
    there = [step for step in found.steps if 0 in step.rows]
    assert len(there) == 1
    assert {step.comes for step in found.steps} == {there[0].step}
    assert sorted(row for step in found.steps for row in step.rows) == list(range(90))
    for step in found.steps:
        assert bool(step.forward) == bool(step.inputs) == (step in there)
        assert (step.share is not None) == (step in there)


def test_a_training_that_ends_says_why():
    found = specnet.trace(spec("perceptron.toml", **{"training.epochs": 2}), steps=9)
    assert len(found.steps) == 2
    assert found.ended == "all 2 epochs are done"


@pytest.mark.parametrize("row", [-1, 8])
def test_rows_that_there_are_not(row):
    with pytest.raises(ValueError, match="the training split has 8 rows"):
        specnet.trace(spec("mlp.toml"), row=row)
