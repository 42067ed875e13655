"""What every shipped document is compiled to: the same numbers however it is compiled, and nothing left to chance."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.analysis.explanation import explain
from specnet.model.compiled import CompiledModel
from specnet.model.training_memory import BATCH
from specnet.training.loop import Trainer
from tests.support.memory import growth_of_epochs, taken
from tests.support.shipped import there
from tests.support.shipped_networks import ALIKE, FILES, quick, size, some, three_steps


@pytest.mark.parametrize("name", FILES)
def test_optimised_and_unoptimised_plans_agree(name):
    if name.startswith(ALIKE):
        quick(name)
    network, data = some(name, dtype="float64", **{"training.optimizer.learning_rate": 1e-3})
    made = [three_steps(network, data, optimise=optimise) for optimise in (True, False)]
    np.testing.assert_allclose(made[0][0], made[1][0], rtol=1e-9)
    np.testing.assert_allclose(made[0][1], made[1][1], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", FILES)
def test_no_array_is_made_once_the_first_epoch_is_over(name):
    quick(name)
    # The area under a curve needs all scores in order, and sorting makes arrays; so does comparing whole sequences.
    metrics = {"metrics": ["accuracy"]} if name in ("wide-and-deep.toml", "addition.toml") else {}
    network, data = some(name, **{"training.epochs": 5, "training.schedule": "constant", **metrics})
    trainer = Trainer(CompiledModel(network, data.encoding), data)
    peaks = growth_of_epochs(trainer.events())
    # Views, numbers and frames of calls, as small as they are many, and NumPy's buffers, a small one for each worker; a
    # batch of any larger document has more.
    assert max(peaks) < 24_000 + 16_000 * trainer.plans.step.workers


@pytest.mark.parametrize("name", FILES)
def test_the_memory_predicted_is_the_memory_taken(name):
    quick(name)
    if name == "copy-task.toml":
        pytest.skip(
            "the views of pieces, 52,000 where 2,000 long rows are evaluated at once, are not predicted"
        )
    network, data = some(name, 2000, **{"training.epochs": 1})
    took = taken(lambda: Trainer(CompiledModel(network, data.encoding), data))
    held = sum(map(size, data.splits.values()))
    assert took.trainer.memory == sum(took.predicted.values())
    # The data have been read: what that takes in addition is measured in tests/model/test_loading_memory.py.
    predicted = sum(took.predicted.values()) - took.predicted.get("loading", 0)
    # Orders of rows, tables of indices and the like are not predicted; views of plans, of loops and of batches are no
    # arrays' memory.
    views = sum(took.predicted.get(name, 0) for name in ("loops", "bindings"))
    numbers = predicted - views - BATCH * cut(took.trainer)
    assert 0 <= took.arrays + held - numbers < 0.015 * numbers + 8_000
    # There are plans, views and events, too: Python's own, and the same however many rows there are.
    # Of a loop, there are more: `loops` counts the views of its steps, not the lists that hold them, nor their making.
    own = 600_000 + 3 * took.predicted.get("loops", 0)
    assert took.peak + held - predicted < 0.05 * predicted + own


def cut(trainer):
    """Return how many batches the splits of a training are cut into."""
    plans, rows = trainer.plans, trainer.rows
    feeds = [(plans.step, rows["train"]), *((plans.evaluation, n) for n in rows.values())]
    return sum(-(-n // p.batch) for p, n in feeds if n > p.batch) if plans.batches is None else 0


MNIST_CNN = {"conv2d_1": 26 * 26 * 32 * (2 * 9 * 1 + 1), "conv2d_2": 10 * 10 * 64 * (2 * 9 * 32 + 1)}
"""Two for each weight that an output element sees, and one for its bias; of 11 x 11, the pooling sees 10 x 10."""


def test_the_operations_of_convolutions_are_counted_by_formula():
    network, _ = some("mnist-cnn.toml")
    explanation = explain(network)
    counted = dict.fromkeys(MNIST_CNN, 0)
    for step in explanation.plans.step.steps:
        place = explanation.place_of(step)
        if step.op == "conv2d" and place in counted:
            counted[place] += step.flops.at(1)
    assert counted == MNIST_CNN


def test_parameters_are_as_many_as_pytorch_counts():
    torch = pytest.importorskip("torch")
    nn = torch.nn
    peers = {
        "mnist-cnn.toml": nn.Sequential(nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3), nn.Linear(1600, 10)),
        "mnist-mlp.toml": nn.Sequential(nn.Linear(784, 512), nn.Linear(512, 256), nn.Linear(256, 10)),
        "digits.toml": nn.Sequential(nn.Linear(64, 128), nn.Linear(128, 64), nn.Linear(64, 10)),
        "two-heads.toml": nn.Sequential(
            nn.Linear(64, 128), nn.Linear(128, 32), nn.Linear(32, 10), nn.Linear(32, 64)
        ),
    }
    for name, module in peers.items():
        if not there(name):
            continue
        network, _ = some(name)
        assert explain(network).as_dict()["parameters"] == sum(p.numel() for p in module.parameters())
