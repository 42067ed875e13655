"""Arrays that stay in their files give the same rows as arrays that are read whole."""

from __future__ import annotations

import gzip
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specnet.data import FORMATS, files, inspect_data, load_data
from specnet.data.arrays import stored
from specnet.data.streamed import StreamedRows, extent, taken, whole
from specnet.diagnostics import RunError, SpecError
from tests.support.examples import examples

RANDOM = np.random.default_rng(3)
X = RANDOM.integers(0, 200, (57, 4, 3))
CLASSES = RANDOM.integers(0, 5, 57)
IDX = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def store(desk, kind, inputs, targets):
    """Write the arrays as files of a kind, and return the reader's fields."""
    if kind == "npz":
        np.savez(desk.folder / "f.npz", inputs=inputs, targets=targets)
        return {"type": "npz", "path": "f.npz"}
    for name, array in (("x", inputs), ("y", targets)):
        if kind == "npy":
            np.save(desk.folder / f"{name}.npy", array)
        else:
            code = array.dtype.str[1:]
            sizes = b"".join(n.to_bytes(4, "big") for n in array.shape)
            head = bytes([0, 0, IDX[code], array.ndim]) + sizes
            desk.write(f"{name}.idx", head + array.astype(f">{code}").tobytes())
    return {"type": kind, "inputs": f"x.{kind}", "targets": f"y.{kind}"}


def both(desk, dtype="float32", seed=7, **fields):
    """Return the data read whole, and in batches."""
    found = []
    for load in ("whole", "batches"):
        reader = FORMATS.validate({**fields, "load": load})
        data = load_data(reader, desk.folder, seed=seed, dtype=dtype)
        assert inspect_data(reader, desk.folder) == data.signature
        found.append(data)
    return found


def check_equal(held, lazy):
    for name, split in held.splits.items():
        other = lazy.splits[name]
        assert isinstance(other.inputs, StreamedRows)
        assert other.inputs.shape == split.inputs.shape
        assert whole(other.inputs).tobytes() == split.inputs.tobytes()
        assert whole(other.targets).tobytes() == split.targets.tobytes()
        places = RANDOM.integers(0, len(split), 9)
        assert taken(other.inputs, places).tobytes() == split.inputs[places].tobytes()
        assert extent(other.targets) == extent(split.targets)
        for a, b in zip(other.at(places), split.at(places), strict=True):
            assert a.tobytes() == b.tobytes()


TRANSFORMS = [
    [],
    ["standardize"],
    [{"type": "scale", "factor": 1 / 255, "offset": -0.5}, "flatten"],
    ["flatten", {"type": "minmax", "range": [-1.0, 1.0]}],
    [{"type": "minmax", "per": "all"}, {"type": "standardize", "per": "channel"}],
]


@pytest.mark.parametrize("kind", ["npz", "npy", "idx"])
@pytest.mark.parametrize("code", ["u1", "<f4", ">f4", "<f8", ">i2", "<i4"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_rows_are_the_same_bits(desk, kind, code, dtype):
    fields = store(desk, kind, X.astype(code), CLASSES.astype("u1"))
    for transforms in TRANSFORMS:
        split = {"validation": 0.2, "test": 0.1, "stratify": True} if transforms else None
        held, lazy = both(desk, dtype, **fields, transforms=transforms, split=split)
        check_equal(held, lazy)
        assert lazy.signature.batches == ("inputs",)
        assert isinstance(lazy.splits["train"].targets, np.ndarray)


@pytest.mark.parametrize("kind", ["<f2", "<f16", "?", "<u8", "<i8"])
def test_elements_of_all_types(desk, kind):
    held, lazy = both(desk, **store(desk, "npy", (X % 2).astype(kind), CLASSES))
    check_equal(held, lazy)


@pytest.mark.parametrize("transforms", [[], [{"type": "standardize", "on": "targets"}, "standardize"]])
def test_wide_targets_stay_in_their_file_too(desk, transforms):
    fields = store(desk, "npz", X.astype("f4"), RANDOM.normal(size=(57, 6)))
    held, lazy = both(desk, **fields, transforms=transforms, split={"test": 0.3})
    assert lazy.signature.batches == ("inputs", "targets")
    assert isinstance(lazy.splits["test"].targets, StreamedRows)
    check_equal(held, lazy)


def test_one_number_a_row_is_a_column_of_inputs_and_one_hot_may_be_made(desk):
    hot = [{"type": "one_hot", "classes": 5}, "flatten"]
    fields = store(desk, "npy", CLASSES.astype("i2"), CLASSES.astype("f4"))
    check_equal(*both(desk, **fields))
    check_equal(*both(desk, **fields, transforms=hot))


def test_splits_with_tables_of_their_own(desk):
    np.savez(desk.folder / "f.npz", a=X.astype("f4"), b=CLASSES, c=X[:9].astype("f4") + 1, d=CLASSES[:9])
    fields = {"type": "npz", "path": "f.npz", "inputs": "a", "targets": "b"}
    check_equal(*both(desk, **fields, test={"inputs": "c", "targets": "d"}, transforms=["standardize"]))


@settings(
    deadline=None, max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(places=st.lists(st.integers(0, 56), max_size=40))
def test_any_places_in_any_order(desk, places):
    if not (desk.folder / "f.npz").exists():
        store(desk, "npz", X.astype("f4"), CLASSES)
    reader = FORMATS.validate({"type": "npz", "path": "f.npz", "load": "batches"})
    rows = load_data(reader, desk.folder, seed=0, dtype="float32").splits["train"].inputs
    assert np.array_equal(taken(rows, np.array(places, np.intp)), X[places].astype("f4"))


def test_large_rows_pass_in_several_pieces(desk):
    wide = RANDOM.normal(size=(7, 300, 400)).astype("f4")
    check_equal(*both(desk, **store(desk, "npy", wide, CLASSES[:7]), transforms=["standardize"]))


def test_values_that_cannot_be_taken_are_found_as_in_whole_arrays(desk):
    x = X.astype("f8")
    x[41, 2, 1] = np.nan
    fields = store(desk, "npy", x, CLASSES)
    faults = [desk.faults(**fields, load=load) for load in ("whole", "batches")]
    assert faults[0] == faults[1]
    assert "in row 42 of the data, element [2, 1]" in faults[0][0].message
    x[41, 2, 1] = 1e300
    store(desk, "npy", x, CLASSES)
    for load in ("whole", "batches"):
        with pytest.raises(SpecError, match="too large for float32 in row 42 of the data"):
            load_data(FORMATS.validate({**fields, "load": load}), desk.folder, seed=0, dtype="float32")


def test_compressed_files_and_scattered_rows_are_refused(desk):
    np.savez_compressed(desk.folder / "f.npz", inputs=X, targets=CLASSES)
    fault = desk.fault(type="npz", path="f.npz", load="batches")
    assert (fault.code, fault.path) == ("SN573", ("data", "inputs"))
    assert "numpy.savez" in fault.help

    fields = store(desk, "npy", np.asfortranarray(X), CLASSES)
    fault = desk.fault(**fields, load="batches")
    assert (fault.code, fault.path) == ("SN573", ("data", "inputs"))
    assert "ascontiguousarray" in fault.help

    fields = store(desk, "idx", X.astype("u1"), CLASSES.astype("u1"))
    packed = gzip.compress((desk.folder / "x.idx").read_bytes())
    desk.write("x.idx.gz", packed)
    fault = desk.fault(**fields | {"inputs": "x.idx.gz"}, load="batches")
    assert (fault.code, fault.path) == ("SN573", ("data", "inputs"))
    assert "gunzip" in fault.help


def test_auto_reads_whole_what_fits_in_half_of_the_memory(desk, monkeypatch):
    fields = store(desk, "npy", X.astype("f4"), CLASSES)
    needed = 2 * X.size * 4
    for memory, batches in ((2 * needed, ()), (2 * needed - 2, ("inputs",)), (None, ())):
        monkeypatch.setattr(files, "memory", lambda size=memory: size)
        assert desk.inspect(**fields).batches == batches
    monkeypatch.setattr(files, "memory", lambda: 100)
    monkeypatch.setattr(stored, "memory", lambda: 100)
    np.savez_compressed(desk.folder / "f.npz", inputs=X, targets=CLASSES)
    found = desk.found(type="npz", path="f.npz")
    assert found[0].code == "SN570"
    assert "numpy.savez" in found[0].help


def test_a_wrong_checksum_is_found_before_anything_is_learnt(desk):
    fields = store(desk, "npz", X.astype("u1"), CLASSES)
    data = bytearray((desk.folder / "f.npz").read_bytes())
    data[data.index(X.astype("u1").tobytes()) + 5] ^= 1
    desk.write("f.npz", bytes(data))
    fault = desk.faults(**fields, load="batches")[0]
    assert fault.code == "SN520"
    assert "CRC" in fault.message


def test_bytes_beyond_the_header_s_are_found(desk):
    fields = store(desk, "idx", X.astype("u1"), CLASSES.astype("u1"))
    desk.write("x.idx", (desk.folder / "x.idx").read_bytes() + b"\0")
    assert desk.faults(**fields, load="batches")[0].code == "SN531"


def test_a_file_that_changes_is_noticed_and_one_cut_off_kills_nothing(desk):
    fields = store(desk, "npy", RANDOM.normal(size=(2000, 50)).astype("f4"), np.arange(2000) % 3)
    reader = FORMATS.validate({**fields, "load": "batches"})
    rows = load_data(reader, desk.folder, seed=0, dtype="float32").splits["train"].inputs.apart()
    rows.begin()
    path = desk.folder / "x.npy"
    os.truncate(path, 2000)
    with pytest.raises(RunError, match=r"`x\.npy` has changed while it was being used: it is truncated"):
        taken(rows, np.array([1999]))
    with pytest.raises(RunError, match="it has been written to"):
        rows.begin()
    path.unlink()
    with pytest.raises(RunError, match="can no longer be read"):
        rows.begin()


@pytest.mark.parametrize(
    ("content", "code", "text"),
    [
        (b"", "SN520", "does not start like one"),
        (b"PK\3\4 and so on", "SN520", "does not start like one"),
        (b"\x93NUMPY\1\0", "SN522", "header is truncated"),
    ],
)
def test_files_that_are_no_npy(desk, content, code, text):
    fields = store(desk, "npy", X, CLASSES)
    desk.write("x.npy", content)
    fault = desk.fault(**fields)
    assert fault.code == code
    assert text in fault.message
    assert fault.path == ("data", "inputs")


def test_npy_arrays_of_other_than_numbers(desk):
    fields = store(desk, "npy", X, CLASSES)
    np.save(desk.folder / "x.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    fault = desk.fault(**fields)
    assert (fault.code, fault.help) == ("SN522", "specnet never reads pickles")
    np.save(desk.folder / "x.npy", X[:5])
    assert desk.fault(**fields).code == "SN542"
    store(desk, "npy", X, CLASSES)
    os.truncate(desk.folder / "x.npy", 300)
    assert desk.fault(**fields).code == "SN520"
