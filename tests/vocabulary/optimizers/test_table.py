from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from specnet.graph.graph import Value
from specnet.graph.leaves import name_of
from specnet.graph.printing import text
from specnet.vocabulary.optimizers import OPTIMIZERS, Optimizer
from tests.support.optimizer_cases import (
    CASES,
    RUNS,
    STEPPING,
    fitted,
    gradients,
    graph_of,
    held,
    interpret,
    make,
    rates,
    start,
)


def lion(rate_of: list[float], beta_1: float, beta_2: float, weight_decay: float) -> Iterator[np.ndarray]:
    """Algorithm 2 of Chen et al. (2023), line by line."""
    theta, m = start(), np.zeros_like(start())
    for g, eta in zip(gradients(), rate_of, strict=True):
        c = beta_1 * m + (1 - beta_1) * g
        theta = theta - eta * (np.sign(c) + weight_decay * theta)
        m = beta_2 * m + (1 - beta_2) * g
        yield theta


TORCH = {
    "sgd": "SGD",
    "adam": "Adam",
    "adamw": "AdamW",
    "nadam": "NAdam",
    "rmsprop": "RMSprop",
    "adagrad": "Adagrad",
    "adadelta": "Adadelta",
}
RENAMED = {"epsilon": "eps", "learning_rate": "lr"}


def oracle(optimizer: Optimizer, rate_of: list[float]) -> Iterator[np.ndarray]:
    options = optimizer.model_dump(exclude={"type", "learning_rate", "weight_decay_exclude"})
    if optimizer.type == "lion":
        yield from lion(rate_of, **options)
        return
    torch = pytest.importorskip("torch")
    options = {RENAMED.get(key, key): value for key, value in options.items()}
    if "beta_1" in options:
        options["betas"] = (options.pop("beta_1"), options.pop("beta_2"))
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # NAdam keeps its product of momenta in the default type
    try:
        p = torch.nn.Parameter(torch.from_numpy(start()))
        theirs = getattr(torch.optim, TORCH[optimizer.type])([p], lr=1.0, foreach=False, **options)
        for g, lr in zip(gradients(), rate_of, strict=True):
            theirs.param_groups[0]["lr"] = lr
            p.grad = torch.from_numpy(g)
            theirs.step()
            yield p.detach().numpy().copy()
    finally:
        torch.set_default_dtype(before)


@pytest.mark.parametrize(("name", "options"), RUNS)
def test_steps_are_the_oracle_s(name: str, options: dict[str, Any]) -> None:
    optimizer = make(name, **options)
    rate_of = rates(0.05)
    for ours, theirs in zip(fitted(optimizer, rate_of), oracle(optimizer, rate_of), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-20)


@pytest.mark.parametrize(("name", "options"), RUNS)
def test_the_textbook_form_makes_the_same_steps(name: str, options: dict[str, Any]) -> None:
    """Both forms are compared with each other, slots included, and the textbook's with the oracle."""
    optimizer, rate_of = make(name, **options), rates(0.05)
    origins = graph_of(optimizer, start().size, textbook=True)[0].origins
    assert {origin for origin, _ in origins.values()} == graph_of(optimizer, 1)[0].slots.keys()
    forms = (held(optimizer, rate_of, textbook=form) for form in (True, False))
    for written, own, theirs in zip(*forms, oracle(optimizer, rate_of), strict=True):
        np.testing.assert_allclose(written["p"], theirs, rtol=1e-9, atol=1e-20)
        np.testing.assert_allclose(written["p"], own["p"], rtol=1e-9, atol=1e-20)
        for slot, (origin, scale) in origins.items():
            of_run = own[f"slot/{origin}"] * scale
            np.testing.assert_allclose(written[f"slot/{slot}"], of_run, rtol=1e-9, atol=1e-20, err_msg=slot)


def test_the_textbook_form_shows_every_number_by_its_name() -> None:
    _, graph = graph_of(make("adam"), 3, textbook=True)
    printed = text(graph)
    assert not {"0.9", "0.999", "1e-08"} & set(printed.replace(",", " ").split())


def test_the_table_covers_every_optimizer_and_option() -> None:
    assert set(CASES) == set(STEPPING)
    for name in STEPPING:
        tried = {key for options in CASES[name] for key in options}
        assert tried == set(OPTIMIZERS.kinds[name].model_fields) - {
            "type",
            "learning_rate",
            "weight_decay_exclude",  # of names, which are a network's: tests/training/test_groups.py
        }


@pytest.mark.parametrize("name", sorted(set(STEPPING) - {"lion"}))
def test_defaults_are_pytorch_s(name: str) -> None:
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.optim, TORCH[name])([torch.nn.Parameter(torch.zeros(1))]).defaults
    ours = {
        RENAMED.get(key, key): value
        for key, value in make(name).model_dump(exclude={"type", "weight_decay_exclude"}).items()
    }
    if "beta_1" in ours:
        ours["betas"] = (ours.pop("beta_1"), ours.pop("beta_2"))
    if name == "sgd":
        assert theirs["lr"] == 1e-3
        ours["lr"] = 1e-3  # 0.01 is Keras's, and what PyTorch required one to write for years
    assert ours == {key: theirs[key] for key in ours}


@pytest.mark.parametrize(
    ("options", "key", "message"),
    [
        ({"nesterov": True}, "nesterov", "nesterov needs momentum"),
        ({"dampening": 0.5}, "dampening", "dampening needs momentum"),
        (
            {"momentum": 0.9, "nesterov": True, "dampening": 0.5},
            "dampening",
            "nesterov and dampening exclude each other",
        ),
    ],
)
def test_options_that_contradict_are_refused(options: dict[str, Any], key: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        make("sgd", **options)
    (error,) = caught.value.errors()
    assert error["msg"] == message
    assert error["ctx"]["path"] == (key,)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("sgd", {"learning_rate": 0}),
        ("sgd", {"learning_rate": -0.1}),
        ("sgd", {"learning_rate": float("inf")}),
        ("sgd", {"momentum": 1.0}),
        ("sgd", {"weight_decay": -1e-9}),
        ("adam", {"beta_1": 1.0}),
        ("adam", {"beta_2": -0.1}),
        ("adam", {"epsilon": 0.0}),
        ("adam", {"learning_rate": "0.1"}),
        ("adam", {"momentum": 0.9}),
        ("lbfgs", {"history": 0}),
        ("lbfgs", {"max_evaluations": 0}),
        ("lbfgs", {"tolerance_change": -1.0}),
        ("rmsprop", {"centered": 1}),
    ],
)
def test_values_out_of_range_are_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        make(name, **options)
    # A number that may be a table instead has a fault as either.
    assert list(dict.fromkeys(error["loc"][0] for error in caught.value.errors())) == list(options)


def test_integers_stand_for_numbers() -> None:
    assert make("sgd", learning_rate=1, momentum=0).model_dump() == {
        **make("sgd").model_dump(),
        "learning_rate": 1.0,
    }


@pytest.mark.parametrize(("name", "options"), RUNS)
def test_gradients_of_zero_leave_parameters_where_they_are(name: str, options: dict[str, Any]) -> None:
    optimizer = make(name, **{**options, **({"weight_decay": 0.0} if "weight_decay" in options else {})})
    if name == "adamw":
        optimizer = make(name, **{**options, "weight_decay": 0.0})
    build, graph = graph_of(optimizer, 2)
    leaves: dict[str, Any] = {"p": np.array([0.0, 3.0])}
    leaves |= {f"slot/{slot}": np.full(shape, initial) for slot, (shape, initial) in build.slots.items()}
    for t in range(1, 4):
        leaves = interpret(graph, {**leaves, "g": np.zeros(2), "lr": 0.1, "t": float(t)})
        np.testing.assert_array_equal(leaves["p"], [0.0, 3.0])


def test_centered_rmsprop_survives_a_variance_that_rounds_below_zero() -> None:
    steady = np.linspace(0.01, 1.0, 100)
    build, graph = graph_of(make("rmsprop", centered=True, alpha=0.9), steady.size)
    leaves: dict[str, Any] = {"p": np.zeros(steady.size), "g": steady, "lr": 1e-9}
    leaves |= {f"slot/{slot}": np.full(shape, initial) for slot, (shape, initial) in build.slots.items()}
    below = False
    for t in range(1, 500):
        leaves = interpret(graph, {**leaves, "t": float(t)})
        below |= bool((leaves["slot/square"] < leaves["slot/mean"] ** 2 * (1 - 0.9)).any())
        assert np.isfinite(leaves["p"]).all()
    assert below, "no gradient put the clamp to use"


@pytest.mark.parametrize(("name", "options"), RUNS)
def test_no_old_slot_is_read_after_its_new_value_is_made(name: str, options: dict[str, Any]) -> None:
    """So a new value can be written over the old one, in place."""
    _, graph = graph_of(make(name, **options), 3)
    made = {target.index: value.index for target, value in graph.assignments}
    assert made
    for value in graph.values:
        for read in value.inputs:
            assert read.index not in made or value.index <= made[read.index], text(graph)


@pytest.mark.parametrize(
    ("name", "options", "passes"),
    [
        ("sgd", {}, 2),
        ("sgd", {"momentum": 0.9}, 4),
        ("sgd", {"momentum": 0.9, "nesterov": True}, 5),
        ("adam", {}, 10),
        ("adam", {"amsgrad": True}, 11),
        ("adamw", {}, 11),
        ("nadam", {}, 12),
        ("rmsprop", {}, 8),
        ("rmsprop", {"momentum": 0.9}, 10),
        ("adagrad", {}, 7),
        ("adadelta", {}, 13),
        ("lion", {}, 7),
    ],
)
def test_passes_over_memory(name: str, options: dict[str, Any], passes: int) -> None:
    """Every element-wise op on the whole vector is a pass; a formula that grows one is seen here."""
    _, graph = graph_of(make(name, **options), 3)
    assert sum(value.shape == (3,) and not value.op.leaf for value in graph.values) == passes


def test_a_step_hands_back_a_value_of_the_parameters_shape() -> None:
    for name in STEPPING:
        _, graph = graph_of(make(name), 7)
        target, value = graph.assignments[-1]
        assert isinstance(value, Value)
        assert (name_of(target), value.shape) == ("p", (7,))
