"""Every layer with every option: forward, backward and three steps of training against PyTorch."""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np
import pytest

import specnet.model.network
from specnet.passes.pipeline import plan
from specnet.vocabulary.layers import LAYERS
from specnet.vocabulary.layers.containers import Container
from tests.support.distributed import collectives, compare
from tests.support.examples import LONG
from tests.support.layer_cases import (
    Row,
    bytes_of_a_step,
    changed_fields,
    compare_lowered,
    compare_training,
    document_of,
    named,
    own_fields,
    rows,
)
from tests.support.lowering import lowered
from tests.support.streaming import over_whole, streamed, streams

ROWS = rows()
ALONE = [
    name for name, kind in LAYERS.kinds.items() if kind.takes[0] == 1 and not issubclass(kind, Container)
]
"""Layers that can do with one input, and are no containers: those are in tests/model/test_branches.py."""


def test_every_layer_has_rows():
    assert {row.options["type"] for row in ROWS} == set(ALONE)


@pytest.mark.parametrize("name", ALONE)
def test_every_option_is_set_to_something_in_a_row(name):
    tried = {field for row in ROWS if row.options["type"] == name for field in changed_fields(row)}
    # A row has one layer, and batches of their own: see tests/model/test_tied.py and tests/runs/test_stateful.py.
    assert tried == own_fields(LAYERS.kinds[name]) - {"tie", "stateful"}


@named(ROWS)
@pytest.mark.parametrize("training", [False, True])
def test_a_layer_computes_what_pytorch_does(row, training):
    if training and row.random:
        graph, _, _, drawn = lowered(row.options, row.shape, training=True)
        assert drawn.shape == lowered(row.options, row.shape)[3].shape
        assert any(value.op.random for value in graph)
        return
    for batch in row.batches:
        compare_lowered(row, batch, training=training)


@named([row for row in ROWS if not row.random])
@pytest.mark.parametrize("optimise", [True, False])
def test_a_network_around_it_trains_as_pytorch_does(row, optimise, tmp_path, monkeypatch):
    monkeypatch.setattr(specnet.model.network, "plan", partial(plan, optimise=optimise))
    compare_training(row, tmp_path)


@pytest.mark.skipif(not LONG, reason="with the long checks only")
@named([row for row in ROWS if not row.random])
def test_the_numba_engine_trains_it_as_pytorch_does(row, tmp_path, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setenv("SPECNET_ENGINE", "numba")
    compare_training(row, tmp_path)


@named(ROWS if LONG else list({row.options["type"]: row for row in reversed(ROWS)}.values()))
def test_processes_train_a_network_around_it_as_one_does(row, tmp_path):
    rng = np.random.default_rng(1)
    inputs, targets = row.draw(rng, (11, *row.shape)), rng.normal(size=(11, 2))
    trainer = compare(document_of(row, inputs, targets, 4, 0.05, tmp_path))
    assert "all_gather" not in collectives(trainer.plans.step)


@named(ROWS)
@pytest.mark.parametrize("training", [False, True])
def test_a_step_allocates_no_array(row, training):
    # Views, numbers and loops over pieces take a few objects, and NumPy for each call of a worker on strided operands
    # an iterator of 2 to 4 kB and a buffer of 4 kB an operand, of which there are three at most. Whether workers have
    # theirs at the same time is chance. The smallest array there is has 300 kB.
    size, most = bytes_of_a_step(row, training=training, most=lambda workers: 8_000 + 20_000 * workers)
    assert size <= most


@named([row for row in ROWS if row.options["type"] in ("dense", "activation")])
def test_a_row_that_means_something_else_is_found_out(row, tmp_path):
    other = dataclasses.replace(row, meant=lambda x, p: row.meant(x, p) * (1.0 + 1e-6))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        compare_lowered(other, 5, training=True)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        compare_training(other, tmp_path)


def test_a_penalty_that_is_left_out_is_found_out(tmp_path):
    row = next(row for row in ROWS if row.penalty is not None)
    assert isinstance(row, Row)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        compare_training(dataclasses.replace(row, penalty=None), tmp_path)


SEQUENCES = [row for row in ROWS if len(row.shape) == 2 and not row.indices]
STREAMING = [row for row in SEQUENCES if streams(row.options, row.shape)]


def test_layers_that_keep_something_from_step_to_step_take_one_after_the_other():
    kinds = {row.options["type"] for row in STREAMING}
    assert kinds >= {"simple_rnn", "lstm", "gru", "min_gru", "conv1d", "tcn_block"}
    assert kinds >= {"positional_embedding", "attention", "transformer_block"}


@named(STREAMING)
@pytest.mark.parametrize("by", [1, 2])
def test_steps_that_come_one_after_the_other_give_what_the_whole_sequence_gives(row, by):
    rng = np.random.default_rng(0)
    x = row.draw(rng, (3, *row.shape))
    whole, arrays = over_whole(row.options, x, rng)
    parts = [1, *[by] * ((row.shape[0] - 1) // by)]
    parts += [1] * (row.shape[0] - sum(parts))
    np.testing.assert_allclose(streamed(row.options, x, arrays, parts), whole, 1e-10, 1e-12)
