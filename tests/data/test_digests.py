"""Checksums of files are those of their bytes, and are no longer computed once nobody wants them."""

from __future__ import annotations

import hashlib
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
    with digests.digesting({name: paths[name] for name in ("b.csv", "a.csv")}) as found:
        # A file that is named only meanwhile is read then.
        assert found.of(paths) == tuple(
            (name, hashlib.sha256(contents[name]).hexdigest()) for name in sorted(contents)
        )


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
        with digests.digesting({"a.csv": tmp_path / "a.csv"}):
            assert asked.wait(60)
            raise ValueError("a fault")

    with pytest.raises(ValueError, match="a fault"):
        fail()
