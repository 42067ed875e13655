"""A table that stays in its file is parsed once: its columns are stored in a temporary file, where there is room."""

from __future__ import annotations

import gc
import shutil
from collections import namedtuple
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet.data import FORMATS, load_data
from specnet.data.formats.csv.table import CsvTable
from specnet.data.tables import column_store, source
from specnet.data.tables.column_store import ColumnStore
from specnet.data.tables.table import CELLS
from specnet.diagnostics import RunError

RANDOM = np.random.default_rng(3)
ROWS = 3000


@pytest.fixture
def passes(monkeypatch):
    """The passes over a file that were begun."""
    found = []
    read = CsvTable.read
    monkeypatch.setattr(CsvTable, "read", lambda table, records: found.append(table) or read(table, records))
    return found


def document(folder, epochs, *, text=False, load="batches"):
    lines = ["a,colour,b,note,y"]
    for i in range(ROWS):
        colour = "" if i < 2000 and i % 7 == 0 else ("red", "green", "blue")[int(RANDOM.integers(3))]
        a = "" if i % 9 == 4 else f"{RANDOM.normal():.6g}"
        lines.append(f"{a},{colour},{i % 50},it is {'good' if i % 3 else 'bad'},{('no', 'yes')[i % 2]}")
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    as_text = {"columns": {"note": {"type": "text", "tokens": "word"}}, "features": ["note"]}
    keys = as_text if text else {"exclude": ["note"]}
    layers = [{"type": "dense", "units": 2}]
    if text:
        layers = [{"type": "embedding", "output_dim": 4}, {"type": "global_average_pooling1d"}, *layers]
    data = {
        "type": "csv",
        "path": "t.csv",
        "target": "y",
        "load": load,
        "missing": "mean",
        "shuffle_buffer": ROWS,
    }
    if load == "whole":
        del data["shuffle_buffer"]
    return {
        "specnet": 1,
        "data": {**data, **keys, "split": {"validation": 0.2}},
        "layers": layers,
        "loss": "cross_entropy",
        "training": {"epochs": epochs, "batch_size": 100},
    }


def trained(folder, monkeypatch, spec):
    monkeypatch.chdir(folder)
    return {name: array.tobytes() for name, array in specnet.run(spec).parameters.items()}


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_training_parses_the_file_once(epochs, passes, tmp_path, monkeypatch):
    spec = document(tmp_path, epochs)
    trained(tmp_path, monkeypatch, spec)
    assert len(passes) == 1


def test_texts_are_parsed_no_more_often_for_more_epochs(passes, tmp_path, monkeypatch):
    counts = []
    for epochs in (1, 3):
        del passes[:]
        trained(tmp_path, monkeypatch, document(tmp_path, epochs, text=True))
        counts.append(len(passes))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("text", [False, True])
def test_without_room_on_the_disk_the_file_is_parsed_again_with_the_same_result(
    text, passes, tmp_path, monkeypatch
):
    spec = document(tmp_path, 2, text=text)
    stored = trained(tmp_path, monkeypatch, spec)
    once = len(passes)
    usage = namedtuple("usage", "free")  # noqa: PYI024
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(column_store.RESERVE))
    assert trained(tmp_path, monkeypatch, spec) == stored
    assert len(passes) > 2 * once + 1


def test_a_disk_that_fills_up_meanwhile_is_as_one_without_room(passes, tmp_path, monkeypatch):
    spec = document(tmp_path, 2)
    stored = trained(tmp_path, monkeypatch, spec)
    write, pieces = ColumnStore._write, []

    def full(store, columns):
        pieces.append(columns)
        if len(pieces) > 1:
            raise OSError(28, "No space left on device")
        write(store, columns)

    monkeypatch.setattr(ColumnStore, "_write", full)
    assert trained(tmp_path, monkeypatch, spec) == stored
    assert len(pieces) == 2
    assert len(passes) > 3


@pytest.mark.parametrize("text", [False, True])
def test_a_table_that_changes_once_it_has_been_checked_is_not_trained_on(text, tmp_path, monkeypatch):
    spec, path, scan = document(tmp_path, 1, text=text), tmp_path / "t.csv", source.scan

    def changed_after(*given):
        found = scan(*given)
        head, *lines = path.read_text().splitlines()
        path.write_text("\n".join([head, *reversed(lines)]) + "\n")
        return found

    monkeypatch.setattr(source, "scan", changed_after)
    with pytest.raises(
        RunError, match=r"`t\.csv` has changed while it was being used: it has been written to"
    ):
        trained(tmp_path, monkeypatch, spec)


def test_means_are_the_same_without_room_on_the_disk(tmp_path, monkeypatch):
    cells = ["" if i % 7 == 0 else f"{value:.5f}" for i, value in enumerate(RANDOM.normal(size=20_000))]
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{cell},{i % 2}\n" for i, cell in enumerate(cells)))
    fields = {"type": "csv", "path": "t.csv", "target": "y", "load": "batches", "missing": "mean"}

    def mean():
        data = load_data(FORMATS.validate(fields), tmp_path, seed=0, dtype="float64")
        return data.encoding.columns.features[0].fill

    stored = mean()
    usage = namedtuple("usage", "free")  # noqa: PYI024
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(column_store.RESERVE))
    assert mean() == stored


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no disk that is always full")
def test_a_disk_may_be_full_as_late_as_the_last_rows_leave_the_buffer(monkeypatch):
    full = partial(Path("/dev/full").open, "w+b")
    monkeypatch.setattr(column_store.tempfile, "TemporaryFile", lambda **_: full())
    store = ColumnStore(10)
    assert store.begin()
    store.append([np.arange(5.0)])
    store.finish()
    assert (store.complete, store.failed, store.begin()) == (False, True, False)


def test_the_file_has_no_name_and_is_closed_with_its_store(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(column_store.tempfile, "tempdir", None)
    store = ColumnStore(2)
    assert store.begin()
    assert not store.begin()
    store.append([np.arange(5.0), np.arange(10, dtype=np.int32).reshape(5, 2)])
    store.finish()
    assert list(tmp_path.iterdir()) == []
    found = list(store.pieces())
    assert [len(columns[0]) for columns in found] == [2, 2, 1]
    np.testing.assert_array_equal(
        np.concatenate([columns[1] for columns in found]), np.arange(10).reshape(5, 2)
    )
    file = store._file
    del store, found
    gc.collect()
    assert file.closed


def test_what_is_begun_and_not_finished_is_not_there():
    store = ColumnStore(10)
    store.begin()
    store.append([np.arange(5.0)])
    store.clear()
    assert not store.complete
    assert store.begin()
    store.append([np.arange(3.0)])
    store.finish()
    assert [columns[0].tolist() for columns in store.pieces()] == [[0.0, 1.0, 2.0]]


def test_blocks_hold_about_as_many_cells_whatever_their_size(tmp_path):
    from specnet.data.formats.csv.blocks import BlockReader
    from specnet.data.formats.csv.dialect import Dialect

    for width, cell in ((2, "1"), (20, "0.12345"), (3, "x" * 40)):
        line = ",".join([cell] * width) + "\n"
        (tmp_path / "t.csv").write_text(line * (200_000 // width))
        with (tmp_path / "t.csv").open("rb") as file:
            sizes = [len(chunk.lines) * width for chunk in BlockReader(file, Dialect()).chunks(width, 256)]
        assert max(sizes) < 1.2 * CELLS
        assert sorted(sizes)[len(sizes) // 2] > min(CELLS, (1 << 18) / (len(cell) + 1)) / 2
