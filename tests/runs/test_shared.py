"""What one process of a machine has made is in all of them, its arrays once."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet.analysis.explanation import explain
from specnet.analysis.scaling import scaling
from specnet.data import files
from specnet.data.tables.column_store import ColumnStore
from specnet.diagnostics import RunError
from specnet.model.memory import memory_fault
from specnet.runs import shared as module
from specnet.runs.compiling import compile_spec, network_of, read_spec
from specnet.runs.ranks import TrainingProcesses, compile_together
from specnet.runs.shared import shared
from tests.support.ranks import together

ROWS = np.arange(3000.0).reshape(1000, 3)


def share(what):
    """Return what each of two threads has after the first one has shared something."""
    return together(2, lambda ranks: shared(ranks, [what] if ranks.rank == 0 else []))


@pytest.mark.parametrize("share_of_memory", [8, 1 << 40], ids=["in memory", "on the disk"])
def test_large_arrays_are_held_once_and_cannot_be_written_to(share_of_memory, monkeypatch):
    monkeypatch.setattr(module, "SHARE", share_of_memory)
    whole = {"x": ROWS, "again": ROWS, "turned": ROWS.T, "small": np.arange(3)}
    for found in share(whole):
        for name, array in whole.items():
            np.testing.assert_array_equal(found[name], array)
        assert found["x"] is found["again"]
        assert found["x"].ctypes.data % 64 == 0
        assert not found["x"].flags.writeable
        assert found["small"].flags.writeable


def test_what_cannot_be_shared_stays_with_the_first():
    class Own:
        pass

    own = Own()
    assert share(own) == [own, None]


@pytest.mark.parametrize("there", ["none", "other"])
def test_a_process_that_sees_another_file_gets_nothing(there, monkeypatch, tmp_path):
    path = tmp_path / "other"
    if there == "other":
        path.write_bytes(bytes(100_000))
    monkeypatch.setattr(module, "_path", lambda _: str(path))
    assert share({"x": ROWS}) == [None, None]


def test_no_room_is_an_error_of_all(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, "_file", full)

    def work(ranks):
        with pytest.raises(RunError) as caught:
            shared(ranks, [ROWS] if ranks.rank == 0 else [])
        return str(caught.value)

    first, other = together(2, work)
    assert "cannot share 23.6 KiB of data: [Errno 28] No space left on device" in first
    assert other == f"process 0 of 2: {first}"


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files have no paths here")
def test_a_store_of_columns_is_read_by_others():
    store = ColumnStore(4)
    store.append([ROWS[:, 0], ROWS[:, 1].astype(np.int32)])
    store.finish()
    first, other = share(store)
    for found in (first, other):
        assert found is not store
        assert found.complete
        for own, whole in zip(found.pieces(), store.pieces(), strict=True):
            for a, b in zip(own, whole, strict=True):
                np.testing.assert_array_equal(a, b)
    assert not share(ColumnStore(4))[1].complete


DOCUMENT = {
    "specnet": 1,
    "data": {"type": "synthetic", "kind": "linear", "features": 50, "samples": 4000},
    "layers": [{"type": "dense", "units": 1}],
    "loss": "mse",
    "training": {"epochs": 1, "batch_size": 10},
}


def test_processes_need_memory_for_their_rows_once(monkeypatch):
    network = network_of(specnet.load(DOCUMENT))
    found = scaling(explain(network), 2)
    rows = 4000 * 51 * 4
    assert found.together == rows
    # While they are shared, the first process has them for itself as well.
    monkeypatch.setattr(files, "memory", lambda: 2 * rows)
    assert memory_fault(network, 2, 2)
    assert not memory_fault(network, 2, 2, shared=True)
    monkeypatch.setattr(files, "memory", lambda: 2 * rows - 1)
    (fault,) = memory_fault(network, 2, 2, shared=True)
    assert "in 2 processes together, of the machine's 1.6 MiB" in fault.message


def test_a_model_is_that_of_one_process(monkeypatch):
    spec = specnet.load(DOCUMENT)
    model, data = compile_spec(spec)
    read = []
    monkeypatch.setattr(
        "specnet.runs.ranks.read_spec", lambda *a, **o: (read.append(1), read_spec(*a, **o))[1]
    )
    for own, rows in together(3, lambda ranks: compile_together(spec, None, TrainingProcesses(ranks))):
        assert own.parameters.flat.tobytes() == model.parameters.flat.tobytes()
        np.testing.assert_array_equal(rows.splits["train"].inputs, data.splits["train"].inputs)
    assert read == [1]


def test_what_differs_between_documents_is_named():
    def work(ranks):
        own = DOCUMENT | {"layers": [{"type": "dense", "units": 1, "use_bias": ranks.rank == 0}]}
        with pytest.raises(RunError) as caught:
            compile_together(specnet.load(own), None, TrainingProcesses(ranks))
        return str(caught.value)

    message = "same `layers.0.use_bias`: process 0 has true, and process 1 has false"
    assert all(told == f"all processes must have the {message}" for told in together(2, work))


def test_all_processes_pass_data_or_none():
    def work(ranks):
        given = (ROWS, ROWS[:, :1]) if ranks.rank else None
        with pytest.raises(RunError, match="must have the same kind of data"):
            compile_together(specnet.load(DOCUMENT), given, TrainingProcesses(ranks))

    together(2, work)
