"""Networks of the shipped documents over some of their rows."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet.data import Split, open_data
from specnet.data.dataset import read_data
from specnet.data.streamed import taken as taken_rows
from specnet.engines.execution import Executable
from specnet.engines.random import streams
from specnet.model.arrays import as_targets
from specnet.model.compiled import CompiledModel
from specnet.model.network import Network
from specnet.model.programs import training_graph
from specnet.model.run_length import run_length
from specnet.passes.pipeline import plan
from tests.support.examples import LONG
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
    given = {"arrays": network.inputs, "target": network.fed_targets.array}
    return spec, read_data(opened, seed=spec.seed, dtype=spec.dtype, **given)


def each(inputs, function):
    """Return what a function makes of an array of inputs, or of each of several by name."""
    return {k: function(a) for k, a in inputs.items()} if isinstance(inputs, dict) else function(inputs)


def size(part):
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
        inputs = each(part.inputs, lambda array, first=first: taken_rows(array, first))
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


def three_steps(network, data, **options):
    """Return the losses of three steps on the first rows, and the parameters after them; plans have the options."""
    train = data.splits["train"]
    x = each(train.inputs, lambda array: np.ascontiguousarray(array[:24], array.dtype.kind + "8"))
    t = as_targets(network, train.targets[:24], x)
    x = x if isinstance(x, dict) else {"inputs": x}
    rows = len(train.targets[:24])
    model = CompiledModel(network, data.encoding)
    update = training_graph(network, run_length(network.spec, len(train.targets)))
    compiled = plan(update.graph, rows, guard="loss", **options)
    slots = {f"slot/{key}": np.full(shape, first) for key, (shape, first) in update.slots.items()}
    bound = Executable(compiled, streams(0, compiled.streams)).bind(rows, model.leaves(**x, **t, **slots))
    losses = []
    for step in range(1, 4):
        with np.errstate(all="ignore"):
            losses.append(bound.step(*({"step": step}[n] for n in compiled.numbers))[0])
    return losses, model.parameters.flat.copy()
