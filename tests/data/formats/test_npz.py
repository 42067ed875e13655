from __future__ import annotations

import contextlib
import io
import pickle
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from specnet.diagnostics import SpecError

FIELDS = {"type": "npz", "path": "f.npz"}
X = np.arange(24.0).reshape(4, 3, 2)
Y = np.array([0, 2, 1, 2])


def save(desk, name="f.npz", **arrays):
    np.savez(desk.folder / name, **arrays)


@pytest.mark.parametrize("savez", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("kind", ["<f8", ">f8", "<f4", "<f2", "u1", "<i2", ">i4", "<i8", "?"])
def test_arrays_of_numbers(desk, kind, savez):
    x = (X % 2).astype(kind)
    savez(desk.folder / "f.npz", inputs=x, targets=Y)
    data = desk.load(**FIELDS, dtype="float32")
    np.testing.assert_array_equal(data.splits["train"].inputs, X % 2)
    assert data.splits["train"].targets.tolist() == [0, 2, 1, 2]


@pytest.mark.parametrize("kind", ["i1", "u1", "<i2", ">i2", "<u2", "<i4", ">u4", "<i8", ">i8", "<u8"])
def test_whole_number_targets_of_any_type(desk, kind):
    save(desk, inputs=X, targets=Y.astype(kind))
    signature = desk.load(**FIELDS).signature
    assert (signature.integers, signature.class_count) == (True, 3)


@pytest.mark.parametrize("targets", [Y.astype(float), Y.reshape(4, 1), Y > 0, (Y > 0).reshape(4, 1)])
def test_whole_number_targets_in_other_forms(desk, targets):
    save(desk, inputs=X, targets=targets)
    data = desk.load(**FIELDS)
    assert data.signature.integers
    np.testing.assert_array_equal(data.splits["train"].targets, targets.reshape(-1).astype(int), strict=True)


@pytest.mark.parametrize("targets", [Y + 0.5, -Y, -Y.reshape(4, 1), Y + 2**31, np.outer(Y, [1, 2])])
def test_other_targets_are_numbers(desk, targets):
    save(desk, inputs=X, targets=targets)
    data = desk.load(**FIELDS)
    assert not data.signature.integers
    np.testing.assert_array_equal(data.splits["train"].targets, targets)


def test_column_major_arrays(desk):
    save(desk, inputs=np.asfortranarray(X), targets=np.asfortranarray(np.outer(Y, [1.0, 2.0])))
    data = desk.load(**FIELDS)
    np.testing.assert_array_equal(data.splits["train"].inputs, X)
    np.testing.assert_array_equal(data.splits["train"].targets, np.outer(Y, [1.0, 2.0]))


def test_names_of_arrays_and_splits_in_one_file(desk):
    save(desk, "mnist.npz", x_train=X, y_train=Y, x_test=X[:2] + 1, y_test=Y[:2])
    data = desk.load(
        type="npz",
        path="mnist.npz",
        inputs="x_train",
        targets="y_train",
        test={"inputs": "x_test", "targets": "y_test"},
    )
    np.testing.assert_array_equal(data.splits["test"].inputs, X[:2] + 1)
    assert [name for name, _ in data.sources] == ["mnist.npz"]


def test_splits_in_another_file(desk):
    save(desk, inputs=X, targets=Y)
    save(desk, "g.npz", inputs=X[:1], targets=Y[:1])
    data = desk.load(**FIELDS, validation={"path": "g.npz"})
    assert data.signature.rows == {"train": 4, "validation": 1}


def test_a_table_must_name_something(desk):
    with pytest.raises(ValidationError, match="name a `path`"):
        desk.inspect(**FIELDS, test={})


def test_the_same_array_can_be_inputs_and_targets(desk):
    save(desk, a=X)
    data = desk.load(**FIELDS, inputs="a", targets="a")
    np.testing.assert_array_equal(data.splits["train"].inputs, data.splits["train"].targets)


class Planted:
    """An object whose unpickling would be seen."""

    seen = False

    def __reduce__(self):
        return (setattr, (Planted, "seen", True))


def test_pickles_are_never_read(desk):
    save(desk, inputs=np.array([Planted(), 2], dtype=object), targets=Y[:2])
    fault = desk.fault(**FIELDS)
    assert (fault.code, fault.path) == ("SN522", ("data", "inputs"))
    assert fault.message == "array `inputs` of `f.npz` holds pickled objects, not numbers"
    assert not Planted.seen


def test_a_bare_pickle_is_not_read(desk):
    with zipfile.ZipFile(desk.folder / "f.npz", "w") as archive:
        archive.writestr("inputs.npy", pickle.dumps(Planted()))
        archive.writestr("targets.npy", npy(Y))
    assert (
        desk.fault(**FIELDS).message
        == "array `inputs` of `f.npz` cannot be read: it does not start as a .npy file"
    )
    assert not Planted.seen


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.array(["a", "b"]), "holds text"),
        (np.array([1j, 2]), "holds complex numbers"),
        (np.array(["2020-01-01"] * 2, dtype="datetime64[D]"), "holds elements of type M8"),
        (np.zeros(2, dtype=[("a", "f4"), ("b", "i4")]), "holds elements of type V"),
        (np.array(3.0), "is a single number"),
    ],
)
def test_other_arrays_are_refused(desk, array, words):
    save(desk, inputs=array, targets=Y[:2])
    fault = desk.fault(**FIELDS)
    assert fault.code == "SN522"
    assert words in fault.message


def test_arrays_without_elements(desk):
    save(desk, inputs=np.zeros((0, 3)), targets=np.zeros(0))
    assert [f.code for f in desk.found(**FIELDS)] == ["SN543", "SN543"]


def test_numbers_that_are_none(desk):
    x = X.copy()
    x[2, 0, 1] = np.inf
    save(desk, inputs=x, targets=np.array([1.0, np.nan, 2, 3]))
    first, second = desk.faults(**FIELDS)
    assert first.message == "inputs of the train split hold inf in row 3 of the data, element [0, 1]"
    assert second.message == "targets of the train split hold nan in row 2 of the data"


def test_an_absent_array(desk):
    save(desk, X=X, labels=Y)
    fault, other = desk.found(**FIELDS, inputs="x", targets="answers")
    assert (fault.code, fault.path, fault.help) == ("SN521", ("data", "inputs"), "did you mean `X`?")
    assert other.help == "it has `X`, `labels`"


def test_the_key_of_a_fault_in_a_table(desk):
    save(desk, inputs=X, targets=Y)
    fault = desk.fault(**FIELDS, test={"inputs": "other"})
    assert fault.path == ("data", "test", "inputs")


def test_rows_must_be_as_many(desk):
    save(desk, inputs=X, targets=Y[:3])
    fault = desk.fault(**FIELDS)
    assert (fault.code, fault.message) == ("SN542", "`inputs` has 4 rows, `targets` has 3 rows")


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def claim(shape: str) -> bytes:
    """A .npy file of 8 bytes that tells of another shape."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + bytes(8)


def pack(desk, inputs: bytes, targets: bytes = npy(Y)) -> None:
    with zipfile.ZipFile(desk.folder / "f.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inputs.npy", inputs)
        archive.writestr("targets.npy", targets)


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (claim("(10**12,)"), "SN522", "its header is damaged"),
        (claim("(1000000000000,)"), "SN520", "is truncated: its header declares 1000000000000 elements"),
        (claim("(4294967296, 4294967296, 4294967296)"), "SN520", "is truncated"),
        (claim("(-1,)"), "SN522", "gives no shape"),
        (claim("[4]"), "SN522", "gives no shape"),
        (claim("(True,)"), "SN522", "gives no shape"),
        (claim("().__class__"), "SN522", "its header is damaged"),
        (npy(X)[:-8], "SN520", "is truncated"),
        (npy(X) + b"!", "SN520", "is truncated"),
        (npy(X)[:50], "SN522", "its header is truncated"),
        (npy(X)[:9], "SN522", "its header is truncated"),
        (b"", "SN522", "it does not start as a .npy file"),
        (b"\x93NUMPY\x09\x00" + npy(X)[8:], "SN522", ".npy version 9 is not known"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(99), "SN522", "too long"),
        (b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535, "SN522", "its header is damaged"),
    ],
)
def test_damaged_arrays(desk, content, code, words):
    pack(desk, content)
    fault = desk.fault(**FIELDS)
    assert fault.code == code
    assert words in fault.message


def test_what_is_no_npz_file(desk):
    desk.write("f.npz", b"hello")
    assert desk.fault(**FIELDS).code == "SN520"
    desk.write("f.npz", npy(X))
    assert "single array (.npy)" in desk.fault(**FIELDS).help
    save(desk, inputs=X, targets=Y)
    content = (desk.folder / "f.npz").read_bytes()
    desk.write("f.npz", content[: len(content) // 2])
    assert desk.fault(**FIELDS).code == "SN520"


def test_a_changed_byte_is_noticed(desk):
    save(desk, inputs=X, targets=Y)
    content = bytearray((desk.folder / "f.npz").read_bytes())
    at = content.find(X.tobytes()) + 5
    content[at] ^= 1
    desk.write("f.npz", bytes(content))
    (fault,) = desk.faults(**FIELDS)
    assert (fault.code, fault.path) == ("SN520", ("data", "inputs"))
    assert "Bad CRC-32" in fault.message


def test_labels_that_are_damaged_are_found_without_loading(desk):
    y = np.arange(5000) % 7
    save(desk, inputs=np.zeros(5000), targets=y)
    content = bytearray((desk.folder / "f.npz").read_bytes())
    content[content.find(y.tobytes()) + 30_000] ^= 1
    desk.write("f.npz", bytes(content))
    fault = desk.fault(**FIELDS)
    assert (fault.code, fault.path) == ("SN520", ("data", "targets"))


def test_inputs_that_are_damaged_far_inside(desk):
    x = np.arange(5000.0)
    save(desk, inputs=x, targets=np.arange(5000) % 7)
    content = bytearray((desk.folder / "f.npz").read_bytes())
    content[content.find(x.tobytes()) + 30_000] ^= 1
    desk.write("f.npz", bytes(content))
    (fault,) = desk.faults(**FIELDS)
    assert (fault.code, fault.path) == ("SN520", ("data", "inputs"))
    assert "Bad CRC-32" in fault.message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=60), st.integers(0, 250))
def test_rubbish_is_a_fault_or_data(desk, rubbish, at):
    pack(desk, npy(X)[:at] + rubbish + npy(X)[at + len(rubbish) :])
    with contextlib.suppress(SpecError):
        desk.load(**FIELDS)
