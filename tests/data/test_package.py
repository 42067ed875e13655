from __future__ import annotations

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

import specnet.data
from specnet.data import FORMATS, TRANSFORMS, DataFormat, Transform, inspect_data, load_data
from specnet.diagnostics import SpecError
from specnet.vocabulary.family import Family

SCRIPT = """
import sys
from specnet.data import FORMATS, inspect_data

for fields in (
    {"type": "csv", "path": "f.csv", "target": "y", "transforms": ["standardize"], "split": {"test": 0.5}},
    {"type": "npz", "path": "f.npz", "split": {"test": 0.5, "stratify": True}},
    {"type": "idx", "inputs": "x", "targets": "y"},
    {"type": "inline", "inputs": [[1], [2]], "targets": [0, 1]},
    {"type": "builtin", "name": "digits", "transforms": [{"type": "reshape", "shape": [8, 8, 1]}]},
    {"type": "synthetic", "kind": "spirals"},
):
    FORMATS.validate(fields)
print("numpy" in sys.modules)
"""


def test_numpy_is_imported_only_once_data_are_opened():
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_what_the_package_hands_on():
    assert set(specnet.data.__all__) == {
        "FORMATS",
        "AUGMENTATIONS",
        "TRANSFORMS",
        "Augmentation",
        "Cells",
        "Dataset",
        "Encoding",
        "DataFormat",
        "Sample",
        "Signature",
        "DataSource",
        "OpenedData",
        "Split",
        "SplitSpec",
        "Transform",
        "inspect_data",
        "load_data",
        "open_data",
    }
    for name in specnet.data.__all__:
        assert getattr(specnet.data, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = specnet.data.nothing


def test_the_families():
    assert isinstance(FORMATS, Family)
    assert set(FORMATS.kinds) >= {
        "inline",
        "csv",
        "parquet",
        "npz",
        "npy",
        "idx",
        "images",
        "builtin",
        "synthetic",
    }
    assert set(TRANSFORMS.kinds) >= {"standardize", "minmax", "scale", "flatten", "reshape", "one_hot", "log"}
    assert all(issubclass(kind, DataFormat) for kind in FORMATS)
    assert all(issubclass(kind, Transform) for kind in TRANSFORMS)


def test_the_root_path_is_where_the_reader_stands(desk):
    reader = FORMATS.validate({"type": "inline", "inputs": [["x"]], "targets": [0]})
    for call in (
        lambda: inspect_data(reader, desk.folder, ("grid", 3, "data")),
        lambda: load_data(reader, desk.folder, seed=0, dtype="float32", root_path=("grid", 3, "data")),
    ):
        with pytest.raises(SpecError) as caught:
            call()
        assert caught.value.diagnostics[0].path == ("grid", 3, "data", "inputs", 0, 0)


def peak(fields, folder) -> tuple[float, int]:
    """The most memory that loading takes beyond its result, in bytes."""
    reader = FORMATS.validate(fields)
    load_data(reader, folder, seed=0, dtype="float32")
    tracemalloc.start()
    data = load_data(reader, folder, seed=0, dtype="float32")
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    result = sum(split.inputs.nbytes + split.targets.nbytes for split in data.splits.values())
    assert held < 1.1 * result + 200_000
    return most - result, result


def test_images_are_held_once_as_stored_and_once_as_numbers(desk):
    rows = 4000
    image = np.random.default_rng(1).integers(0, 256, (rows, 40, 40)).astype("u1")
    desk.write(
        "x", bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in image.shape) + image.tobytes()
    )
    desk.write("y", bytes([0, 0, 8, 1]) + rows.to_bytes(4, "big") + bytes(i % 10 for i in range(rows)))
    fields = {"type": "idx", "inputs": "x", "targets": "y", "transforms": ["standardize", "flatten"]}
    extra, result = peak(fields, desk.folder)
    assert result == rows * 1600 * 4 + rows * 8
    assert extra < image.nbytes + 3_000_000


def test_arrays_that_are_ready_are_not_copied(desk):
    x = np.random.default_rng(1).normal(size=(5000, 300)).astype("f4")
    np.savez(desk.folder / "f.npz", inputs=x, targets=np.arange(5000) % 3)
    extra, result = peak({"type": "npz", "path": "f.npz"}, desk.folder)
    assert result > x.nbytes
    assert extra < 2_000_000


def test_tables_are_held_as_numbers_not_as_text(desk):
    rows = 40_000
    cells = "\n".join(f"{i * 0.37:.6f},{i % 97},name{i % 50},{i % 2}" for i in range(rows))
    desk.write("f.csv", f"a,b,c,y\n{cells}\n")
    extra, result = peak({"type": "csv", "path": "f.csv", "target": "y"}, desk.folder)
    assert result > rows * 52 * 4
    assert extra < rows * 40 + 6_000_000


@pytest.mark.parametrize("kind", ["idx", "npz", "csv", "synthetic"])
def test_more_than_the_memory_is_refused_before_it_is_taken(desk, monkeypatch, kind):
    import specnet.data.arrays.stored
    import specnet.data.pipeline

    desk.write("x", bytes([0, 0, 8, 2, 0, 0, 0, 100, 0, 0, 0, 100]) + bytes(10_000))
    desk.write("y", bytes([0, 0, 8, 1, 0, 0, 0, 100]) + bytes(100))
    np.savez(desk.folder / "f.npz", inputs=np.zeros((100, 100)), targets=np.zeros(100))
    desk.write("f.csv", "a,y\n" + "1,2.5\n" * 2000)
    fields = {
        "idx": {"inputs": "x", "targets": "y", "load": "whole"},
        "npz": {"path": "f.npz", "load": "whole"},
        "csv": {"path": "f.csv", "target": "y"},
        "synthetic": {"kind": "blobs", "samples": 2000},
    }[kind]
    for module in (specnet.data.pipeline, specnet.data.arrays.stored):
        monkeypatch.setattr(module, "memory", lambda: 9_000)
    found = desk.faults(type=kind, **fields)
    assert found[0].code == "SN570"
    assert "of the machine's" in found[0].message
    assert ('`load = "batches"`' in (found[0].help or "")) == (kind != "synthetic")
    for module in (specnet.data.pipeline, specnet.data.arrays.stored):
        monkeypatch.setattr(module, "memory", lambda: None)
    desk.load(type=kind, **fields)
