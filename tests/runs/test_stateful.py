"""Stateful layers: the state after a batch is where the next one begins, in training and in evaluation."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

import specnet
from specnet.interchange.exporting import Exported, write_numpy
from specnet.model.feed import streams_of
from specnet.reporting.html.page import write_report

torch = pytest.importorskip("torch")

from tests.support.layer_rows.recurrent import MODULES, ordered  # noqa: E402

STEPS, FEATURES, UNITS, ROWS, BATCH = 5, 3, 4, 14, 4
RATE = 0.1
STREAMS = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10], [11, 12, 13]]
"""The rows that each place of a batch goes through."""
KINDS = ("simple_rnn", "lstm", "gru", "min_gru")


def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(ROWS, STEPS, FEATURES)), rng.normal(size=(ROWS, STEPS, 2))


def document(kind="lstm", *, layer=None, **training):
    own = {"type": kind, "units": UNITS, "return_sequences": True, "stateful": True, "name": "layer"}
    return {
        "specnet": 1,
        "name": "stateful",
        "dtype": "float64",
        "data": {"type": "arrays"},
        "layers": [{**own, **(layer or {})}, {"type": "dense", "units": 2, "name": "after"}],
        "loss": "mse",
        "training": {
            "epochs": 2,
            "batch_size": BATCH,
            "optimizer": {"type": "sgd", "learning_rate": RATE},
            **training,
        },
    }


def by_torch(kind, x, p, state):
    """Return all states of a batch, and what it leaves, given what the batch before it left."""
    if kind == "min_gru":
        h, states = state, []
        for t in range(STEPS):
            z, n = (x[:, t] @ p["layer.kernel"] + p["layer.bias"]).split(UNITS, -1)
            h = (1 - z.sigmoid()) * h + z.sigmoid() * n
            states.append(h)
        return torch.stack(states, 1), h
    module = MODULES[kind](FEATURES, UNITS, batch_first=True, dtype=x.dtype)
    bias = ordered(kind, p["layer.bias"])
    outer, inner = bias if bias.ndim == 2 else (bias, torch.zeros_like(bias))
    named = {
        "weight_ih_l0": ordered(kind, p["layer.kernel"]).T,
        "weight_hh_l0": ordered(kind, p["layer.recurrent_kernel"]).T,
        "bias_ih_l0": outer,
        "bias_hh_l0": inner,
    }
    return torch.func.functional_call(module, named, (x, state))


def cut(state, rows):
    """Return the states of the first rows, detached from what led to them."""
    if isinstance(state, tuple):
        return tuple(cut(each, rows) for each in state)
    return state.detach()[..., :rows, :].contiguous()


def passes(kind, x, y, p):
    """Yield the mean loss of each batch of an epoch."""
    zeros = torch.zeros(BATCH, UNITS, dtype=torch.float64)
    first = {"min_gru": zeros, "lstm": (zeros[None], zeros[None])}
    state = first.get(kind, zeros[None])
    for batch in itertools.zip_longest(*STREAMS):
        rows = [row for row in batch if row is not None]
        states, state = by_torch(kind, torch.tensor(x[rows]), p, cut(state, len(rows)))
        output = states @ p["after.kernel"] + p["after.bias"]
        yield torch.nn.functional.mse_loss(output, torch.tensor(y[rows])), len(rows)


@pytest.mark.parametrize("rows", [1, 5, 13, 14, 16])
def test_each_place_of_a_batch_goes_through_a_part_of_all_rows(rows):
    order = streams_of(rows, min(BATCH, rows))
    assert sorted(order) == list(range(rows))
    for before, after in itertools.pairwise(range(0, rows, BATCH)):
        here, there = order[before : before + BATCH], order[after : after + BATCH]
        np.testing.assert_array_equal(there, here[: len(there)] + 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("accumulate", [1, 2])
def test_truncated_backpropagation_through_time_is_that_of_pytorch(kind, accumulate):
    x, y = data()
    spec = specnet.load(json.dumps(document(kind, accumulate=accumulate)))
    start = specnet.compile(spec, data=(x, y)).parameters
    p = {name: torch.tensor(array.copy(), requires_grad=True) for name, array in start.items()}
    optimizer = torch.optim.SGD(p.values(), lr=RATE)
    for _ in range(2):
        number = -(-ROWS // BATCH)
        for place, (loss, _) in enumerate(passes(kind, x, y, p)):
            if place % accumulate == 0:
                optimizer.zero_grad()
                shared = min(accumulate, number - place)
            (loss / shared).backward()
            if place % accumulate == accumulate - 1 or place == number - 1:
                optimizer.step()
    result = specnet.run(spec, data=(x, y))
    for name, theirs in p.items():
        np.testing.assert_allclose(result.model.parameters[name], theirs.detach(), rtol=1e-8, err_msg=name)
    with torch.no_grad():
        whole = sum(loss.item() * rows for loss, rows in passes(kind, x, y, p)) / ROWS
    assert result.splits["train"]["loss"] == pytest.approx(whole, rel=1e-10)
    assert result.model.evaluate(x, y).splits["data"]["loss"] == pytest.approx(whole, rel=1e-10)
    # Rows that are predicted by themselves begin with zeros.
    alone = [result.model.predict(x[row : row + 1])[0] for row in range(ROWS)]
    np.testing.assert_allclose(result.model.predict(x), alone, rtol=1e-12)


@pytest.mark.parametrize("kind", ["lstm", "min_gru"])
def test_a_training_is_resumed_to_the_bit_within_an_epoch(kind, tmp_path):
    x, y = data()
    np.savez(tmp_path / "data.npz", inputs=x, targets=y)
    made = {**document(kind, epochs=3), "data": {"type": "npz", "path": str(tmp_path / "data.npz")}}
    spec = specnet.load(json.dumps(made))
    whole = specnet.run(spec)
    steps = itertools.count(1)
    specnet.run(spec, out=tmp_path / "run", stop=lambda: next(steps) == 6)
    resumed = specnet.run(spec, resume=tmp_path / "run")
    for name, array in whole.model.parameters.items():
        np.testing.assert_array_equal(array, resumed.model.parameters[name])
    assert whole.splits == resumed.splits


def test_full_batches_begin_with_zeros_each_time():
    x, y = data()
    stateful, plain = (
        specnet.run(document(layer={"stateful": kept}, batch_size="full", epochs=5), data=(x, y))
        for kept in (True, False)
    )
    assert stateful.splits == plain.splits
    for name, array in plain.model.parameters.items():
        np.testing.assert_array_equal(stateful.model.parameters[name], array)


def test_a_language_model_reads_parallel_streams(tmp_path):
    text = "".join(np.random.default_rng(0).choice(list("abc \n"), 3000))
    (tmp_path / "input.txt").write_text(text)
    made = {
        "specnet": 1,
        "name": "text",
        "data": {"type": "text", "path": "input.txt", "block": 20, "split": {"validation": 0.2}},
        "layers": [
            {"type": "embedding", "output_dim": 8, "name": "tokens"},
            {"type": "gru", "units": 8, "return_sequences": True, "stateful": True},
            {"type": "dense", "tie": "tokens"},
        ],
        "loss": "cross_entropy",
        "training": {"epochs": 2, "batch_size": 8},
    }
    (tmp_path / "text.json").write_text(json.dumps(made))
    result = specnet.run(specnet.load(tmp_path / "text.json"), out=tmp_path / "run")
    assert result.splits["validation"]["loss"] < 2.0
    pytest.importorskip("matplotlib")
    assert write_report(tmp_path / "run", tmp_path / "report.html").exists()
    again = specnet.load_run(tmp_path / "run")
    assert again.predict(np.ones((2, 20), int)).shape[:2] == (2, 20)


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ({"layer": {"reverse": True}}, ("layers", 0, "stateful"), "`reverse` begins at the end"),
        (
            {"data": {"type": "arrays", "split": {"test": 0.2}}},
            ("layers", 0, "stateful"),
            "rows continue each other",
        ),
        ({"optimizer": "lbfgs", "batch_size": "full"}, ("layers", 0, "stateful"), "a step a batch"),
    ],
)
def test_what_has_no_streams_is_a_diagnostic(changes, path, message):
    x, y = data()
    given = {"data": changes.pop("data")} if "data" in changes else {}
    with pytest.raises(specnet.SpecError) as caught:
        specnet.run({**document(**changes), **given}, data=(x, y))
    (found,) = caught.value.diagnostics
    assert (found.code, found.path) == ("SN210", path)
    assert message in found.message


def test_states_of_other_layers_and_two_directions_are_refused():
    x, y = data()
    states = [
        {"type": "simple_rnn", "units": UNITS, "name": "first"},
        {**document()["layers"][0], "inputs": ["input", "first"]},
    ]
    two = {"type": "bidirectional", "layers": [{"type": "gru", "units": UNITS, "stateful": True}]}
    for layers, path, message in (
        (states, ("layers", 1), "takes no states from other layers"),
        ([two], ("layers", 0, "layers", 0, "stateful"), "begins at the end"),
    ):
        with pytest.raises(specnet.SpecError) as caught:
            specnet.run({**document(), "layers": [*layers, document()["layers"][1]]}, data=(x, y))
        assert caught.value.diagnostics[0].path == path
        assert message in caught.value.diagnostics[0].message


def test_a_program_of_the_training_is_refused(tmp_path):
    x, y = data()
    np.savez(tmp_path / "data.npz", inputs=x, targets=y)
    made = {**document(), "data": {"type": "npz", "path": str(tmp_path / "data.npz")}}
    specnet.run(specnet.load(json.dumps(made)), out=tmp_path / "run")
    with pytest.raises(specnet.RunError, match="no layers that are `stateful`"):
        write_numpy(tmp_path / "made.py", Exported.of(tmp_path / "run"), training=True)
    write_numpy(tmp_path / "made.py", Exported.of(tmp_path / "run"), training=False)
