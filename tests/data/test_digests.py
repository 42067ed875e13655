"""Checksums of files are those of their bytes, nobody waits for them in vain, and none is computed after a fault."""

from __future__ import annotations

import hashlib
import pickle
import threading

import pytest

from specnet.data import digests, files


@pytest.mark.parametrize("large", [0, 1 << 30])
def test_of_each_file_in_the_order_of_their_names(tmp_path, monkeypatch, large):
    monkeypatch.setattr(digests, "LARGE", large)
    monkeypatch.setattr(files, "PIECE", 7)
    contents = {"b.csv": b"1,2\n" * 100, "a.csv": b"", "c.csv": b"3,4\n"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    paths = {name: tmp_path / name for name in contents}
    expected = [(name, hashlib.sha256(contents[name]).hexdigest()) for name in sorted(contents)]
    with digests.digesting({name: paths[name] for name in ("b.csv", "a.csv")}) as found:
        # A file that is named only meanwhile is read then.
        assert list(found.of(paths, others={"frame:train": "0a"})) == [*expected, ("frame:train", "0a")]
        known = dict(found.of(paths, {paths["b.csv"]: "1b"}))
        assert known == {**dict(expected), "b.csv": "1b"}


def test_nobody_waits_for_a_large_file_before_its_checksum_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(digests, "LARGE", 0)
    path = tmp_path / "a.csv"
    path.write_bytes(b"1")
    asked = threading.Event()

    def slow(_path, _stopped):
        assert asked.wait(60)
        return "1a"

    monkeypatch.setattr(digests, "sha256", slow)
    with digests.digesting({"a.csv": path}) as begun:
        found, again = (begun.of({"a.csv": path}) for _ in range(2))
    asked.set()
    assert found == [("a.csv", "1a")] == list(again)
    assert hash(found) == hash(again)
    assert found != [("a.csv", "1b")]
    assert found[0] == found[:1][0]
    assert pickle.loads(pickle.dumps(found)) == (("a.csv", "1a"),)


def test_a_file_that_is_gone_is_a_fault_when_its_checksum_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(digests, "LARGE", 0)
    path = tmp_path / "a.csv"
    path.write_bytes(b"1")
    begun = digests.Digests({"a.csv": path})
    path.unlink()
    found = begun.of({"a.csv": path})
    with pytest.raises(FileNotFoundError):
        len(found)


def test_a_fault_does_not_wait_for_a_large_file(tmp_path, monkeypatch):
    monkeypatch.setattr(digests, "LARGE", 0)
    (tmp_path / "a.csv").write_bytes(b"1")
    asked = threading.Event()

    def endless(_path, stopped):
        asked.set()
        assert stopped.wait(60)
        return ""

    monkeypatch.setattr(digests, "sha256", endless)

    def fail():
        with digests.digesting({"a.csv": tmp_path / "a.csv"}) as begun:
            begun.begin()
            assert asked.wait(60)
            raise ValueError("a fault")

    with pytest.raises(ValueError, match="a fault"):
        fail()
