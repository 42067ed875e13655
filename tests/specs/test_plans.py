"""What every shipped document is compiled to: the same numbers however it is compiled, and nothing left to chance."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet.analysis.explanation import explain
from specnet.data import Split, open_data
from specnet.data.dataset import read_data
from specnet.data.streamed import taken as taken_rows
from specnet.engines.execution import Executable
from specnet.model.arrays import as_targets
from specnet.model.compiled import CompiledModel, streams
from specnet.model.network import Network
from specnet.model.programs import training_graph
from specnet.model.settings import run_length
from specnet.passes.pipeline import plan
from specnet.training.loop import Trainer
from tests.support.examples import LONG
from tests.support.memory import growth_of_epochs, taken
from tests.support.shipped import ELSEWHERE, there

SPECS = Path(__file__).parents[2] / "specs"
FILES = sorted(path.name for path in SPECS.iterdir() if path.is_file() and path.name != "specnet.schema.json")
ROWS = 400


SLOW = (
    "adding",
    "addition",
    "fashion-resnet",
    "forecast-lstm",
    "names",
    "shakespeare",
    "text-",
    "ucr-",
    "vowels",
)
"""What the names of documents begin with that take long, and have much in common with others."""


ALIKE = ("names-", "shakespeare-", "text-", "ucr-")
"""What the names of documents begin with whose plans are much like those of others."""


def quick(name):
    if name.startswith(SLOW) and not LONG:
        pytest.skip("with the long checks only")


def needs_data(name):
    if not there(name):
        pytest.skip(f"the folder {ELSEWHERE[name]} is not in $SPECNET_DATA")


@cache
def everything(name):
    spec = specnet.load(SPECS / name)
    opened = open_data(spec.data, spec.source.folder)
    network = Network(spec, opened.signature)
    given = {"arrays": network.inputs, "target": network.target_array}
    return spec, read_data(opened, seed=spec.seed, dtype=spec.dtype, **given)


def _each(inputs, function):
    """Return what a function makes of an array of inputs, or of each of several by name."""
    return {k: function(a) for k, a in inputs.items()} if isinstance(inputs, dict) else function(inputs)


def _size(part):
    """Return the bytes of a split."""
    inputs = part.inputs.values() if isinstance(part.inputs, dict) else [part.inputs]
    scales = 0 if part.scales is None else part.scales.nbytes
    return sum(a.nbytes for a in inputs) + part.targets.nbytes * (part.targets is not part.inputs) + scales


def some(name, rows=ROWS, **overrides):
    """Return a document, as overridden, with a network over the first rows of its data."""
    needs_data(name)
    _, data = everything(name)
    if "training.epochs" in overrides and everything(name)[0].training.steps is not None:
        overrides |= {"training.steps": None, "training.validate_every": 1}
    spec = specnet.load(SPECS / name, overrides=overrides)
    splits = {}
    for split, part in data.splits.items():
        first = np.arange(min(rows, len(part.targets)))
        inputs = _each(part.inputs, lambda array, first=first: taken_rows(array, first))
        own = part.targets is not part.inputs  # those of an autoencoder are its inputs
        scales = None if part.scales is None else part.scales[first]
        splits[split] = Split(inputs, taken_rows(part.targets, first) if own else inputs, scales=scales)
    counts = {split: len(part.targets) for split, part in splits.items()}
    # Those that stay in files, or are windows of one array, are held here.
    signature = replace(data.signature, rows=counts, batches=(), reading=0, passing=0, held=0)
    data = replace(
        data, splits=splits, signature=signature, encoding=replace(data.encoding, signature=signature)
    )
    return Network(spec, signature), data


@pytest.mark.parametrize("name", FILES)
def test_optimised_and_unoptimised_plans_agree(name):
    if name.startswith(ALIKE):
        quick(name)
    network, data = some(name, dtype="float64", **{"training.optimizer.learning_rate": 1e-3})
    train = data.splits["train"]
    x = _each(train.inputs, lambda array: np.ascontiguousarray(array[:24], array.dtype.kind + "8"))
    t = as_targets(network, train.targets[:24], x)
    x = x if isinstance(x, dict) else {"inputs": x}
    rows = len(train.targets[:24])
    made = []
    for optimise in (True, False):
        model = CompiledModel(network, data.encoding)
        update = training_graph(network, run_length(network.spec, len(train.targets)))
        compiled = plan(update.graph, rows, guard="loss", optimise=optimise)
        slots = {f"slot/{key}": np.full(shape, first) for key, (shape, first) in update.slots.items()}
        bound = Executable(compiled, streams(0, compiled.streams)).bind(rows, model.leaves(**x, **t, **slots))
        losses = []
        for step in range(1, 4):
            with np.errstate(all="ignore"):
                losses.append(bound.step(*({"step": step}[n] for n in compiled.numbers))[0])
        made.append((losses, model.parameters.flat.copy()))
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
    held = sum(map(_size, data.splits.values()))
    assert took.trainer.memory == sum(took.predicted.values())
    # The data have been read: what that takes in addition is measured in tests/model/test_loading_memory.py.
    predicted = sum(took.predicted.values()) - took.predicted.get("loading", 0)
    # Orders of rows, tables of indices and the like are not predicted; the views of loops are no arrays' memory.
    numbers = predicted - took.predicted.get("loops", 0)
    assert 0 <= took.arrays + held - numbers < 0.015 * numbers + 8_000
    # There are plans, views and events, too: Python's own, and the same however many rows there are.
    # Of a loop, there are more: `loops` counts the views of its steps, not the lists that hold them, nor their making.
    own = 600_000 + 3 * took.predicted.get("loops", 0)
    assert took.peak + held - predicted < 0.05 * predicted + own


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
