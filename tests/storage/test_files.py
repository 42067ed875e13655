"""The one writer of files: whole files or none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from specnet.diagnostics import RunError
from specnet.storage.files import write_bytes


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(RunError, match="pipe cannot be written: this is not a regular file"):
        write_bytes(pipe, b"x")
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_directory_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    with pytest.raises(RunError, match="directory cannot be written: Is a directory"):
        write_bytes(tmp_path / "directory", b"x")


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_what_is_no_file_s_name_is_refused(name: str) -> None:
    with pytest.raises(RunError, match="this is not a file's name"):
        write_bytes(Path(name), b"x")


def test_a_write_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_bytes(path, b"before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="file cannot be written: No space left on device"):
        write_bytes(path, b"after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
