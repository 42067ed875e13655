"""Samples hold what is read."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from specnet.data import FORMATS, open_data
from specnet.data.sample import BYTES, MAXIMUM, WIDEST
from specnet.diagnostics import SpecError

TYPES = ["?", "<f2", "u1", "i1", "<u2", ">u2", "<i4", ">i4", "<u8", ">i8", "<f4", ">f4", "<f8", ">f8"]


def samples(desk, **fields):
    return open_data(FORMATS.validate(fields), desk.folder).source.samples()


@pytest.mark.parametrize("kind", TYPES)
def test_npz(kind, desk):
    inputs, targets = np.arange(12).reshape(6, 2).astype(kind), np.arange(6).astype(kind)
    np.savez(desk.folder / "a.npz", inputs=inputs, targets=targets)
    train = samples(desk, type="npz", path="a.npz")["train"]
    assert [list(column.values) for column in train.inputs] == inputs.T.tolist()
    assert [column.name for column in train.inputs] == ["input 0", "input 1"]
    assert list(train.targets[0].values) == list(targets)
    assert (train.table, train.rows) == (False, 6)


def test_rows_that_are_scattered_over_the_file_are_not_sampled(desk):
    inputs = np.asfortranarray(np.arange(12.0).reshape(6, 2))
    np.savez(desk.folder / "a.npz", inputs=inputs, targets=np.arange(6.0))
    assert samples(desk, type="npz", path="a.npz") == {}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("kind", "code"), [("u1", 8), (">i4", 12), (">f4", 13), (">f8", 14)])
def test_idx(kind, code, packed, desk):
    def write(name, array):
        header = bytes([0, 0, code, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
        data = header + array.astype(kind).tobytes()
        desk.write(name, gzip.compress(data) if packed else data)

    images = np.arange(24).reshape(3, 4, 2)
    write("x", images)
    write("y", np.arange(3))
    train = samples(desk, type="idx", inputs="x", targets="y")["train"]
    assert [list(column.values) for column in train.inputs] == images.reshape(3, 8).T.tolist()
    assert list(train.targets[0].values) == [0, 1, 2]


def test_of_a_large_array_only_the_first_rows_are_read(desk):
    rows = BYTES // (8 * 100) + 50
    inputs = np.random.default_rng(1).random((rows, 100))
    np.savez(desk.folder / "a.npz", inputs=inputs, targets=np.arange(float(rows)))
    (column,) = samples(desk, type="npz", path="a.npz")["train"].inputs
    assert WIDEST < 100
    assert list(column.values) == inputs[: rows - 50].ravel().tolist()
    assert len(column.few()) <= MAXIMUM


def test_damage_further_on_is_told(desk):
    inputs = np.random.default_rng(1).integers(0, 256, (50, 40), dtype=np.uint8)
    np.savez_compressed(desk.folder / "a.npz", inputs=inputs, targets=np.arange(50.0))
    data = bytearray((desk.folder / "a.npz").read_bytes())
    data[1500] ^= 255
    desk.write("a.npz", bytes(data))
    with pytest.raises(SpecError) as caught:
        samples(desk, type="npz", path="a.npz")
    assert [d.code for d in caught.value.diagnostics] == ["SN520"]
    header = bytes([0, 0, 8, 2, 0, 0, 0, 9, 0, 0, 0, 200])
    desk.write("x", gzip.compress(header + bytes(range(200)) * 9, mtime=0)[:-60])
    desk.write("y", bytes([0, 0, 8, 1, 0, 0, 0, 9]) + bytes(9))
    with pytest.raises(SpecError) as caught:
        samples(desk, type="idx", inputs="x", targets="y")
    assert [d.code for d in caught.value.diagnostics] == ["SN531"]


def test_csv(desk):
    desk.write("a.csv", "a,b,y\n1,u,p\n2.5,v,q\n,u,p\n")
    desk.write("t.csv", "y,b,a\nq,v,7\n")
    found = samples(desk, type="csv", path="a.csv", target="y", missing="mean", test={"path": "t.csv"})
    number, text = found["train"].inputs
    assert (number.name, number.kind, list(number.values[:2])) == ("a", "number", [1.0, 2.5])
    assert np.isnan(number.values[2])
    assert (text.name, text.kind, text.categories, list(text.values)) == ("b", "text", ("u", "v"), [0, 1, 0])
    assert list(found["train"].targets[0].values) == [0, 1, 0]
    assert [list(column.values) for column in found["test"].inputs] == [[7.0], [1]]
    assert found["train"].table


def test_inline(desk):
    found = samples(
        desk,
        type="inline",
        inputs=[[[1, 2], [3, 4]], [[5, 6], [7, 8]]],
        targets=["no", "yes"],
        test={"inputs": [[[0, 0], [0, 0]]], "targets": ["yes"]},
    )
    assert [list(column.values) for column in found["train"].inputs] == [[1, 5], [2, 6], [3, 7], [4, 8]]
    assert [list(column.values) for column in found["train"].targets] == [[0, 1]]
    assert found["test"].targets[0].categories == ("no", "yes")
    plain = samples(desk, type="inline", inputs=[1, 2], targets=[[1, 2], [3, 4]])["train"]
    assert [list(column.values) for column in (*plain.inputs, *plain.targets)] == [[1, 2], [1, 3], [2, 4]]


def test_there_are_none_of_what_is_made_or_shipped(desk):
    assert samples(desk, type="builtin", name="iris") == {}
    assert samples(desk, type="synthetic", kind="moons") == {}
