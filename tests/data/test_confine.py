"""Paths that may not lead out of a folder."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from specnet.data import FORMATS, inspect_data
from specnet.data.confine import Confine
from specnet.diagnostics import SpecError
from tests.support.pictures import write_png

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders, and links need rights, here")
TABLE = {"type": "csv", "target": "y"}


@pytest.fixture
def tree(tmp_path):
    """A folder `in`, another one beside it, and links from the one to the other."""
    root, out = tmp_path / "in", tmp_path / "out"
    for folder in (root / "a/b", out):
        folder.mkdir(parents=True)
        (folder / "t.csv").write_text("x,y\n1,2\n3,4\n")
    (root / "t.csv").write_text("x,y\n1,2\n3,4\n")
    for link, target in {
        "file": out / "t.csv", "folder": out, "absent": out / "no.csv", "own": root / "t.csv",
        "up": "..", "down": "a/b", "self": "self", "a/back": "../a/b/../../t.csv", "a/out": "../../out/t.csv",
    }.items():  # fmt: skip
        (root / link).symlink_to(target)
    (tmp_path / "alias").symlink_to(root)
    return root


@POSIX
@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("t.csv", True), ("./a//b/t.csv", True), ("a/../t.csv", True), ("no/such.csv", True), ("", True),
        ("own", True), ("down/t.csv", True), ("a/back", True), ("up/in/t.csv", False), ("down/../t.csv", True),
        ("..", False), ("../in/t.csv", False), ("a/../../out/t.csv", False), ("../no.csv", False),
        ("file", False), ("folder/t.csv", False), ("absent", False), ("a/out", False), ("self", False),
        ("t.csv/x", True), ("nul\0byte", False),
    ],
)  # fmt: skip
def test_a_way_is_followed_until_it_leads_out(tree, text, held):
    assert Confine.to(tree).holds(tree, text) is held
    # Seen from a folder in it, and through a link to it, nothing is different.
    assert Confine.to(tree.parent / "alias").holds(tree / "a", f"../{text}") is held


@POSIX
def test_absolute_paths_begin_with_the_folder_by_either_name(tree):
    alias = tree.parent / "alias"
    confine = Confine.to(alias)
    for folder in (tree, alias):
        assert confine.holds(tree / "a", str(folder / "a/b/t.csv"))
        assert not confine.holds(tree / "a", str(folder / "../out/t.csv"))
        assert not confine.holds(tree / "a", f"{folder}side/t.csv")
    assert not confine.holds(tree, "/etc/passwd")
    assert not confine.holds(tree.parent / "out", "t.csv")
    assert Confine.to("/").holds(tree, "/etc/passwd")


@POSIX
def test_nothing_outside_is_looked_at(tree, monkeypatch):
    """What lies outside, the answer and the calls to the system are the same."""
    seen: list[str] = []
    for name in ("lstat", "stat", "readlink", "open", "scandir", "listdir"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda path, *a, real=real, **k: (seen.append(os.fspath(path)), real(path, *a, **k))[1]
        )
    confine = Confine.to(tree)
    monkeypatch.setattr(os.path, "realpath", lambda path, **_: os.fspath(path))
    seen.clear()
    for text in ("../out/t.csv", "file", "folder/t.csv", "absent", str(tree.parent / "out/t.csv"), "a/out"):
        assert not confine.holds(tree, text)
    assert seen
    assert not [path for path in seen if not path.startswith(str(tree))]


def test_only_a_folder_can_be_confined_to(tmp_path):
    for name in (tmp_path / "no", "", __file__):
        with pytest.raises(ValueError, match="there is no folder"):
            Confine.to(name)


def confined(tree, **fields):
    with pytest.raises(SpecError) as caught:
        inspect_data(FORMATS.validate(fields), tree, confine=Confine.to(tree))
    return [(d.code, d.path, d.message) for d in caught.value.diagnostics]


@POSIX
@pytest.mark.parametrize(
    "text", ["../out/t.csv", "../out/no.csv", "file", "absent", "/etc/passwd", "/no/such"]
)
def test_data_outside_are_refused_alike_there_or_not(tree, text):
    message = f"`{text}` leads out of `{tree}`, to which this check is confined"
    assert confined(tree, **TABLE, path=text) == [("SN575", ("data", "path"), message)]
    ((code, path, _),) = confined(tree, **TABLE, path="t.csv", test={"path": text})
    assert (code, path) == ("SN575", ("data", "test", "path"))
    assert {code for code, *_ in confined(tree, type="idx", inputs=text, targets=text)} == {"SN575"}
    assert {code for code, *_ in confined(tree, type="npz", path=text)} == {"SN575"}


@POSIX
def test_the_second_folder_may_lie_outside_too(tree, monkeypatch):
    monkeypatch.setenv("SPECNET_DATA", str(tree.parent / "out"))
    for name in ("other.csv", "u.csv"):
        (tree.parent / "out/u.csv").write_text("x,y\n1,2\n")
        ((code, _, message),) = confined(tree, **TABLE, path=name)
        assert code == "SN575"
        assert message == (
            f"`{name}` is not in {tree}, and $SPECNET_DATA leads out of `{tree}`, to which this check is confined"
        )
    monkeypatch.setenv("SPECNET_DATA", str(tree / "a"))
    (tree / "a/v.csv").write_text("x,y\n1,2\n3,5\n")
    assert inspect_data(
        FORMATS.validate({**TABLE, "path": "v.csv"}), tree, confine=Confine.to(tree)
    ).rows == {"train": 2}


@POSIX
def test_links_in_a_folder_of_images_are_followed_within(tree):
    pytest.importorskip("PIL")
    outside = tree.parent / "out/1.png"
    write_png(outside, np.zeros((8, 8), np.uint8))
    write_png(tree / "im/a/1.png", np.ones((8, 8), np.uint8))
    write_png(tree / "store/x.png", np.ones((8, 8), np.uint8))
    (tree / "im/b").symlink_to("../store")
    fields = {"type": "images", "path": "im", "size": [8, 8]}
    assert inspect_data(FORMATS.validate(fields), tree, confine=Confine.to(tree)).rows == {"train": 2}
    (tree / "im/a/2.png").symlink_to(outside)
    (tree / "im/a/3.png").symlink_to(tree.parent / "out/none.png")
    (tree / "im/c").symlink_to(outside.parent)
    assert [(code, message.split("`")[1]) for code, _, message in confined(tree, **fields)] == [
        ("SN575", "im/c"), ("SN575", "im/a/2.png"), ("SN575", "im/a/3.png"),
    ]  # fmt: skip
