from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

import specnet
from specnet.cli.interrupts import Interrupts
from specnet.storage.archive import read_arrays, write_arrays
from specnet.storage.files import write_bytes, write_whole
from specnet.storage.system_lock import take
from tests.support.command_line import SPECS


def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    """As a device is not: a file of its name would take its place for every program."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)
    for name in ("pipe", "link"):
        with pytest.raises(specnet.RunError, match=f"{name} cannot be written: this is not a regular file"):
            write_bytes(tmp_path / name, b"text")
    assert pipe.is_fifo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "pipe"]


def dead_process() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_what_killed_processes_left_is_removed_by_the_next_that_writes_there(tmp_path: Path) -> None:
    dead = dead_process()
    stray = tmp_path / f".model.npz.{dead}.specnet.tmp"
    kept = [
        tmp_path / f".model.npz.{os.getppid()}.specnet.tmp",  # alive
        tmp_path / f"model.npz.{dead}.specnet.tmp",
        tmp_path / f".model.npz.{dead}.tmp",
        tmp_path / ".model.npz.x.specnet.tmp",
        tmp_path
        / f".locked.{dead}.specnet.tmp",  # of a process on another machine that bears the same number
    ]
    for path in (stray, *kept):
        path.write_bytes(b"half")
    (tmp_path / f".link.{dead}.specnet.tmp").symlink_to(kept[0])
    (tmp_path / f".folder.{dead}.specnet.tmp").mkdir()
    with kept[-1].open("rb+") as file:
        take(file.fileno())
        write_bytes(tmp_path / "text", b"whole")
    assert not stray.exists()
    assert all(path.read_bytes() == b"half" for path in kept)
    assert (tmp_path / "text").read_bytes() == b"whole"
    assert len(list(tmp_path.iterdir())) == len(kept) + 3
    write_bytes(tmp_path / "text", b"whole")
    assert not kept[-1].exists()


class Signalling(io.BytesIO):
    """A file during whose n-th operation a second signal comes."""

    def __init__(self, file: IO[bytes], number: int) -> None:
        self._file, self._left = file, number

    def _count(self) -> None:
        self._left -= 1
        if not self._left:
            signal.raise_signal(signal.SIGINT)

    def write(self, data: Any) -> int:
        self._count()
        return self._file.write(data)

    def seek(self, *place: Any) -> int:
        self._count()
        return self._file.seek(*place)

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        self._count()
        self._file.flush()

    @property
    def unused(self) -> bool:
        return self._left > 0


def test_a_second_signal_while_a_model_is_written_leaves_the_old_one_whole(tmp_path: Path) -> None:
    arrays = {name: np.arange(50.0) for name in "abc"}
    path = tmp_path / "model.npz"
    path.write_bytes(b"old")
    for number in range(1, 200):
        seen: list[Signalling] = []

        def write(file: IO[bytes], number: int = number, seen: list[Signalling] = seen) -> None:
            seen.append(Signalling(file, number))
            write_arrays(seen[0], arrays)

        with Interrupts() as interrupts:
            interrupts.armed = True
            signal.raise_signal(signal.SIGINT)
            assert interrupts.stop()
            try:
                write_whole(path, write)
            except KeyboardInterrupt:
                assert path.read_bytes() == b"old"
                assert [entry.name for entry in tmp_path.iterdir()] == ["model.npz"]
            else:
                assert seen[0].unused
                break
    assert number > 10
    assert read_arrays(path).keys() == arrays.keys()


def test_a_changed_working_directory_diverts_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    spec = specnet.load(SPECS / "xor.json", ["training.epochs=20", "training.checkpoint.every_epochs=5"])
    for more in ({"out": "run"}, {"folder": "runs"}, {"resume": "cut"}):
        os.chdir(tmp_path / "here")
        if "resume" in more:
            specnet.run(spec, out="cut", stop=iter([False] * 7 + [True] * 100).__next__)
        result = specnet.run(spec, listener=lambda event: os.chdir(tmp_path / "there"), **more)
        assert not result.run.is_absolute()
        found = sorted(path.name for path in (tmp_path / "here" / result.run).iterdir())
        assert found == [
            "checkpoints",
            "metrics.jsonl",
            "model.npz",
            "resolved.json",
            "result.json",
            "spec.json",
        ]
    assert list((tmp_path / "there").iterdir()) == []


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(specnet.RunError, match=r"file cannot be written: No space left on device"):
        write_bytes(tmp_path / "file", b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]
