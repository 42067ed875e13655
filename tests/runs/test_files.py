from __future__ import annotations

import os
from pathlib import Path

import pytest

import specnet
from specnet.storage.files import write_bytes


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
