"""A training on rows that stay where they are comes to the same, bit for bit, as on arrays."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import specnet
from specnet.analysis.evidence import verdict_of
from specnet.analysis.gradients import check_gradients
from specnet.data import Split
from specnet.diagnostics import RunError
from specnet.model.compiled import CompiledModel
from specnet.training.loop import Trainer


class Far:
    """Rows that are only given out in batches."""

    window = 0

    def __init__(self, array):
        self._array = array
        self.shape, self.dtype = array.shape, array.dtype
        self.begun, self.asked, self.gone = 0, [], False

    def __len__(self):
        return len(self._array)

    def begin(self, *, shuffled=False):
        self.begun, self.shuffled = self.begun + 1, shuffled
        if self.gone:
            raise RunError("the rows have gone")

    def expect(self, parts):
        self.expected = parts

    def fetch(self, places, out):
        self.asked.append(len(places))
        np.take(self._array, places, 0, out)

    def apart(self):
        return self


def document(**training):
    data = {"type": "synthetic", "kind": "blobs", "samples": 150, "split": {"validation": 0.3}}
    layers = [{"type": "dense", "units": 3}, {"type": "dropout", "rate": 0.2}]
    return specnet.load(
        json.dumps(
            {
                "specnet": 1,
                "name": "far",
                "data": data,
                "layers": layers,
                "training": {"epochs": 3, **training},
            }
            | {"loss": "cross_entropy"}
        )
    )


def compiled(spec):
    from specnet.runs.compiling import compile_spec

    model, data = compile_spec(spec)
    return model, data


@pytest.mark.parametrize("batch_size", [16, "full"])
def test_lazy_rows_train_as_arrays_do(batch_size):
    spec = document(batch_size=batch_size)
    model, data = compiled(spec)
    held = {name: Split(Far(s.inputs), s.targets) for name, s in data.splits.items()}
    lazy = replace(data, splits=held)
    other = CompiledModel(model.network, data.encoding)
    ended = [list(Trainer(model, data).events())[-1], list(Trainer(other, lazy).events())[-1]]
    assert model.parameters.flat.tobytes() == other.parameters.flat.tobytes()
    assert ended[0].splits == ended[1].splits
    verdicts = [verdict_of(m, d, [], e.splits) for m, d, e in
                ((model, data, ended[0]), (other, lazy, ended[1]))]  # fmt: skip
    assert verdicts[0] == verdicts[1]
    train = held["train"].inputs
    if batch_size == 16:
        assert train.begun == 3  # an evaluation in one batch has fetched its rows once for all
        assert max(train.asked) <= 105
    else:
        assert train.asked[0] == 105


@pytest.mark.parametrize("batch_size", [16, "full"])
@pytest.mark.parametrize("several", [False, True])
def test_lazy_rows_that_are_their_own_targets_are_read_once(batch_size, several):
    spec = reproducing(several, batch_size)
    model, data = compiled(spec)
    far = {name: Far(s.inputs) for name, s in data.splits.items()}
    lazy = replace(data, splits={name: Split(rows, rows) for name, rows in far.items()})
    other = CompiledModel(model.network, data.encoding)
    ended = [list(Trainer(model, data).events())[-1], list(Trainer(other, lazy).events())[-1]]
    assert model.parameters.flat.tobytes() == other.parameters.flat.tobytes()
    assert ended[0].splits == ended[1].splits
    asked = sum(far["train"].asked)
    assert asked == (3 * 105 + 105 if batch_size == 16 else 2 * 105)
    verdicts = [verdict_of(m, d, [], e.splits) for m, d, e in
                ((model, data, ended[0]), (other, lazy, ended[1]))]  # fmt: skip
    assert verdicts[0] == verdicts[1]


def reproducing(several, batch_size):
    text = json.loads(json.dumps(TEXT))
    text["data"]["target"] = "inputs"
    text["training"]["batch_size"] = batch_size
    if several:
        text["layers"][0] |= {"units": 2, "name": "one"}
        text["layers"][1] = {"type": "dense", "units": 2, "name": "two"}
        text["outputs"] = {"one": {"loss": "mse", "target": "inputs"}, "two": {"loss": "mae"}}
    else:
        text["layers"][0]["units"] = 2
        text["loss"] = "mse"
    return specnet.load(json.dumps(text))


TEXT = {
    "specnet": 1,
    "name": "far",
    "data": {"type": "synthetic", "kind": "blobs", "samples": 150, "split": {"validation": 0.3}},
    "layers": [{"type": "dense", "units": 3}, {"type": "dropout", "rate": 0.2}],
    "training": {"epochs": 3},
}


def test_gradients_are_checked_on_lazy_rows():
    spec = document().model_copy(update={"dtype": "float64"})
    model, data = compiled(spec)
    found = check_gradients(model, data)
    splits = {name: Split(Far(s.inputs), s.targets) for name, s in data.splits.items()}
    assert check_gradients(model, replace(data, splits=splits)) == found


def test_what_is_missing_ends_the_training_at_the_next_epoch():
    model, data = compiled(document(batch_size=16, epochs=5))
    far = Far(data.splits["train"].inputs)
    data = replace(data, splits={**data.splits, "train": Split(far, data.splits["train"].targets)})
    done = []

    def watch():
        for event in Trainer(model, data).events():
            if isinstance(event, specnet.EpochEnded):
                done.append(event.epoch)
                far.gone = event.epoch == 2

    with pytest.raises(RunError, match="the rows have gone"):
        watch()
    assert done == [1, 2]
