"""Columns of pyarrow's hold the same, to the bit, as their values in Python say."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from specnet.data import FORMATS, load_data
from specnet.data.formats.parquet import row_groups
from specnet.diagnostics import SpecError

arrow = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

VALUES = {
    "whole": [0, -999, 2**53 + 1, -(2**63), 2**63 - 1, None],
    "unsigned": arrow.array([0, 1, 2**64 - 1, 2**53 + 1, None, 7], arrow.uint64()),
    "single": arrow.array([0.1, -0.0, 1e-45, 3.4e38, float("nan"), None], arrow.float32()),
    "half": arrow.array(np.array([0.1, 2, 3, -0.0, 65504, 1], np.float16)),
    "double": [0.1, -999.0, 1e300, 5e-324, float("nan"), None],
    "gaps": arrow.array([None] * 6, arrow.float64()),
    "names": ["a", "-999", "", "b", None, "a"],
    "listed": arrow.DictionaryArray.from_arrays([2, 0, None, 0, 2, 2], ["x", "never", "z"]),
    "flags": [True, False, None, True, True, False],
}


def read(folder, fields):
    try:
        data = load_data(FORMATS.validate(fields), folder, seed=7, dtype="float64")
    except SpecError as error:
        return [(fault.code, fault.message, fault.help) for fault in error.diagnostics]
    split = data.splits["train"]
    return split.inputs.tobytes(), split.targets.tobytes(), data.signature.features


@pytest.mark.parametrize("missing", ["mean", "drop", "most_frequent", "category"])
@pytest.mark.parametrize("type_", ["auto", "number", "category", "boolean"])
@pytest.mark.parametrize("name", VALUES)
def test_numbers_and_categories_are_those_of_the_values(name, type_, missing, tmp_path, monkeypatch):
    array = VALUES[name] if isinstance(VALUES[name], arrow.Array) else arrow.array(VALUES[name])
    held = arrow.chunked_array([array] * 20).combine_chunks()
    pq.write_table(
        arrow.table({"x": held, "y": np.arange(120) % 5}), tmp_path / "t.parquet", row_group_size=50
    )
    own = {} if type_ == "auto" else {"type": type_}
    fields = {"type": "parquet", "path": "t.parquet", "target": "y", "missing_markers": ["", "-999"]}
    fields["columns"] = {"x": {**own, "missing": missing}}
    try:
        found = read(tmp_path, fields)
    except ValidationError:
        return  # such a column has no such setting
    monkeypatch.setattr(row_groups, "ArrowColumn", lambda _, column: column.to_pylist())
    assert read(tmp_path, fields) == found
