"""Documents with recurrent layers: both directions, initial states, stacks, dropout, resuming and exports."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import specnet
from specnet.graph import ops
from specnet.graph.sizes import BATCH
from tests.support.lowering import lowered
from tests.support.sequences import (
    by_onnx,
    by_program,
    by_training_program,
    whole_and_resumed,
    write_document,
)

STEPS, FEATURES, UNITS = 7, 3, 4
KINDS = ("simple_rnn", "lstm", "gru")


@pytest.fixture
def document(tmp_path):
    return lambda *layers: write_document(tmp_path, STEPS, FEATURES, *layers)


def both_ways(kind: str, **more: Any) -> dict[str, Any]:
    merge = more.pop("merge", "concat")
    return {"type": "bidirectional", "merge": merge, "layers": [{"type": kind, "units": UNITS, **more}]}


@pytest.mark.parametrize("kind", [*KINDS, "min_gru"])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("merge", ["concat", "add", "multiply", "average"])
def test_both_directions_are_two_layers_merged(document, kind, sequences, merge):
    made = both_ways(kind, return_sequences=sequences, merge=merge)
    model = specnet.compile(specnet.load(document(made)))
    alone = {"type": kind, "units": UNITS, "return_sequences": sequences}
    parallel = {"type": "parallel", "merge": merge, "layers": [alone, {**alone, "reverse": True}]}
    other = specnet.compile(specnet.load(document(parallel)))
    mine = [name for name in model.parameters if name.startswith("bidirectional_1.")]
    theirs = [name for name in other.parameters if name.startswith("parallel_1.")]
    assert [name.split(".")[1] for name in mine if name.endswith(".kernel")] == ["forward", "backward"]
    for own, there in zip([*mine, "dense_1.kernel"], [*theirs, "dense_1.kernel"], strict=True):
        other.parameters[there][...] = model.parameters[own]
    rows = np.random.default_rng(1).normal(size=(5, STEPS, FEATURES))
    np.testing.assert_array_equal(model.forward(rows), other.forward(rows))


def test_the_last_of_all_states_is_the_state_after_the_last_step(document):
    whole = {"type": "lstm", "units": UNITS}
    model = specnet.compile(specnet.load(document(whole)))
    stepped = specnet.compile(
        specnet.load(document({**whole, "return_sequences": True}, {"type": "last_step"}))
    )
    rows = np.random.default_rng(1).normal(size=(5, STEPS, FEATURES))
    np.testing.assert_array_equal(model.forward(rows), stepped.forward(rows))


@pytest.mark.parametrize("kind", ["simple_rnn", "gru", "min_gru"])  # the cell state of an lstm is no output
def test_initial_states_go_on_where_another_sequence_ended(document, kind):
    """A state after the first steps, given to a layer with the same parameters, leads to the state after all."""
    first = {"type": "cropping1d", "cropping": [0, 3], "inputs": ["input"]}
    rest = {"type": "cropping1d", "cropping": [STEPS - 3, 0], "inputs": ["input"], "name": "rest"}
    layer = {"type": kind, "units": UNITS, "name": "whole", "inputs": ["input"]}
    halves = [
        layer,
        first,
        {"type": kind, "units": UNITS, "share": "whole", "name": "begun"},
        rest,
        {"type": kind, "units": UNITS, "share": "whole", "inputs": ["rest", "begun"], "name": "ended"},
        {"type": "subtract", "inputs": ["whole", "ended"], "name": "difference"},
    ]
    model = specnet.compile(specnet.load(document(*halves)))
    rows = np.random.default_rng(1).normal(size=(5, STEPS, FEATURES))
    np.testing.assert_allclose(model.outputs_of("difference", rows), 0.0, atol=1e-14)
    assert np.abs(model.outputs_of("begun", rows)).max() > 0.01


def test_an_lstm_takes_both_of_its_states(document):
    torch = pytest.importorskip("torch")
    make = [
        {"type": "last_step", "inputs": ["input"]},
        {"type": "dense", "units": UNITS, "name": "h", "bias_init": "normal"},
        {"type": "dense", "units": UNITS, "name": "c", "inputs": ["last_step_1"], "bias_init": "normal"},
        {"type": "lstm", "units": UNITS, "inputs": ["input", "h", "c"], "name": "lstm"},
    ]
    model = specnet.compile(specnet.load(document(*make)))
    p = {name: torch.tensor(array) for name, array in model.parameters.items()}
    x = torch.tensor(np.random.default_rng(1).normal(size=(5, STEPS, FEATURES)))
    h, c = ((x[:, -1] @ p[f"{name}.kernel"] + p[f"{name}.bias"])[None] for name in "hc")
    made = torch.nn.LSTM(FEATURES, UNITS, batch_first=True, dtype=x.dtype)
    weights = {
        "weight_ih_l0": p["lstm.kernel"].T,
        "weight_hh_l0": p["lstm.recurrent_kernel"].T,
        "bias_ih_l0": p["lstm.bias"],
        "bias_hh_l0": torch.zeros(4 * UNITS, dtype=x.dtype),
    }
    _, (last, _) = torch.func.functional_call(made, weights, (x, (h, c)))
    np.testing.assert_allclose(model.outputs_of("lstm", x.numpy()), last[0].detach(), rtol=1e-10)


def test_the_forget_gate_starts_open(document):
    def bias(**options):
        return specnet.compile(specnet.load(document({"type": "lstm", "units": 2, **options}))).parameters

    np.testing.assert_array_equal(bias()["lstm_1.bias"], [0, 0, 1, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(bias(unit_forget_bias=False)["lstm_1.bias"], np.zeros(8))
    drawn = bias(bias_init="normal")["lstm_1.bias"]
    assert (drawn[2:4] == 1.0).all()
    assert len(set(drawn)) == 7


STACK = [
    {
        "type": "sequential",
        "repeat": 2,
        "layers": [both_ways("lstm", return_sequences=True, recurrent_dropout=0.2)],
    },
    {"type": "gru", "units": UNITS, "dropout": 0.3},
]


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_draws_one_mask_for_all_steps_in_training_alone(document, kind):
    options = {"type": kind, "units": UNITS, "dropout": 0.5, "recurrent_dropout": 0.5}
    plain = specnet.compile(specnet.load(document({"type": kind, "units": UNITS})))
    spec = specnet.load(document(options))
    rows = np.random.default_rng(1).normal(size=(5, STEPS, FEATURES))
    np.testing.assert_array_equal(plain.forward(rows), specnet.compile(spec).forward(rows))
    # Drawn before the loop, a mask is the same at all steps; one is for the input, and one for the state.
    graph, *_ = lowered(options, (STEPS, FEATURES), training=True)
    masks = [node.value.shape for node in graph if node.op is ops.dropout_mask]
    assert sorted(masks, key=len) == [(BATCH, UNITS), (BATCH, 1, FEATURES)]
    first, second = (specnet.run(spec).model.parameters[f"{kind}_1.kernel"] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_its_gradients_agree_with_central_differences(document):
    layers = [both_ways("lstm", return_sequences=True), {"type": "gru", "units": UNITS}]
    checks = specnet.check_gradients(specnet.load(document(*layers)))
    assert [check.name for check in checks if not check.ok] == []
    assert {"bidirectional_1.backward.recurrent_kernel", "gru_1.bias"} <= {check.name for check in checks}


def test_a_stack_resumes_to_the_bit(document):
    whole, resumed = whole_and_resumed(document(*STACK))
    assert "sequential_1.2.bidirectional_1.backward.kernel" in whole
    for name, array in whole.items():
        np.testing.assert_array_equal(array, resumed[name])


def test_a_stack_is_exported(document):
    rows = np.random.default_rng(1).normal(size=(6, STEPS, FEATURES))
    found, expected, _ = by_program(document(*STACK), rows)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_a_stack_is_exported_as_onnx(document):
    rows = np.random.default_rng(1).normal(size=(6, STEPS, FEATURES))
    found, expected = by_onnx(document(*STACK), rows)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_exported_training_ends_at_the_same_parameters(document):
    layers = [both_ways("gru", return_sequences=True), {"type": "lstm", "units": UNITS}]
    found, expected, _ = by_training_program(document(*layers))
    for name, array in expected.items():
        np.testing.assert_allclose(found[name.replace(".", "_")], array, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("layer", "code", "path", "message"),
    [
        (both_ways("lstm", name="mine"), "SN306", ("layers", 0, "layers", 0, "name"), "`forward` and `backward`"),
        ({"type": "bidirectional", "layers": []}, "SN209", ("layers", 0, "layers"), "needs a layer"),
        (
            {"type": "bidirectional", "layers": 2 * [{"type": "gru", "units": 2}]},
            "SN209",
            ("layers", 0, "layers"),
            "got 2 layers",
        ),
        (
            {"type": "bidirectional", "layers": [{"type": "dense", "units": 2}]},
            "SN401",
            ("layers", 0, "layers", 0, "type"),
            "dense goes through no steps",
        ),
        ({"type": "lstm", "units": 2, "inputs": ["input", "input"]}, "SN401", ("layers", 0), "must be (batch, 2)"),
        ({"type": "last_step", "inputs": ["input", "input"]}, "SN305", ("layers", 0), ""),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_reported(document, layer, code, path, message):
    report = specnet.validate(document(layer))
    (found,) = (d for d in report.diagnostics if d.severity == "error")
    assert (found.code, found.path[: len(path)]) == (code, path), found
    assert message in found.message
