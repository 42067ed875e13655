from __future__ import annotations

import json

import numpy as np
import pytest

from specnet.interchange.exporting import WRITERS, Exported
from tests.support.exports import SPECS

safetensors = pytest.importorskip("safetensors")


def test_arrays_and_notes_come_back(tmp_path):
    from safetensors.numpy import load_file

    source = Exported.of(SPECS / "iris.toml")
    WRITERS["safetensors"](tmp_path / "iris.safetensors", source)
    arrays = load_file(tmp_path / "iris.safetensors")
    assert set(source.model.parameters) < set(arrays)
    for name, array in source.model.parameters.items():
        np.testing.assert_array_equal(arrays[name], array)
    (mean,) = (array for name, array in arrays.items() if name.endswith(".mean"))
    assert mean.shape == (4,)
    with safetensors.safe_open(tmp_path / "iris.safetensors", "numpy") as file:
        notes = file.metadata()
    assert json.loads(notes["spec"])["name"] == "iris"
    assert json.loads(notes["encoding"])["raw_shape"] == [4]
