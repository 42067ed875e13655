"""Targets that are the inputs, for autoencoders."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from specnet.data import FORMATS as FAMILY
from specnet.data import load_data
from specnet.data.streamed import whole

IDX = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6])


@pytest.fixture
def files(desk):
    desk.write("f.csv", "a,c,inputs\n1,u,5\n2,v,6\n")
    desk.write("x.idx", IDX)
    np.savez(desk.folder / "f.npz", inputs=np.arange(6).reshape(2, 3), targets=[0, 1])
    np.save(desk.folder / "x.npy", np.arange(6.0).reshape(2, 3))
    np.savez(desk.folder / "x.npz", x=np.ones((2, 3)), inputs=np.zeros((2, 9)))
    return desk


FORMATS = {
    "csv": {"type": "csv", "path": "f.csv", "target": "inputs", "test": {"path": "f.csv"}},
    "npz": {"type": "npz", "path": "f.npz", "targets": "inputs", "test": {"path": "f.npz"}},
    "npz by another name": {"type": "npz", "path": "x.npz", "inputs": "x", "targets": "inputs"},
    "idx": {"type": "idx", "inputs": "x.idx", "targets": "inputs", "test": {"inputs": "x.idx"}},
    "npy": {"type": "npy", "inputs": "x.npy", "targets": "inputs", "test": {"inputs": "x.npy"}},
    "inline": {
        "type": "inline",
        "inputs": [[1, 2], [3, 4]],
        "targets": "inputs",
        "test": {"inputs": [[5, 6]]},
    },
    "builtin": {"type": "builtin", "name": "digits", "target": "inputs", "split": {"test": 0.2}},
    "synthetic": {"type": "synthetic", "kind": "moons", "target": "inputs", "test": {"samples": 7}},
}


@pytest.mark.parametrize("fields", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("transforms", [[], ["standardize", {"type": "reshape", "shape": [1, -1]}]])
def test_the_targets_are_the_inputs_array_itself(files, fields, transforms):
    data = files.load(**fields, transforms=transforms)
    signature = data.signature
    assert (signature.target, signature.target_kind, signature.classes) == (signature.inputs, "number", None)
    assert not signature.integers
    for split in data.splits.values():
        assert split.targets is split.inputs


def test_all_columns_are_features_but_those_left_out(files):
    fields = {"type": "csv", "path": "f.csv", "target": "inputs"}
    assert files.inspect(**fields).features == ("a", "c=u", "c=v", "inputs")
    assert files.inspect(**fields, exclude=["a"]).features == ("c=u", "c=v", "inputs")
    assert files.inspect(type="csv", path="f.csv", target=2).features == ("a", "c=u", "c=v")


@pytest.mark.parametrize("fields", FORMATS.values(), ids=FORMATS)
def test_reconstructions_come_in_the_inputs_units(files, fields):
    transforms = [
        "minmax",
        {"type": "scale", "factor": 3.0, "offset": 1.0},
        {"type": "reshape", "shape": [-1, 1]},
    ]
    data = files.load(**fields, transforms=transforms)
    raw = files.load(**fields).splits["train"].inputs
    np.testing.assert_allclose(
        data.encoding.decode(data.splits["train"].targets), raw, rtol=1e-12, atol=1e-12
    )


def test_a_scale_of_columns_is_undone_too(files):
    data = files.load(type="csv", path="f.csv", target="inputs", scale="standardize")
    raw = [[1, 1, 0, 5], [2, 0, 1, 6]]
    np.testing.assert_allclose(data.encoding.decode(data.splits["train"].inputs), raw, rtol=1e-12)


def test_classes_to_stratify_by_are_gone(files):
    fields = {"type": "builtin", "name": "iris", "target": "inputs"}
    fault = files.fault(**fields, split={"test": 0.2, "stratify": True})
    assert (fault.code, fault.path) == ("SN552", ("data", "split", "stratify"))


FAULTY = [
    (FORMATS["csv"] | {"transforms": [{"type": "minmax", "on": "targets"}]}, "so no transform can have"),
    (FORMATS["idx"] | {"test": {"inputs": "x.idx", "targets": "y.idx"}}, "leave `targets` out"),
    (FORMATS["npz"] | {"test": {"path": "f.npz", "targets": "targets"}}, "leave `targets` out"),
    (FORMATS["inline"] | {"test": {"inputs": [[1, 2]], "targets": [[1, 2]]}}, "leave `targets` out"),
    (FORMATS["idx"] | {"targets": "y.idx"}, "`targets` is missing: test needs it"),
    (FORMATS["inline"] | {"targets": [0, 1]}, "`targets` is missing: test needs it"),
    ({"type": "builtin", "name": "iris", "target": "outputs"}, "'inputs'"),
]


@pytest.mark.parametrize(("fields", "words"), FAULTY, ids=[words for _, words in FAULTY])
def test_faulty_fields(desk, fields, words):
    with pytest.raises(ValidationError, match=words):
        desk.inspect(**fields)


@pytest.mark.parametrize("name", ["npz", "npy", "idx"])
def test_arrays_that_are_their_own_targets_stay_in_their_file(files, name):
    fields = {**FORMATS[name], "transforms": ["standardize"]}
    held, lazy = (
        load_data(FAMILY.validate({**fields, "load": load}), files.folder, seed=1, dtype="float32")
        for load in ("whole", "batches")
    )
    assert lazy.signature.batches == ("inputs",)
    assert lazy.signature.target == held.signature.target
    for part, split in lazy.splits.items():
        assert split.targets is split.inputs
        assert whole(split.inputs).tobytes() == held.splits[part].inputs.tobytes()
