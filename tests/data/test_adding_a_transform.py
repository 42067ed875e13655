"""A transform is one class: that it can be loaded, predicted with, inverted and exported follows from its ops."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

import specnet
from specnet.data.lowered import Fitted
from specnet.data.pipeline import Pipeline
from specnet.data.transforms import TRANSFORMS, Transform
from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.leaves import leaves
from specnet.graph.sizes import BATCH
from specnet.interchange.exporting import WRITERS, Exported, write_numpy
from tests.support.exports import bare, session


def example():
    """Return the transform that CONTRIBUTING.md adds."""
    page = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
    (code,) = re.findall(r"## Adding a transform\n.*?```python\n(.*?)```", page, re.DOTALL)
    scope = {"Transform": Transform, "ops": ops, "Literal": Literal, "Iterable": Iterable, "Value": Value}
    scope |= {"Fitted": Fitted, "Array": np.ndarray, "State": dict}
    exec(compile(code, "CONTRIBUTING.md", "exec", dont_inherit=True), scope)
    return scope["LogRatio"]


ROWS = np.exp(np.random.default_rng(3).normal(size=(60, 2)))
PRICES = 2 * ROWS[:, :1] + ROWS[:, 1:] ** 2


@pytest.fixture
def added():
    with TRANSFORMS.registered(example()) as kind:
        yield kind


def document(folder, **more):
    np.savez(folder / "rows.npz", inputs=ROWS, targets=PRICES)
    transforms = ["log_ratio", "standardize", {"type": "log_ratio", "on": "targets"}]
    plain = {
        "specnet": 1,
        "name": "added",
        "dtype": "float64",
        "loss": "mse",
        "data": {"type": "npz", "path": "rows.npz", "transforms": transforms, **more},
        "layers": [{"type": "dense", "units": 3, "activation": "tanh"}, {"type": "dense", "units": 1}],
        "training": {"epochs": 2},
    }
    (folder / "added.json").write_text(json.dumps(plain))
    return specnet.load(folder / "added.json")


@pytest.mark.usefixtures("added")
def test_it_can_be_loaded_predicted_with_and_exported(tmp_path):
    spec = document(tmp_path)
    result = specnet.run(spec, out=tmp_path / "run")
    logs = np.log(ROWS / ROWS.min(axis=0))
    train = result.data.splits["train"]
    np.testing.assert_allclose(train.inputs, (logs - logs.mean(axis=0)) / logs.std(axis=0), rtol=1e-12)
    np.testing.assert_allclose(train.targets, np.log(PRICES / PRICES.min()), rtol=1e-12, atol=1e-15)
    assert result.data.encoding.target_affine() is None
    predicted = result.model.predict(ROWS)
    np.testing.assert_allclose(
        predicted, np.exp(result.model.forward(train.inputs)) * PRICES.min(), rtol=1e-12
    )
    np.testing.assert_array_equal(specnet.load_run(tmp_path / "run").predict(ROWS), predicted)
    write_numpy(tmp_path / "made.py", Exported.of(tmp_path / "run"), training=False)
    np.testing.assert_allclose(bare(tmp_path / "made.py", ROWS)["predicted"], predicted, rtol=1e-12)


@pytest.mark.usefixtures("added")
def test_it_can_be_exported_to_onnx(tmp_path):
    pytest.importorskip("onnx")
    result = specnet.run(document(tmp_path), out=tmp_path / "run")
    WRITERS["onnx"](tmp_path / "made.onnx", Exported.of(tmp_path / "run"))
    (found,) = session(tmp_path / "made.onnx").run(None, {"inputs": ROWS})
    np.testing.assert_allclose(found, result.model.predict(ROWS), rtol=1e-9)


@pytest.mark.usefixtures("added")
def test_rows_that_stay_in_their_file_go_through_it(tmp_path):
    whole = specnet.run(document(tmp_path))
    lazy = specnet.run(document(tmp_path, load="batches"))
    assert not isinstance(lazy.data.splits["train"].inputs, np.ndarray)
    np.testing.assert_array_equal(lazy.model.parameters.flat, whole.model.parameters.flat)


CHAINS = [
    ["standardize"],
    [{"type": "standardize", "per": "all"}, {"type": "minmax", "range": [-2, 3]}],
    [{"type": "scale", "factor": 0.3, "offset": -1.0}, {"type": "scale", "factor": 7.0}, "minmax"],
    [{"type": "reshape", "shape": [3, -1, 1]}, {"type": "standardize", "per": "channel"}, "flatten"],
]


def pipeline(chain, rows):
    """A chain of transforms that has learnt from some rows."""
    made = Pipeline.of([TRANSFORMS.validate(each) for each in chain], "inputs")
    for _, transform in made.transforms:
        before = Pipeline("inputs", made.transforms[: len(made.states)], made.states)
        made.states.append(transform.fit(before.apply(rows)))
    return made


@pytest.mark.parametrize("chain", CHAINS, ids=str)
def test_rows_come_to_the_same_bits_however_many_there_are_at_once(chain):
    rows = np.random.default_rng(5).normal(3, 2, (20_000, 6))
    made = pipeline(chain, rows)
    whole = made.apply(rows)
    np.testing.assert_array_equal(whole[17:18], made.apply(rows[17:18]))
    np.testing.assert_array_equal(whole[100:137], made.apply(rows[100:137]))
    np.testing.assert_array_equal(made.apply(rows, "float32"), whole.astype(np.float32))
    np.testing.assert_allclose(made.invert(whole), rows, rtol=1e-12, atol=1e-12)
    assert made.apply(rows[:0]).shape == (0, *whole.shape[1:])


def test_plain_numpy_comes_to_the_same_bits():
    rows = np.random.default_rng(5).normal(3, 2, (500, 6))
    low, span = rows.min(axis=0), np.ptp(rows, axis=0)
    scaled = (rows - low) / span * 5.0 + -2.0
    mean, std = scaled.mean(), np.sqrt(np.square(scaled - scaled.mean()).sum() / scaled.size)
    chain = [{"type": "minmax", "range": [-2, 3]}, {"type": "standardize", "per": "all"}]
    np.testing.assert_array_equal(pipeline(chain, rows).apply(rows), (scaled - mean) / std)


def test_one_statistic_for_all_elements_is_a_number_of_the_plan():
    rows = np.random.default_rng(5).normal(3, 2, (50, 4))
    made = pipeline([{"type": "standardize", "per": "all"}, "standardize"], rows)
    known = {name: value.shape for name, value in leaves(made.lower((4,)).graph).items()}
    of_all = {"inputs_0_mean": (), "inputs_0_std": ()}
    of_each = {"inputs_1_mean": (4,), "inputs_1_std": (4,)}
    assert known == {"rows": (BATCH, 4), **of_all, **of_each}
