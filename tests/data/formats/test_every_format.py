"""What holds of every data format, for the small data sets of `tests/support/format_rows.py`."""

from __future__ import annotations

import json
from pathlib import Path
from types import NoneType
from typing import Any, get_args

import numpy as np
import pytest

from specnet.data import FORMATS, Encoding, labelled, load_data, open_data, row_files
from specnet.data.streamed import whole, whole_inputs
from specnet.diagnostics import SpecError
from specnet.diagnostics.rules import RULES
from tests.support.format_rows import TABLE, Row

each = pytest.mark.parametrize("row", TABLE, ids=lambda row: row.type)
OF_FILES = [row for row in TABLE if row.inputs is not None and row.type != "inline" and row.passed is None]


class Written:
    """A row's data set in a folder."""

    def __init__(self, row: Row, folder: Path) -> None:
        if row.type == "parquet":
            pytest.importorskip("pyarrow")
        if row.type == "images":
            pytest.importorskip("PIL")
        self.row, self.folder = row, folder
        self.keys = {"type": row.type, **row.write(folder, row.inputs, row.targets)}
        self.passed = None if row.passed is None else row.passed(row.inputs, row.targets)
        self.files = sorted(path for path in folder.rglob("*") if path.is_file())

    def format(self, **more: Any) -> Any:
        return FORMATS.validate({**self.keys, **more})

    def load(self, **more: Any) -> Any:
        return self.read(self.format(**more))

    def read(self, data_format: Any) -> Any:
        return load_data(data_format, self.folder, seed=3, dtype="float64", passed=self.passed)

    def open(self, **more: Any) -> Any:
        return open_data(self.format(**more), self.folder, passed=self.passed)


@pytest.fixture
def written(row: Row, tmp_path: Path) -> Written:
    return Written(row, tmp_path)


APART = {"pairs", "series"}
"""Formats whose examples are not the rows of a file, and have tests of their own."""


def test_every_format_has_a_row():
    assert sorted(row.type for row in TABLE) == sorted(set(FORMATS.kinds) - APART)


@each
def test_what_is_described_is_what_is_read(written):
    data, row = written.load(), written.row
    signature = written.open().signature
    assert signature == data.signature
    train = data.splits["train"]
    assert train.inputs.shape == (signature.rows["train"], *signature.inputs)
    assert train.targets.shape == (signature.rows["train"], *signature.target)
    assert train.targets.dtype == (np.int64 if signature.integers else np.float64)
    assert signature.class_count == train.targets.max() + 1
    if row.inputs is not None:
        np.testing.assert_array_equal(train.inputs, row.inputs)
        np.testing.assert_array_equal(train.targets, row.targets)


@each
def test_samples_are_of_the_rows_that_are_read(written):
    opened, row = written.open(), written.row
    samples = opened.source.samples()
    assert bool(samples) == (row.inputs is not None and not row.is_text)
    for sample in samples.values():
        values = np.concatenate([column.values for column in sample.inputs])
        assert len(values)
        assert np.isin(values, row.inputs).all()
        (target,) = sample.targets
        assert np.isin(target.values, row.targets).all()
        if sample.table:
            np.testing.assert_array_equal(values.reshape(-1, len(row.inputs)).T, row.inputs)
            np.testing.assert_array_equal(target.values, row.targets)


@each
def test_a_stratified_split_has_every_class(written):
    data = written.load(split={"test": 0.25, "stratify": True})
    assert data.signature == written.open(split={"test": 0.25, "stratify": True}).signature
    counts = {name: np.bincount(split.targets) for name, split in data.splits.items()}
    np.testing.assert_allclose(counts["test"] / (counts["train"] + counts["test"]), 0.25, atol=0.05)


NUMBERS = [row for row in TABLE if not row.is_text]


@pytest.mark.parametrize("row", NUMBERS, ids=lambda row: row.type)
def test_the_targets_can_be_the_inputs(written):
    aim = written.format().aim
    train = written.load(**{aim: "inputs"}).splits["train"]
    assert train.targets is train.inputs
    assert written.open(**{aim: "inputs"}).source.samples().keys() <= {"train"}


@each
def test_what_a_run_keeps_encodes_new_rows(written):
    data = written.load(**({} if written.row.is_text else {"transforms": ["standardize"]}))
    state = data.state()
    plain = {"encoding": json.loads(json.dumps(state["encoding"]))}
    again = Encoding.from_state(state | plain, data.encoding.format)
    raw = written.row.inputs if written.row.inputs is not None else written.load().splits["train"].inputs
    np.testing.assert_array_equal(again.encode(raw), data.splits["train"].inputs)


@each
def test_what_a_run_writes_is_read_again(written):
    data_format = written.format()
    resolved = json.loads(data_format.model_dump_json())
    again = FORMATS.validate(resolved)
    assert again.model_dump() == data_format.model_dump()
    np.testing.assert_array_equal(
        written.read(again).splits["train"].inputs,
        written.load().splits["train"].inputs,
    )


@each
def test_rows_that_stay_in_their_file_are_those_that_are_read_whole(written):
    if "load" not in type(written.format()).model_fields:
        pytest.skip("this format reads all rows at once")
    more = {"transforms": ["standardize"], "split": {"test": 0.25}}
    whole_data, streamed = written.load(load="whole", **more), written.load(load="batches", **more)
    assert streamed.signature.batches
    for name, split in whole_data.splits.items():
        held = streamed.splits[name]
        held.inputs.begin()
        np.testing.assert_array_equal(whole_inputs(held.inputs), split.inputs)
        np.testing.assert_array_equal(whole(held.targets), split.targets)


@pytest.mark.parametrize("row", [row for row in TABLE if row.new], ids=lambda row: row.type)
def test_new_rows_of_a_file(written):
    row = written.row
    encoding = written.load(**({} if row.is_text else {"transforms": ["standardize"]})).encoding
    path = row.new(written.folder, row.inputs[:7])
    wanted = encoding.encode(row.inputs[:7])
    np.testing.assert_array_equal(encoding.encode_file(path), wanted)
    blocks = list(row_files.blocks(encoding, path, path.name, pytest.fail))
    np.testing.assert_array_equal(np.concatenate([encoding.encode(block.rows) for block in blocks]), wanted)
    assert [len(block.places) for block in blocks] == [len(block.rows) for block in blocks]


@each
def test_new_rows_of_an_npz_file(written):
    encoding = written.load().encoding
    raw = written.row.inputs if written.row.inputs is not None else written.load().splits["train"].inputs
    np.savez(written.folder / "any.npz", inputs=raw[:5])
    (block,) = row_files.blocks(encoding, written.folder / "any.npz", "any.npz", pytest.fail)
    np.testing.assert_array_equal(encoding.encode(block.rows), encoding.encode(raw[:5]))


@pytest.mark.parametrize("row", [row for row in TABLE if row.labelled], ids=lambda row: row.type)
def test_labelled_rows_of_a_file(written):
    row, encoding = written.row, written.load().encoding
    path = row.labelled(written.folder, row.inputs[:9], row.targets[:9])
    found = labelled.labelled_rows(encoding, path)
    np.testing.assert_array_equal(found.inputs.take(slice(None)), row.inputs[:9])
    np.testing.assert_array_equal(found.targets, row.targets[:9])


@pytest.mark.parametrize(
    ("row", "damage"),
    [
        pytest.param(row, damage, id=f"{row.type}-{damage.__name__}")
        for row in OF_FILES
        for damage in row.damages
    ],
)
def test_damaged_files_are_faults(written, damage):
    path = written.files[0]
    damage(path)
    with pytest.raises(SpecError) as caught:
        written.load()
    for found in caught.value.diagnostics:
        assert found.code in RULES
        assert found.path[0] == "data"
        assert found.message


@pytest.mark.parametrize("row", OF_FILES, ids=lambda row: row.type)
def test_a_split_that_is_trained_on_is_recognised(written):
    (table,) = (
        of for of in get_args(type(written.format()).model_fields["test"].annotation) if of is not NoneType
    )
    keys = {name: value for name, value in written.keys.items() if name in table.model_fields}
    key = written.format(test=keys).same_rows("test")
    assert key is not None
    assert key[0] == "test"
    other = {name: f"other-{value}" for name, value in keys.items()}
    assert written.format(test=other).same_rows("test") is None
    assert written.format().same_rows("test") is None
