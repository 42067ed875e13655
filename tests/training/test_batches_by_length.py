"""Batches by length: which rows share one, in which order, and what it takes to train with them."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import specnet
from specnet.analysis.explanation import explain
from specnet.diagnostics import SpecError
from specnet.model.batching import MOST, batching
from specnet.reporting.html.page import write_report
from specnet.runs.compiling import batches_of, compile_spec, network_of
from specnet.training.loop import Trainer
from tests.support.memory import growth_of_epochs, taken, trainer_maker
from tests.support.resuming import check

STEPS, ROWS = 40, 150
VALIDATION = {"validation": 0.2}
LSTM = [{"type": "masking"}, {"type": "lstm", "units": 6}]


def document(
    folder, layers=LSTM, lengths=None, rows=ROWS, features=3, weight=None, split=VALIDATION, **training: Any
):
    """Return a document over sequences with zeros behind their end."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(2, STEPS + 1, rows) if lengths is None else np.asarray(lengths)
    x = rng.normal(size=(rows, STEPS, features))
    x[np.arange(STEPS) >= lengths[:, None]] = 0.0
    np.savez(folder / "rows.npz", x=x, y=(x.sum((1, 2)) > 0).astype(int), w=rng.uniform(1, 2, rows))
    data = {"type": "npz", "path": str(folder / "rows.npz"), "inputs": "x", "targets": "y"}
    settings = {"epochs": 3, "batch_by": "length", "optimizer": "adam", **training}
    settings = {key: value for key, value in settings.items() if value is not None}
    content = {
        "specnet": 1,
        "name": "sequences",
        "dtype": "float64",
        "data": {
            **data,
            "split": split,
            **({"weight": weight} if weight else {}),
        },
        "layers": [*layers, {"type": "dense", "units": 2}],
        "loss": "cross_entropy",
        "metrics": ["accuracy"],
        "training": settings,
    }
    return specnet.load(json.dumps(content))


def trainer_of(spec: specnet.Spec) -> Trainer:
    return Trainer(*compile_spec(spec))


def epoch(trainer: Trainer) -> list[tuple[tuple[int, ...], int]]:
    """Return the rows of each batch of an epoch, and how long it is."""
    trainer.feed.begin()
    return [(tuple(batch.places), batch.arrays["inputs"].shape[1]) for batch in trainer.feed.batches]


@pytest.mark.parametrize("size", [{"batch_size": 16}, {"batch_tokens": 100}], ids=["rows", "tokens"])
def test_batches_have_rows_of_like_length(size, tmp_path):
    model, data = compile_spec(document(tmp_path, **size))
    trainer, inputs = Trainer(model, data), data.splits["train"].inputs
    lengths = (inputs != 0.0).any(axis=2).sum(axis=1)
    first, second = epoch(trainer), epoch(trainer)
    for batches in (first, second):
        assert sorted(row for rows, _ in batches for row in rows) == list(range(len(inputs)))
        ends = sorted((max(lengths[list(rows)]), min(lengths[list(rows)])) for rows, _ in batches)
        assert all(longest <= least + 2 for (longest, _), (_, least) in pairwise(ends))
        for rows, steps in batches:
            # 39 lengths are rounded up to 32.
            assert max(lengths[list(rows)]) <= steps <= max(lengths[list(rows)]) + 2
            assert len(rows) * steps <= 100 if "batch_tokens" in size else len(rows) <= 16
    if "batch_tokens" in size:
        assert len({len(rows) for rows, _ in first}) > 5
    assert [steps for _, steps in first] != [steps for _, steps in second]
    assert {rows for rows, _ in first} != {rows for rows, _ in second}
    assert sorted((len(rows), steps) for rows, steps in first) == sorted(
        (len(rows), steps) for rows, steps in second
    )


def test_the_order_is_drawn_from_the_seed(tmp_path):
    spec = document(tmp_path, batch_size=16)
    one, same = trainer_of(spec), trainer_of(spec)
    assert [epoch(one) for _ in range(3)] == [epoch(same) for _ in range(3)]
    assert epoch(one) != epoch(trainer_of(spec.model_copy(update={"seed": 4})))


def test_batches_that_are_not_shuffled_begin_with_the_longest(tmp_path):
    trainer = trainer_of(document(tmp_path, batch_size=16, shuffle=False))
    steps = [steps for _, steps in epoch(trainer)]
    assert steps == sorted(steps, reverse=True)
    assert epoch(trainer) == epoch(trainer)


def test_lengths_are_rounded_up_to_a_few(tmp_path):
    network = trainer_of(document(tmp_path, batch_size=16)).model.network
    lengths = np.random.default_rng(1).integers(1, 1000, (5000, 1))
    made = batching(network, lengths, 8)
    assert len(made.forms) <= MOST + 1
    for cut in made.cuts:
        own = lengths[made.order[cut.start : cut.stop], 0]
        assert max(own) <= cut.lengths[0] <= max(own) + 60


@pytest.mark.parametrize(
    "training",
    [
        {"batch_size": 16},
        {"batch_tokens": 150},
        {"batch_tokens": 150, "accumulate": 3},
        {"batch_size": 16, "epochs": None, "steps": 20, "validate_every": 6, "ema_decay": 0.9},
    ],
    ids=["rows", "tokens", "shared", "steps"],
)
def test_it_resumes_to_the_bit(training, tmp_path):
    layers = [*LSTM, {"type": "dropout", "rate": 0.3}]
    spec = document(tmp_path, layers, **training)
    check(spec, 3, 11)


@pytest.mark.parametrize("size", [{"batch_size": 16}, {"batch_tokens": 200}], ids=["rows", "tokens"])
def test_no_plan_is_compiled_for_a_length(size, tmp_path, monkeypatch):
    import specnet.model.network as compiling

    made = []
    plan = compiling.plan
    monkeypatch.setattr(compiling, "plan", lambda *a, **k: made.append(1) or plan(*a, **k))
    trainer = trainer_of(document(tmp_path, **size))
    assert len(made) == 2, "a step and an evaluation"
    assert len(trainer.batches.train.forms) > 5
    for _ in trainer.events():
        pass
    assert len(made) == 2


@pytest.mark.parametrize("size", [{"batch_size": 16}, {"batch_tokens": 200}], ids=["rows", "tokens"])
def test_no_array_is_allocated_after_the_first_epochs(size, tmp_path):
    trainer = trainer_of(document(tmp_path, features=256, epochs=6, **size))
    smallest = min(form["batch"] * form["steps"] for form in trainer.batches.train.forms)
    assert max(growth_of_epochs(trainer.events())) < smallest * 256 * 8


LAYERS = {
    "lstm": [{"type": "lstm", "units": 48}],
    "gru": [{"type": "bidirectional", "layers": [{"type": "gru", "units": 32}]}],
    "attention": [{"type": "transformer_block", "heads": 4}, {"type": "global_average_pooling1d"}],
}


@pytest.mark.parametrize(
    ("name", "size"),
    [("lstm", {"batch_tokens": 2000}), ("gru", {"batch_size": 64}), ("attention", {"batch_tokens": 2000})],
)
def test_the_memory_is_predicted_within_five_per_cent(name, size, tmp_path):
    layers = [{"type": "masking"}, *LAYERS[name]]
    lengths = 10 * np.random.default_rng(2).integers(1, STEPS // 10 + 1, 400)
    more = {"features": 32, "epochs": 1, **size}
    found = taken(trainer_maker(document(tmp_path, layers, lengths, rows=400, **more)))
    assert sum(found.predicted.values()) == pytest.approx(found.peak, rel=0.05)


def test_many_short_rows_and_a_few_long_ones_need_no_memory_for_many_long_ones(tmp_path):
    lengths = np.where(np.arange(ROWS) % 10, 3, STEPS)
    tokens = trainer_of(document(tmp_path, lengths=lengths, batch_tokens=120)).plans.step
    assert (tokens.batch, tokens.sizes["steps"]) == (40, STEPS)
    rows = trainer_of(document(tmp_path, lengths=lengths, batch_size=40)).plans.step
    assert tokens.arena < rows.arena / 5


def test_folds_are_batched_one_by_one(tmp_path):
    result = specnet.run(document(tmp_path, batch_size=8, split={"folds": 3}, epochs=1))
    assert len(result.folds) == 3


def test_weights_count(tmp_path):
    plain, weighted = (
        specnet.run(document(tmp_path, batch_size=8, weight=weight, epochs=1)).splits["train"]["loss"]
        for weight in (None, "w")
    )
    assert plain != weighted


def faults(spec: specnet.Spec) -> list[tuple[str, tuple[Any, ...], str]]:
    with pytest.raises(SpecError) as raised:
        compile_spec(spec)
    return [(found.code, found.path, found.message) for found in raised.value.diagnostics]


HERE = ("training", "batch_by")


def test_rows_of_one_length_need_no_batches_by_length(tmp_path):
    spec = document(tmp_path, lengths=np.full(ROWS, 7), batch_size=8)
    assert faults(spec) == [("SN611", HERE, "`batch_by` would be ignored: all 120 rows have 7 steps")]


def test_sequences_without_padding_are_of_one_length(tmp_path):
    spec = document(tmp_path, LSTM[1:], batch_size=8)
    assert faults(spec) == [
        ("SN611", HERE, "`batch_by` would be ignored: no input is a sequence with padding")
    ]


def test_a_batch_has_room_for_the_longest_row(tmp_path):
    spec = document(tmp_path, batch_tokens=30)
    ((code, path, message),) = faults(spec)
    assert (code, path) == ("SN611", ("training", "batch_tokens"))
    assert message.startswith("a batch may have 30 tokens, and the longest row has ")


def test_streams_keep_their_order(tmp_path):
    layers = [{"type": "masking"}, {"type": "lstm", "units": 3, "stateful": True}]
    found = faults(document(tmp_path, layers, batch_size=8, split=None))
    assert found == [
        (
            "SN210",
            HERE,
            "`stateful` needs rows in their order, and `batch_by` puts rows of similar length together",
        )
    ]


def test_programs_and_traces_say_that_they_have_none(tmp_path):
    from specnet.interchange.exporting import Exported, numpy_program

    spec = document(tmp_path, batch_size=8)
    with pytest.raises(specnet.RunError, match="not traced"):
        specnet.trace(spec)
    with pytest.raises(specnet.RunError, match="no batches by length"):
        numpy_program(Exported.of_spec(tmp_path, spec), training=True, beside=None)


def test_explain_and_reports_show_them(tmp_path):
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    spec = document(tmp_path, batch_tokens=200, epochs=1)
    found = explain(network_of(spec), batches=batches_of(spec)).as_dict()
    train = trainer_of(spec).batches.train
    assert found["by_length"]["batches"] == len(train.cuts)
    assert found["by_length"]["lengths"] == {"steps": sorted({each.lengths[0] for each in train.cuts})}
    assert found["memory"]["bindings"] > 0
    specnet.run(spec, out=tmp_path / "run")
    write_report(tmp_path / "run", tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size > 10_000


def test_a_training_that_diverges_says_where(tmp_path):
    optimizer = {"type": "sgd", "learning_rate": 1e200}
    *_, ended = specnet.train(
        document(tmp_path, [*LSTM, {"type": "dense", "units": 3}], batch_size=8, optimizer=optimizer)
    )
    assert ended.stopped == "diverged"
    assert "it first appeared in" in ended.why
