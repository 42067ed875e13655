"""What is said of files outside of a document's project."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet.data import FORMATS, inspect_data, open_data
from specnet.data.access import Access
from specnet.diagnostics import SpecError
from specnet.diagnostics.formats.full import full_text
from tests.support.pictures import write_png

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders, and links need rights, here")
TABLE = {"type": "csv", "target": "y"}
SECRET = "hunter2"


def project(folder: Path) -> Path:
    """A document's folder, in a project with a `.git`; the folder above is outside of it."""
    (folder / "repo/.git").mkdir(parents=True)
    (folder / "repo/specs").mkdir()
    return folder / "repo/specs"


@POSIX
def test_what_lies_in_the_project_is_quoted(tmp_path):
    base = project(tmp_path)
    (base / "link").symlink_to(tmp_path / "t.csv")
    access = Access(base)
    for text in ("t.csv", "../data/t.csv", "../.."):
        assert access.quotes(base / text) == (text != "../..")
    for text in ("link", "../../t.csv", "/etc/passwd", "../.git/config", "../.env", "../.cache/t.csv"):
        assert not access.quotes(base / text)
    assert Access().quotes(Path("/etc/passwd"))  # what a user names himself
    (tmp_path / "repo/.git").rmdir()
    assert not Access(base).quotes(base / "../data/t.csv")
    assert Access(base).quotes(base / "t.csv")
    assert not Access(Path("/")).quotes(Path("/etc/passwd"))


FEW = {"target": "y", "max_categories": 1}
TWO = {"type": "category", "values": ["2"]}
TEXTS = {
    "no such column": (f"{SECRET},b\n1,2\n", {"target": "y"}),
    "a likely column": (f"{SECRET},b\n1,2\n", {"target": f"{SECRET}x"}),
    "a header of numbers": ("1,987654\n1,2\n", {"target": "y"}),
    "twins": (f"{SECRET},{SECRET},y\n1,2,3\n", {"target": "y"}),
    "text among numbers": (f"a,y\n1,2\n3,4\n{SECRET},5\n", {"target": "y"}),
    "numbers among text": (f"{SECRET},y\na,2\nb,4\n987654,5\n", {"target": "y"}),
    "no finite number": (f"{SECRET},y\n1,2\ninf,4\n", {"target": "y"}),
    "gaps": (f"{SECRET},y\n1,2\nNA,4\n", {"target": "y", "missing_markers": ["NA"]}),
    "no value at all": (f"{SECRET},b,y\n,1,2\n,2,4\n", {"target": "y", "missing": "mean"}),
    "many categories": (f"{SECRET},y\n{SECRET}a,2\nb,4\n", FEW),
    "many categories in batches": (f"{SECRET},y\n{SECRET}a,2\nb,4\n", {**FEW, "load": "batches"}),
    "none of the values": (f"{SECRET},y\n{SECRET}a,2\nb,4\n", {"target": "y", "columns": {"y": TWO}}),
    "a boolean": (f"a,y\n{SECRET},2\ntrue,4\n", {"target": "y", "columns": {"a": {"type": "boolean"}}}),
    "several targets of text": (f"a,{SECRET}\n1,x\n2,z\n", {"target": [1, -2], "features": [0]}),
    "a feature that is the target": (f"a,{SECRET}\n1,3\n2,4\n", {"target": 1, "features": [0, 1]}),
    "a header after all": (f"{SECRET},y\n1,2\n2,3\n3,4\n", {"target": 1, "header": False}),
    "one cell": (f"{SECRET};y\n1;2\n", {"target": "y"}),
    "ragged": (f"{SECRET},y\n1,2\n1,2,3\n", {"target": "y"}),
    "an open quote": (f'{SECRET},y\n"1,2\n', {"target": "y"}),
    "not UTF-8": (f"{SECRET},y\n1,\xff\n".encode("latin-1"), {"target": "y"}),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_no_table_outside_of_the_project_is_quoted(tmp_path, name):
    text, fields = TEXTS[name]
    base = project(tmp_path)
    for folder in (tmp_path, base):
        (folder / "t.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    outside, inside = (_said(base, path=path, type="csv", **fields) for path in ("../../t.csv", "t.csv"))
    assert len(outside) == len(inside) > 0
    assert [found.code for found in outside] == [found.code for found in inside]
    for found in outside:
        said = f"{found.message} {found.help}".replace(f"{SECRET}x", "")
        assert SECRET not in said
        assert "987654" not in said


def _said(base, **fields):
    with pytest.raises(SpecError) as caught:
        inspect_data(FORMATS.validate(fields), base)
    return caught.value.diagnostics


@POSIX
def test_names_of_the_training_file_are_not_told_by_another_one(tmp_path):
    base = project(tmp_path)
    (tmp_path / "t.csv").write_text(f"{SECRET},kind,y\n1,{SECRET},2\n3,b,5\n")
    for text in ("a,kind,y\n1,c,2\n", f"{SECRET},kind,y\n1,c,2\n", f"{SECRET},{SECRET},kind,y\n1,2,b,3\n"):
        (base / "v.csv").write_text(text)
        (found,) = _said(base, type="csv", path="../../t.csv", target="y", validation={"path": "v.csv"})
        assert SECRET not in f"{found.message} {found.help}"


@POSIX
def test_no_array_or_image_outside_of_the_project_is_named(tmp_path):
    pytest.importorskip("PIL")
    base = project(tmp_path)
    np.savez(tmp_path / "f.npz", **{SECRET: np.zeros(3)})
    (tmp_path / "f.idx").write_bytes(SECRET.encode())
    write_png(tmp_path / f"im/{SECRET}/1.png", np.zeros((8, 8), np.uint8))
    write_png(tmp_path / "im/b/1.png", np.zeros((8, 8), np.uint8))
    for name in (f"im/{SECRET}.txt", f"im/b/{SECRET}.png", f"im/b/{SECRET}2.png"):
        (tmp_path / name).write_text(SECRET)
    found = [
        *_said(base, type="npz", path="../../f.npz", inputs=f"{SECRET}x"),
        *_said(base, type="npz", path="../../im/b/1.png"),
        *_said(base, type="idx", inputs="../../f.idx", targets="../../f.idx"),
        *_said(base, type="images", path="../../im", size=[8, 8]),
        *_said(base, type="images", path="../../im/b", size=[8, 8]),
        *_said(base, type="csv", path="../../f.np", target="y"),
    ]
    assert [d.code for d in found] == [
        "SN521", "SN521", "SN520", "SN530", "SN530", "SN583", "SN584", "SN583", "SN501",
    ]  # fmt: skip
    for each in found:
        said = f"{each.message} {each.help}".replace(f"{SECRET}x", "")
        assert SECRET not in said
        assert SECRET[:4].encode().hex(" ") not in said
        assert "f.npz`?" not in said


def test_long_names_are_cut_and_many_counted(desk):
    names = [f"{i:02}{'x' * 60}" for i in range(33)]
    desk.write("t.csv", ",".join([*names, "\x1b[2J"]) + "\n")
    fault = desk.fault(**TABLE, path="t.csv")
    assert fault.help == "it has " + ", ".join(f"`{name[:40]}…`" for name in names[:10]) + " and 24 more"
    desk.write("t.csv", "a,y\n1,2\n2,3\n\x1b[31m" + "z" * 60 + ",4\n")
    fault = desk.fault(**TABLE, path="t.csv")
    assert f"`\\x1b[31m{'z' * 32}…" in fault.message
    assert "z" * 41 not in fault.message
    assert "\x1b" not in fault.message


def test_findings_of_habits_quote_nothing_of_other_projects(tmp_path):
    """The samples that warnings are made of say whether they may be quoted."""
    base = project(tmp_path)
    for folder in (tmp_path, base):
        (folder / "t.csv").write_text("a,y\n1,2\n3,4\n")
    for path, quotable in (("../../t.csv", False), ("t.csv", True)):
        opened = open_data(FORMATS.validate({**TABLE, "path": path}), base)
        assert opened.signature.quotable is quotable
        assert opened.source.description.quotable is quotable


def _classes(row: int) -> str:
    return f"{SECRET}rare" if row < 2 else f"{SECRET}often"


WARNED = {
    "SN740": [f"{row % 7},{row * 987654 % 1000003},{_classes(row % 40)}" for row in range(80)],
    "SN741": [f"{row * 37 % 91},{row * 53 % 97},{_classes(row % 40)}" for row in range(80)],
    "SN742": [f"{row % 7},4,{_classes(row % 40)}" for row in range(80)],
    "SN743": [f"{row % 7},{row % 5},{SECRET}" for row in range(80)],
    "SN744": [f"{row % 7},k{row % 2},c{row % 2}" for row in range(80)],
    "SN746": [f"{row % 7},{row % 5},{_classes(row)}" for row in range(80)],
    "SN747": [f"{row},{row % 5},{_classes(row % 40)}" for row in range(80)],
}


@POSIX
@pytest.mark.parametrize("code", WARNED)
def test_no_warning_quotes_data_outside_of_the_project(tmp_path, code):
    base = project(tmp_path)
    for folder in (tmp_path, base):
        (folder / "t.csv").write_text("\n".join([f"{SECRET},{SECRET}2,y", *WARNED[code]]) + "\n")
    said = {}
    for path in ("../../t.csv", "t.csv"):
        (base / "a.toml").write_text(
            f'specnet = 1\ndata = {{ type = "csv", path = "{path}", target = "y" }}\nloss = "cross_entropy"\n'
            'layers = [{ type = "dense", units = 2 }]\ntraining = { epochs = 2 }\n'
        )
        report = specnet.validate(base / "a.toml")
        assert code in {d.code for d in report.diagnostics}, report
        said[path] = full_text(report)
    assert SECRET not in said["../../t.csv"]
    assert "987" not in said["../../t.csv"]
    assert SECRET in said["t.csv"] or code == "SN741"


@POSIX
def test_inputs_name_no_columns_outside_of_the_project(tmp_path):
    base = project(tmp_path)
    (tmp_path / "t.csv").write_text(f"{SECRET},b,y\n1,2,3\n4,5,6\n")
    for columns in (f'columns = ["{SECRET}x"]', 'array = "b"'):
        (base / "a.toml").write_text(
            'specnet = 1\ndata = { type = "csv", path = "../../t.csv", target = "y" }\nloss = "mse"\n'
            f'layers = [{{ type = "dense", units = 1, inputs = ["a"] }}]\ninputs = {{ a = {{ {columns} }} }}\n'
        )
        (found,) = specnet.validate(base / "a.toml").diagnostics
        assert found.code == "SN309"
        assert SECRET not in f"{found.message} {found.help} {found.fix}".replace(f"{SECRET}x", "")
