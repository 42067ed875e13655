"""Several arrays of an npz file as one input: their rows side by side, whole and in batches."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from specnet.data import FORMATS, load_data
from specnet.data.signature import ColumnSlice
from specnet.data.streamed import taken, whole
from specnet.diagnostics import SpecError

RANDOM = np.random.default_rng(4)
ROWS = 41
IMAGES = RANDOM.integers(0, 255, (ROWS, 4, 3, 1)).astype("u1")
NUMBERS = RANDOM.normal(size=(ROWS, 5))
ONE = RANDOM.normal(size=ROWS).astype("f4")
CLASSES = RANDOM.integers(0, 3, ROWS)
FIELDS = {"type": "npz", "path": "f.npz", "inputs": ["image", "numbers", "one"], "targets": "y"}


@pytest.fixture
def stored(desk):
    np.savez(desk.folder / "f.npz", image=IMAGES, numbers=NUMBERS, one=ONE, y=CLASSES)
    return desk


def flat(*arrays):
    return np.concatenate([array.reshape(len(array), -1) for array in arrays], axis=1)


def test_rows_lie_side_by_side(stored):
    data = stored.load(**FIELDS)
    np.testing.assert_array_equal(data.splits["train"].inputs, flat(IMAGES, NUMBERS, ONE))
    assert data.signature.column_slices == (
        ColumnSlice("image", 0, 12, "number", shape=(4, 3, 1), whole=True),
        ColumnSlice("numbers", 12, 5, "number", shape=(5,)),
        ColumnSlice("one", 17, 1, "number", shape=(1,)),
    )
    assert stored.load(**{**FIELDS, "inputs": "numbers"}).signature.column_slices is None
    assert stored.load(**{**FIELDS, "inputs": ["numbers"]}).signature.column_slices is not None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("inputs", [["image", "numbers", "one"], ["one", "image"], ["image", "image2"]])
@pytest.mark.parametrize("transforms", [[], ["standardize"]])
def test_they_are_the_same_bits_in_batches(desk, dtype, inputs, transforms):
    arrays = {"image": IMAGES, "image2": IMAGES[::-1], "numbers": NUMBERS.astype(">f8"), "one": ONE}
    np.savez(desk.folder / "f.npz", **arrays, y=CLASSES)
    fields = {**FIELDS, "inputs": inputs, "transforms": transforms, "split": {"test": 0.3}}
    held, lazy = (
        load_data(FORMATS.validate({**fields, "load": load}), desk.folder, seed=3, dtype=dtype)
        for load in ("whole", "batches")
    )
    assert lazy.signature.batches == ("inputs",)
    assert lazy.signature.column_slices == held.signature.column_slices
    for name, split in held.splits.items():
        assert whole(lazy.splits[name].inputs).tobytes() == split.inputs.tobytes()
        places = RANDOM.integers(0, len(split), 7)
        assert taken(lazy.splits[name].inputs, places).tobytes() == split.inputs[places].tobytes()


def test_splits_may_name_other_arrays_of_the_same_shapes(stored):
    np.savez(stored.folder / "v.npz", a=IMAGES[:4], b=NUMBERS[:4], c=ONE[:4], y=CLASSES[:4])
    table = {"path": "v.npz", "inputs": ["a", "b", "c"]}
    data = stored.load(**FIELDS, test=table)
    np.testing.assert_array_equal(data.splits["test"].inputs, data.splits["train"].inputs[:4])
    fault = stored.fault(**FIELDS, test={**table, "inputs": ["b", "a", "c"]})
    assert (fault.code, fault.path) == ("SN554", ("data", "test", "inputs"))
    assert fault.message == (
        "the arrays of the test data have rows of [5], [4, 3, 1], [1], of the training data [4, 3, 1], [5], [1]"
    )
    for inputs in ("a", ["a", "b"]):
        with pytest.raises(ValidationError, match="the training rows have 3 arrays of inputs"):
            FORMATS.validate({**FIELDS, "test": {**table, "inputs": inputs}})


def test_what_is_wrong_with_them(stored):
    np.savez(stored.folder / "f.npz", image=IMAGES, numbers=NUMBERS[:9], y=CLASSES)
    fault = stored.fault(**{**FIELDS, "inputs": ["image", "numbers"]})
    assert (fault.code, fault.path) == ("SN542", ("data", "inputs", 1))
    assert fault.message == "`numbers` has 9 rows, `image` has 41 rows"
    fault = stored.fault(**{**FIELDS, "inputs": ["image", "number"]})
    assert (fault.code, fault.path, fault.help) == ("SN521", ("data", "inputs", 1), "did you mean `numbers`?")
    with pytest.raises(ValidationError, match="`image` is named twice"):
        FORMATS.validate({**FIELDS, "inputs": ["image", "image"]})
    with pytest.raises(ValidationError):
        FORMATS.validate({**FIELDS, "inputs": []})
    np.savez_compressed(stored.folder / "f.npz", image=IMAGES, one=ONE, y=CLASSES)
    found = stored.found(**{**FIELDS, "inputs": ["image", "one"], "load": "batches"})
    assert [(d.code, d.path) for d in found] == [
        ("SN573", ("data", "inputs", 0)),
        ("SN573", ("data", "inputs", 1)),
    ]


def test_new_rows_come_as_one_array_or_by_name(stored):
    data = stored.load(**FIELDS, transforms=["standardize"])
    wanted = data.splits["train"].inputs[:6]
    given = {"one": ONE[:6], "numbers": NUMBERS[:6].tolist(), "image": IMAGES[:6], "y": CLASSES}
    np.testing.assert_array_equal(data.encode(given), wanted)
    np.testing.assert_array_equal(data.encode(flat(IMAGES, NUMBERS, ONE)[:6]), wanted)
    for change, code, message in (
        ({"one": ONE}, "SN542", "`one` has 41 rows, `image` has 6 rows"),
        (
            {"numbers": NUMBERS[:6, :3]},
            "SN572",
            "one row of `numbers` has shape [3]; the model was trained on [5]",
        ),
        ({"numbers": [[1, 2], [3]]}, "SN540", "`numbers` is not an array of numbers"),
    ):
        with pytest.raises(SpecError) as refused:
            data.encode({**given, **change})
        (fault,) = refused.value.diagnostics
        assert fault.code == code
        assert fault.message.startswith(message)
    del given["image"]
    with pytest.raises(SpecError, match="there is no `image` among the arrays"):
        data.encode(given)
    with pytest.raises(SpecError, match="no arrays by name"):
        stored.load(**{**FIELDS, "inputs": "numbers"}).encode(given)
