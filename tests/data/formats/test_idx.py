from __future__ import annotations

import contextlib
import gzip
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specnet.diagnostics import SpecError

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx(array: np.ndarray, code: str = "u1") -> bytes:
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, CODES[code], array.ndim]) + sizes + array.astype(f">{code}").tobytes()


IMAGES = np.arange(5 * 3 * 2).reshape(5, 3, 2)
LABELS = np.array([0, 3, 1, 3, 2])
FIELDS = {"type": "idx", "inputs": "x", "targets": "y"}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("code", CODES)
def test_every_type_plain_and_compressed(desk, code, pack):
    desk.write("x", pack(idx(IMAGES, code)))
    desk.write("y", pack(idx(LABELS, code)))
    data = desk.load(**FIELDS, dtype="float32")
    np.testing.assert_array_equal(data.splits["train"].inputs, IMAGES)
    np.testing.assert_array_equal(data.splits["train"].targets, LABELS)
    assert data.signature.inputs == (3, 2)
    assert data.signature.integers
    assert data.signature.class_count == 4
    assert [name for name, _ in data.sources] == ["x", "y"]


def test_signed_labels_below_zero_are_numbers(desk):
    desk.write("x", idx(IMAGES))
    desk.write("y", idx(np.array([-1, 1, -1, 1, 1]), "i2"))
    data = desk.load(**FIELDS)
    assert not data.signature.integers
    assert data.splits["train"].targets.tolist() == [-1, 1, -1, 1, 1]


def test_targets_may_have_axes(desk):
    desk.write("x", idx(IMAGES))
    desk.write("y", idx(IMAGES))
    data = desk.load(**FIELDS)
    assert data.signature.target == (3, 2)
    assert not data.signature.integers


def test_inputs_without_axes_are_rows_of_one(desk):
    desk.write("x", idx(LABELS))
    desk.write("y", idx(LABELS))
    assert desk.load(**FIELDS).signature.inputs == (1,)


def test_splits_and_transforms(desk):
    desk.write("x", idx(IMAGES))
    desk.write("y", idx(LABELS))
    desk.write("x2", idx(IMAGES[:2]))
    desk.write("y2", idx(np.array([7, 0])))
    data = desk.load(
        **FIELDS,
        split={"validation": 0.2},
        test={"inputs": "x2", "targets": "y2"},
        transforms=[{"type": "scale", "factor": 1 / 255}, "flatten"],
    )
    np.testing.assert_allclose(data.splits["test"].inputs, IMAGES[:2].reshape(2, 6) / 255)
    assert data.signature.class_count == 8
    assert {name: len(split) for name, split in data.splits.items()} == {
        "train": 4,
        "validation": 1,
        "test": 2,
    }


PLAIN, PACKED = idx(IMAGES), gzip.compress(idx(IMAGES), mtime=0)
HUGE = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**31, 2**31, 2**31)
CASES = {
    "empty": (b"", "SN531", "`x` is empty"),
    "cut in the magic bytes": (
        PLAIN[:3],
        "SN530",
        "`x` is not an idx file: it starts with the bytes 00 00 08,",
    ),
    "cut in the header": (PLAIN[:10], "SN531", "`x` is truncated within its header"),
    "cut in the elements": (PLAIN[:-1], "SN531", "`x` is truncated: its header declares 5 x 3 x 2 elements"),
    "too long": (PLAIN + b"!", "SN531", "`x` holds more than the 30 bytes that its header declares"),
    "other magic bytes": (
        b"GIF89a..",
        "SN530",
        "`x` is not an idx file: it starts with the bytes 47 49 46 38",
    ),
    "an unknown type": (b"\0\0\x07\1" + PLAIN[4:], "SN530", "`x` is not an idx file"),
    "no axes": (b"\0\0\x08\0" + PLAIN[4:], "SN530", "`x` is not an idx file"),
    "no elements": (idx(np.zeros((5, 0, 3))), "SN543", "`x` holds no elements: its shape is 5 x 0 x 3"),
    "a claim beyond the file": (HUGE, "SN531", "`x` is truncated"),
    "a compressed claim beyond the file": (gzip.compress(HUGE, mtime=0), "SN531", "`x` is truncated"),
    "gzip cut in its header": (PACKED[:6], "SN531", "`x` is damaged: its compressed data end too early"),
    "gzip cut in its data": (PACKED[:-12], "SN531", "`x` is damaged: its compressed data end too early"),
    "gzip without its end": (PACKED[:-4], "SN531", "`x` is damaged: its compressed data end too early"),
    "gzip with another checksum": (
        PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:],
        "SN531",
        "`x` is damaged: CRC check",
    ),
    "gzip of something else": (gzip.compress(b"hello"), "SN530", "`x` is not an idx file"),
    "gzip with rubbish inside": (PACKED[:10] + b"\x07" + PACKED[11:], "SN531", "`x` is damaged: Error -3"),
}


@pytest.mark.parametrize("name", CASES)
def test_damaged_files(desk, name):
    content, code, message = CASES[name]
    desk.write("x", content)
    desk.write("y", idx(LABELS))
    (fault,) = desk.faults(**FIELDS)
    assert (fault.code, fault.path) == (code, ("data", "inputs"))
    assert fault.message.startswith(message)


def test_damaged_labels_are_found_without_loading(desk):
    desk.write("x", idx(IMAGES))
    desk.write("y", gzip.compress(idx(LABELS))[:-3])
    assert desk.fault(**FIELDS).path == ("data", "targets")


def test_rows_must_be_as_many(desk):
    desk.write("x", idx(IMAGES))
    desk.write("y", idx(LABELS[:4]))
    fault = desk.fault(**FIELDS)
    assert (fault.code, fault.path) == ("SN542", ("data", "targets"))
    assert fault.message == "`x` has 5 rows, `y` has 4 rows"


def test_other_images_than_the_training_files(desk):
    desk.write("x", idx(IMAGES))
    desk.write("y", idx(LABELS))
    desk.write("x2", idx(IMAGES[:, :2]))
    fault = desk.fault(**FIELDS, test={"inputs": "x2", "targets": "y"})
    assert (fault.code, fault.path) == ("SN554", ("data", "test"))


def test_numbers_that_are_none(desk):
    array = IMAGES.astype(float)
    array[3, 1, 0] = np.nan
    desk.write("x", idx(array, "f4"))
    desk.write("y", idx(LABELS))
    (fault,) = desk.faults(**FIELDS)
    assert fault.code == "SN513"
    assert fault.message == "inputs of the train split hold nan in row 4 of the data, element [1, 0]"
    (fault,) = desk.faults(**FIELDS, transforms=["standardize"])
    assert fault.message == "inputs of the train split hold nan in row 4 of the data, element [1, 0]"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=80), st.integers(0, 60), st.booleans())
def test_rubbish_is_a_fault_or_data(desk, rubbish, at, packed):
    content = PLAIN[:at] + rubbish
    desk.write("x", gzip.compress(content) if packed else content)
    desk.write("y", idx(LABELS))
    with contextlib.suppress(SpecError):
        desk.load(**FIELDS)
