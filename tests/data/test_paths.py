from __future__ import annotations

import os
import sys

import pytest

FIELDS = {"type": "csv", "target": "y"}
TEXT = "a,y\n1,2.5\n"


def test_relative_to_the_document_then_to_the_variable(desk, tmp_path_factory, monkeypatch):
    second = tmp_path_factory.mktemp("second")
    monkeypatch.setenv("SPECNET_DATA", str(second))
    (second / "f.csv").write_text("a,y\n7,2.5\n")
    assert desk.load(**FIELDS, path="f.csv").splits["train"].inputs.tolist() == [[7]]
    desk.write("f.csv", TEXT)
    assert desk.load(**FIELDS, path="f.csv").splits["train"].inputs.tolist() == [[1]]


def test_absolute(desk):
    path = desk.write("f.csv", TEXT)
    assert desk.inspect(**FIELDS, path=str(path)).inputs == (1,)


def test_a_missing_file_says_where_it_was_looked_for(desk, tmp_path_factory, monkeypatch):
    fault = desk.fault(**FIELDS, path="absent.csv")
    assert (fault.code, fault.path) == ("SN501", ("data", "path"))
    assert fault.message == f"there is no file `absent.csv`: looked in {desk.folder}"
    assert "SPECNET_DATA" in fault.help
    second = tmp_path_factory.mktemp("second")
    monkeypatch.setenv("SPECNET_DATA", str(second))
    assert desk.fault(**FIELDS, path="absent.csv").message.endswith(
        f"looked in {desk.folder} and in {second}"
    )
    assert desk.fault(**FIELDS, path="/no/such.csv").message == "there is no file `/no/such.csv`"


@pytest.mark.parametrize("path", ["C:\temp\new.csv", "data\r.csv", "C:\forms\train.csv", "..\bikes.csv"])
def test_a_backslash_in_double_quotes_is_explained(desk, path):
    fault = desk.fault(**FIELDS, path=path)
    assert fault.code == "SN501"
    assert "a backslash starts an escape sequence" in fault.help
    assert "single quotes" in fault.help
    assert "`/`" in fault.help


def test_a_path_without_escape_sequences_is_not_taken_for_one(desk):
    assert "SPECNET_DATA" in desk.fault(**FIELDS, path=r"data\new.csv").help
    assert "SPECNET_DATA" in desk.fault(**FIELDS, path="données\xa0neuves.csv").help


def test_a_misspelt_file(desk):
    desk.write("iris.csv", TEXT)
    assert desk.fault(**FIELDS, path="Iris.csv").help == "did you mean `iris.csv`?"
    assert desk.fault(**FIELDS, path="irsi.csv").help == "did you mean `iris.csv`?"


def test_every_missing_file_is_told(desk):
    found = desk.found(**FIELDS, path="a.csv", test={"path": "b.csv"})
    assert [f.path for f in found] == [("data", "path")]
    desk.write("a.csv", TEXT)
    found = desk.found(**FIELDS, path="a.csv", validation={"path": "b.csv"}, test={"path": "c.csv"})
    assert [f.path[1:] for f in found] == [("validation", "path"), ("test", "path")]
    found = desk.found(type="idx", inputs="a.idx", targets="b.idx", test={"inputs": "c", "targets": "d"})
    assert len(found) == 4


@pytest.mark.parametrize("name", ["folder", "nul\0byte", "x" * 5000, "f.csv/inside", "loop"])
def test_what_is_no_file(desk, name):
    (desk.folder / "folder").mkdir()
    (desk.folder / "loop").symlink_to("loop")
    desk.write("f.csv", TEXT)
    fault = desk.fault(**FIELDS, path=name)
    assert fault.code == ("SN502" if name == "folder" else "SN501")


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes here")
def test_a_pipe_is_not_waited_for(desk):
    os.mkfifo(desk.folder / "pipe")
    fault = desk.fault(**FIELDS, path="pipe")
    assert (fault.code, fault.message) == ("SN502", "`pipe` is not a regular file")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(desk):
    desk.write("f.csv", TEXT).chmod(0)
    assert desk.fault(**FIELDS, path="f.csv").code == "SN502"
