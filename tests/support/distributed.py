"""Trainings by several processes, for which threads stand, compared with the same training by one."""

from __future__ import annotations

import numpy as np

import specnet
from specnet.graph import ops
from specnet.passes.links import MESSAGES
from specnet.runs.compiling import compile_spec
from specnet.training.events import Ended, EpochEnded
from specnet.training.loop import Trainer
from tests.support.ranks import together

TOLERANCE = 1e-10


def trained(spec, ranks=None, data=None, threads=1):
    """Return the trainer after a training, its parameters, the losses of its epochs, and its last event."""
    model, loaded = compile_spec(spec, data, threads=threads)
    trainer = Trainer(model, loaded, ranks=ranks)
    losses = []
    for event in trainer.events():
        if isinstance(event, EpochEnded):
            losses.append(event.loss)
    assert isinstance(event, Ended)
    return trainer, model.parameters.flat.copy(), losses, event


def close(a, b):
    np.testing.assert_allclose(a, b, TOLERANCE, TOLERANCE)


def compare(document, size=3, data=None, threads=1):
    """Train by one process and by several, and compare; return a trainer of the latter."""
    spec = specnet.load(document)
    _, parameters, losses, ended = trained(spec, data=data, threads=threads)
    found = together(size, lambda ranks: trained(spec, ranks, data, threads))
    for _, own, own_losses, event in found:
        assert own.tobytes() == found[0][1].tobytes()
        assert (event.stopped, event.steps, event.epochs) == (ended.stopped, ended.steps, ended.epochs)
        close(own, parameters)
        close(own_losses, losses)
        for split, figures in ended.splits.items():
            assert figures.keys() == event.splits[split].keys()
            for name, figure in figures.items():
                close(np.asarray(event.splits[split][name], float), np.asarray(figure, float))
    return found[0][0]


def collectives(plan):
    """Return the names of a plan's collectives, in order."""
    return [node.op.name for node in plan.graph if node.op is ops.own_rows or node.op.name in MESSAGES]
