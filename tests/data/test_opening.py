"""Files that documents name: only regular ones are opened, and none can fill the memory."""

from __future__ import annotations

import io
import os
import socket
import sys
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from specnet.data import FORMATS, inspect_data
from specnet.data.formats.csv import text_blocks
from specnet.data.opening import NotRegularError, open_regular, open_unbuffered, start_of
from specnet.diagnostics import SpecError
from tests.support.pictures import write_png

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders, and links need rights, here")
TABLE = {"type": "csv", "target": "y"}


@POSIX
@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "link to a pipe"])
def test_only_regular_files_are_opened_and_none_is_waited_for(tmp_path, kind):
    path = tmp_path / "a"
    if kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    elif kind == "device":
        path.symlink_to(os.devnull)
    else:
        os.mkfifo(tmp_path / "pipe")
        path.symlink_to("pipe")
    for opened in (open_regular, open_unbuffered, lambda path: start_of(path, 8)):
        with pytest.raises(NotRegularError, match="not a regular file") as caught:
            opened(path)
        assert caught.value.strerror == "not a regular file"


@POSIX
def test_a_file_that_turns_into_a_pipe_while_it_is_opened_is_not_waited_for(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"x")
    regular = path.stat()
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(Path, "stat", lambda *_, **__: regular)
    before = _open_files()
    with pytest.raises(NotRegularError):
        open_regular(path)
    assert _open_files() == before


def test_the_first_bytes_are_read(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"0123456789")
    assert start_of(path, 4) == b"0123"
    assert start_of(str(path), 24) == b"0123456789"
    with pytest.raises(IsADirectoryError):
        start_of(tmp_path, 4)


def _open_files():
    return sum(1 for _ in Path("/dev/fd").iterdir())


def test_a_regular_file_is_read_as_ever(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    with open_regular(tmp_path / "a") as file:
        assert isinstance(file, io.BufferedReader)
        assert file.read() == b"abc"
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "b")


@POSIX
@pytest.mark.parametrize(
    "text", ["/proc/self/environ", "/dev/null", "/sys/kernel/notes", "/proc", "/dev/../proc/1", "link"]
)
def test_the_systems_state_is_no_data(desk, text):
    (desk.folder / "link").symlink_to("/proc/self/status")
    fault = desk.fault(**TABLE, path=text)
    assert fault.code == "SN574"
    assert fault.message.startswith(f"`{text}` leads to /")


@POSIX
def test_a_document_from_a_pipe_has_its_data_in_the_second_folder(desk, monkeypatch):
    monkeypatch.setenv("SPECNET_DATA", str(desk.folder))
    desk.write("t.csv", "x,y\n1,2\n")
    reader = FORMATS.validate({**TABLE, "path": "t.csv"})
    assert inspect_data(reader, Path("/dev/fd")).rows == {"train": 1}
    with pytest.raises(SpecError) as caught:
        inspect_data(FORMATS.validate({**TABLE, "path": "../environ"}), Path("/dev/fd"))
    assert [d.code for d in caught.value.diagnostics] == ["SN574"]


@POSIX
def test_a_pipe_among_images_is_not_waited_for(desk):
    pytest.importorskip("PIL")
    write_png(desk.folder / "im/a/1.png", np.zeros((8, 8), np.uint8))
    os.mkfifo(desk.folder / "im/a/2.png")
    (desk.folder / "im/a/3.png").symlink_to(os.devnull)
    (desk.folder / "im/a/4.png").symlink_to("/proc/self/environ")
    found = desk.found(type="images", path="im", size=[8, 8])
    assert [(f.code, f.message) for f in found] == [
        ("SN574", "`im/a/3.png` leads to /dev, which holds system state, not data"),
        ("SN574", "`im/a/4.png` leads to /proc, which holds system state, not data"),
        ("SN584", "`im/a/2.png` is not a regular file"),
    ]


def test_a_line_without_end_is_not_read_to_its_end(desk, monkeypatch):
    monkeypatch.setattr(text_blocks, "LONGEST", 1000)
    desk.write("t.csv", "a,y\n" + "1,2\n" * 500)
    assert desk.inspect(**TABLE, path="t.csv").rows == {"train": 500}
    desk.write("t.csv", "a,y\n" + "1,2\n" * 500 + "," * 5000)
    fault = desk.fault(**TABLE, path="t.csv")
    assert fault.code == "SN504"
    assert "line 502 is longer than" in fault.message


def test_where_a_file_is_not_text_is_found_behind_wide_characters(desk):
    good = "a,y\n" + "é,2\n" * 30_000
    desk.write("t.csv", good.encode() + b"\xff,3\n")
    assert "not text in utf-8: line 30002 has the byte 0xff" in desk.fault(**TABLE, path="t.csv").message
    desk.write("t.csv", good.replace("é", "あ").encode("shift_jis") + b"\xfd\xfd,3\n")
    fault = desk.fault(**TABLE, path="t.csv", encoding="shift_jis")
    assert "not text in shift_jis: line 30002 has the byte 0xfd" in fault.message


def test_a_table_larger_than_the_memory_is_not_read_whole(desk, monkeypatch):
    from specnet.data.tables import source

    desk.write("t.csv", "a,y\n" + "1,2\n" * 500)
    monkeypatch.setattr(source, "memory", lambda: 1000)
    fault = desk.fault(**TABLE, path="t.csv", load="whole")
    assert (fault.code, fault.path) == ("SN570", ("data", "path"))
    assert desk.inspect(**TABLE, path="t.csv", load="batches").rows == {"train": 500}


def test_labels_that_the_memory_cannot_hold_are_not_counted(desk, monkeypatch):
    from specnet.data.arrays import stored
    from specnet.data.arrays.npy_array import NpyArray

    np.savez_compressed(desk.folder / "f.npz", inputs=np.zeros((1000, 1)), targets=np.zeros(1000, np.int64))
    monkeypatch.setattr(stored, "memory", lambda: 5000)
    calls = count()
    monkeypatch.setattr(NpyArray, "read", lambda *_: next(calls))
    found = desk.found(type="npz", path="f.npz")
    assert {fault.code for fault in found} == {"SN570"}
    assert next(calls) == 0
