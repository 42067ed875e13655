"""An epoch of every shipped document, by two processes and by one, on the first rows of its data."""

from __future__ import annotations

import pytest

from specnet.model.compiled import CompiledModel
from specnet.training.loop import Trainer
from tests.support.distributed import close, collectives
from tests.support.ranks import together
from tests.support.shipped_networks import FILES, quick, some

LONG_ROWS = (
    "adding",
    "addition",
    "copy",
    "names",
    "shakespeare",
    "microgpt",
    "text-",
    "mnist-cnn",
    "fashion",
    "vowels",
)
"""What the names of documents begin with whose rows take long."""


@pytest.mark.parametrize("name", FILES)
def test_two_processes_come_to_what_one_does(name):
    quick(name)
    rows = 25 if name.startswith(LONG_ROWS) else 101
    overrides = {"dtype": "float64", "training.epochs": 1}
    network, data = some(name, rows, **overrides)

    def train(ranks=None):
        model = CompiledModel(network, data.encoding)
        trainer = Trainer(model, data, ranks=ranks)
        ended = list(trainer.events())[-1]
        return trainer, ended, model.parameters.flat.copy()

    _, ended, parameters = train()
    found = together(2, train)
    for _, other, own in found:
        assert other.steps == ended.steps
        close(own, parameters)
        for split, figures in ended.splits.items():
            close(other.splits[split]["loss"], figures["loss"])
    assert "all_gather" not in collectives(found[0][0].plans.step)
