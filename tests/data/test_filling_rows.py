"""Few rows are written as `Encoding.put` writes any number of them, and refused where it refuses them."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.data import filling_rows
from specnet.data.filling_rows import filler
from specnet.data.lowered import arithmetic
from specnet.engines.execution import row_writer

INPUTS = [[1.0, 2.0], [3.0, 4.0], [5.0, 8.0]]
TABLE = "a,b,y\n1,2,0\n3,4,1\n5,8,0\n"
ROWS = {
    "numbers": np.array([[0.5, 7.0]]),
    "single precision": np.array([[0.1, 7.3]], np.float32),
    "integers": np.array([[3, 250]], np.uint8),
    "truths": np.array([[True, False]]),
    "several": np.array(INPUTS),
    "large, of which squares are not finite": np.array([[1e30, 2e30]]),
    "too large for single precision": np.array([[1e300, 1.0]]),
    "NaN": np.array([[np.nan, 1.0]]),
    "infinite": np.array([[1.0, -np.inf]]),
    "not what a logarithm takes": np.array([[1.0, -2.0]]),
}


@pytest.mark.parametrize("table", [False, True])
@pytest.mark.parametrize("transforms", [[], ["standardize"], ["log"], [{"type": "scale", "factor": 2.0}]])
@pytest.mark.parametrize(
    "short", [filling_rows.SHORT, 0, None, -1], ids=["short", "long", "compiled", "in place"]
)
def test_as_any_number_of_rows(desk, monkeypatch, table, transforms, short):
    writer = None
    if short is None or short < 0:
        pytest.importorskip("numba")
        writer = row_writer()
        monkeypatch.setattr(filling_rows, "WORTH_READING", 1 << 12 if short is None else 0)
    else:
        monkeypatch.setattr(filling_rows, "SHORT", short)
    if table:
        desk.write("t.csv", TABLE)
        fields = {"type": "csv", "path": "t.csv", "target": "y"}
    else:
        fields = {"type": "inline", "inputs": INPUTS, "targets": [0, 1, 0]}
    encoding = desk.load(**fields, transforms=transforms).encoding
    (only,) = encoding.arrays
    for name, rows in ROWS.items():
        out, expected = (np.empty((len(rows), *only.shape), only.dtype) for _ in range(2))
        write = filler(encoding, out, writer)
        with np.errstate(all="ignore"):
            apart = np.frombuffer(b"." + rows.tobytes(), rows.dtype, offset=1).reshape(rows.shape)
            for given in (rows, np.asfortranarray(rows[::-1]), apart, rows):
                able = encoding.put(given, expected)
                assert write(given) == able, name
                assert not able or out.tobytes() == expected.tobytes(), name


def test_what_arithmetic_is_made_of(desk):
    def steps(*transforms):
        encoding = desk.load(
            type="inline", inputs=INPUTS, targets=[0, 1, 0], transforms=list(transforms)
        ).encoding
        return arithmetic(encoding.inputs.lower(encoding.raw_shape))

    scaled = steps({"type": "scale", "factor": 2.0, "offset": 1.0}, "standardize")
    assert scaled is not None
    assert [name for name, _ in scaled] == ["multiply", "add", "subtract", "divide"]
    assert [numbers.shape for _, numbers in scaled] == [(), (), (2,), (2,)]
    assert steps("log", "standardize") is None
