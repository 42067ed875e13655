"""Documents that extend others: what they come to, what is refused, and where findings are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import specnet
from specnet.diagnostics import Diagnostic
from specnet.language import load
from specnet.language.loading import check

BASE = """\
loss = "mse"

[variables]
width = 4

[data]
type = "csv"
path = "rows.csv"
target = "y"

[[layers]]
type = "dense"
units = "${width}"
activation = "relu"

[[layers]]
type = "dense"
units = 1

[training]
epochs = 3
batch_size = 2

[training.optimizer]
type = "adam"
learning_rate = 0.01
"""

ROWS = "x,y\n0.0,1.0\n1.0,2.0\n2.0,3.0\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "base.toml").write_text(BASE)
    (tmp_path / "rows.csv").write_text(ROWS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, text: str, extends: str = '"base.toml"') -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"specnet = 1\nextends = {extends}\n{text}")
    return os.path.relpath(path)


def faults(path: str, **options: Any) -> list[Diagnostic]:
    return list(specnet.validate(path, **options).diagnostics)


def test_tables_are_merged_and_all_else_is_replaced(folder: Path) -> None:
    text = 'layers = [{ type = "dense", units = 1 }]\n[training.optimizer]\nlearning_rate = 0.5\n'
    spec = load(write(folder / "a.toml", text))
    assert len(spec.layers) == 1
    assert (spec.training.optimizer.type, spec.training.optimizer.learning_rate) == ("adam", 0.5)
    assert (spec.training.epochs, spec.training.batch_size) == (3, 2)
    assert spec.name == "a"
    assert spec.extends is None


def test_later_documents_replace_earlier_ones(folder: Path) -> None:
    (folder / "b.json").write_text('{"training": {"epochs": 5}, "seed": 1}')
    (folder / "c.toml").write_text('extends = ["b.json"]\nseed = 2\n')
    assert load(write(folder / "a.toml", "", '["base.toml", "c.toml"]')).training.epochs == 5
    assert load(write(folder / "a.toml", "", '["c.toml", "base.toml"]')).training.epochs == 3
    assert load(write(folder / "a.toml", "", '["base.toml", "c.toml"]')).seed == 2


def test_a_document_sets_the_variables_of_what_it_extends(folder: Path) -> None:
    spec = load(write(folder / "a.toml", "[variables]\nwidth = 9\n"))
    assert spec.layers[0].units == 9  # type: ignore[attr-defined]
    assert spec.replace({"variables.width": 5}).layers[0].units == 5  # type: ignore[attr-defined]
    changed = load(write(folder / "a.toml", ""), ["layers.0.units=2", "training.epochs=1"])
    assert changed.layers[0].units == 2  # type: ignore[attr-defined]
    assert load("base.toml", ["specnet=1"]).layers[0].units == 4  # type: ignore[attr-defined]


def test_a_spec_is_made_of_what_was_read(folder: Path) -> None:
    spec = load(write(folder / "a.toml", ""))
    (folder / "base.toml").unlink()
    assert spec.replace({"seed": 4}).training.epochs == 3


@pytest.mark.usefixtures("folder")
def test_a_dictionary_may_extend() -> None:
    spec = load({"specnet": 1, "extends": "base.toml", "seed": 3})
    assert (spec.seed, spec.training.epochs) == (3, 3)
    found = check({"specnet": 1, "extends": "base.toml", "training": {"epochs": 0}})[1].diagnostics
    assert [(d.code, d.file) for d in found] == [("SN208", None)]


def test_paths_start_from_the_document_that_gives_them(folder: Path) -> None:
    path = write(folder / "below" / "a.toml", "", '"../base.toml"')
    assert faults(path) == []
    assert load(path).data.path == "../rows.csv"  # type: ignore[attr-defined]
    (folder / "below" / "rows.csv").write_text(ROWS)
    assert load(path).data.path == "../rows.csv"  # type: ignore[attr-defined]
    own = write(folder / "below" / "b.toml", '[data]\npath = "rows.csv"\n', '"../base.toml"')
    assert load(own).data.path == "rows.csv"  # type: ignore[attr-defined]


def test_a_path_of_a_base_may_lead_from_the_document_and_from_the_second_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(folder / "below" / "a.toml", "", '"../base.toml"')
    (folder / "elsewhere").mkdir()
    (folder / "rows.csv").rename(folder / "elsewhere" / "rows.csv")
    monkeypatch.setenv("SPECNET_DATA", str(folder / "elsewhere"))
    assert load(path).data.path == "rows.csv"  # type: ignore[attr-defined]
    assert faults(path) == []


def test_findings_are_in_the_file_that_has_them(folder: Path) -> None:
    path = write(folder / "a.toml", "[variables]\nwidth = 0\n[training]\nbatch_size = -1\n")
    found = faults(path)
    assert [(d.file, d.document, d.span and d.span.start.line) for d in found] == [
        ("a.toml", "a.toml", 6),
        ("base.toml", "a.toml", 13),
    ]
    assert [label.elsewhere for label in found[1].labels] == ["a.toml:4:9"]


def test_a_table_of_both_is_its_documents_own(folder: Path) -> None:
    (folder / "base.toml").write_text(BASE.replace('type = "adam"\n', ""))
    path = write(folder / "a.toml", "[training.optimizer]\nlearning_rate = 0.5\n")
    (found,) = faults(path)
    assert (found.code, found.file, found.span and found.span.start.line) == ("SN205", "a.toml", 3)


def test_a_value_in_the_place_of_a_table_hides_what_is_below(folder: Path) -> None:
    (folder / "b.toml").write_text('extends = "base.toml"\n[training]\noptimizer = "sgd"\n')
    (folder / "c.toml").write_text('extends = "b.toml"\n[training.optimizer]\ntype = "sgd"\nmomentum = 2\n')
    path = write(folder / "a.toml", "", '"c.toml"')
    (found,) = faults(path)
    assert (found.code, found.file, found.span and found.span.start.line) == ("SN208", "c.toml", 4)


def test_a_base_is_checked_by_its_keys_alone(folder: Path) -> None:
    (found,) = faults("base.toml")
    assert (found.code, found.severity) == ("SN201", "warning")
    (folder / "base.toml").write_text(BASE.replace('loss = "mse"\n', ""))
    assert faults("base.toml") == []
    (folder / "part.toml").write_text('[training.optimizer]\nlearning_rate = "${rate}"\n[data]\npath = "x"\n')
    assert faults("part.toml") == []
    (folder / "part.toml").write_text('[training]\nepoch = 1\nbatch_size = 0\n[variables]\na = "${1 / 0}"\n')
    assert [d.code for d in faults("part.toml")] == ["SN202", "SN208", "SN231"]
    with pytest.raises(specnet.SpecError, match="SN201"):
        load("base.toml")


def test_what_is_no_file_cannot_be_a_base() -> None:
    (found,) = specnet.validate(BASE.replace("csv", "inline")).diagnostics[:1]
    assert (found.code, found.severity) == ("SN201", "error")


def test_bounds(folder: Path) -> None:
    for number in range(17):
        (folder / f"{number}.toml").write_text(
            f'extends = "{number + 1}.toml"\n' if number < 16 else "seed = 3\n"
        )
    (found,) = faults(write(folder / "a.toml", "", '["base.toml", "1.toml"]'))
    assert (found.code, found.file) == ("SN230", "15.toml")
    assert load(write(folder / "a.toml", "", '["base.toml", "2.toml"]')).seed == 3
    many = ", ".join(['"base.toml"'] * 17)
    assert [d.path for d in faults(write(folder / "a.toml", "", f"[{many}]"))] == [("extends", 16)]
    (folder / "large.toml").write_text("#" * (4 * 2**20))
    (found,) = faults(write(folder / "a.toml", "", '["base.toml", "large.toml"]'))
    assert "larger than 4 MB" in found.message


@pytest.mark.parametrize(
    ("extends", "message"),
    [
        ('"nothing.toml"', "there is no file `nothing.toml`"),
        ('"rows.csv"', "`rows.csv` is not a document"),
        ('"folder.toml"', "`folder.toml` is a folder, not a document"),
        ('"pipe.toml"', "`pipe.toml` is not a regular file"),
        ('"a.toml"', "`a.toml` leads back to a document that extends it: a.toml -> a.toml"),
        ('"./link.toml"', "`./link.toml` leads back to a document that extends it: a.toml -> link.toml"),
        ('"${x}.toml"', "`${x}.toml` has a reference in it, and is read before variables are known"),
        ('"${env:HOME}/x.toml"', "`${env:HOME}/x.toml` has a reference in it"),
        ('"a\\u0000.toml"', "`a\\x00.toml` is not a document"),
        ('"/proc/self/x.toml"', "`/proc/self/x.toml` leads to /proc, which holds system state, not data"),
        ('"null.toml"', "null.toml: this is not a text file: it contains null bytes"),
        ('""', "`` is not a document"),
        ("3", "`extends` must be"),
        ("[]", "`extends` must be"),
        ('["base.toml", 3]', "must be a string that is not empty, not 3"),
    ],
)
def test_what_cannot_be_extended(folder: Path, extends: str, message: str) -> None:
    (folder / "folder.toml").mkdir()
    os.mkfifo(folder / "pipe.toml")
    (folder / "link.toml").symlink_to("a.toml")
    (folder / "null.toml").write_bytes(b"a\0b")
    path = write(folder / "a.toml", "", extends)
    found = [d for d in faults(path) if d.path[:1] == ("extends",)]
    assert found, faults(path)
    assert message in found[0].message
    assert found[0].file == "a.toml"


def test_what_cannot_be_read_leaves_the_rest_to_be_checked(folder: Path) -> None:
    path = write(folder / "a.toml", "[training]\nepoch = 2\n", '"nothing.toml"')
    assert [d.code for d in faults(path)] == ["SN230", "SN202"]


def test_syntax_errors_of_a_base_are_in_it(folder: Path) -> None:
    (folder / "base.toml").write_text(BASE.replace("epochs = 3", "epochs = "))
    (found,) = faults(write(folder / "a.toml", ""))
    assert (found.code, found.file, found.span and found.span.start.line) == ("SN101", "base.toml", 21)
    (folder / "base.toml").write_bytes(b"\xff")
    (found,) = faults(write(folder / "a.toml", ""))
    assert (found.code, found.file) == ("SN103", "base.toml")


def test_confined(folder: Path) -> None:
    path = write(folder / "below" / "a.toml", "", '"../base.toml"')
    (found,) = faults(path, confine=folder / "below")
    assert (found.code, found.path) == ("SN575", ("extends",))
    assert faults(path, confine=folder) == []
    (folder / "below" / "link.toml").symlink_to("../base.toml")
    path = write(folder / "below" / "a.toml", "", '"link.toml"')
    (found,) = faults(path, confine=folder / "below")
    assert found.code == "SN575"


def test_a_file_of_another_project_says_nothing_of_itself(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "secret.json").write_text('{"password": "hunter2"}')
    (other / "torn.json").write_text('{"password": "hunter2"')
    for name in ("secret.json", "torn.json"):
        report = specnet.validate(write(folder / "a.toml", "", f'"{other / name}"'))
        assert report.diagnostics
        assert "hunter2" not in repr(report)
        assert "password" not in repr(report)


def test_the_version_is_not_inherited(folder: Path) -> None:
    (folder / "base.toml").write_text("specnet = 1\n" + BASE)
    (folder / "a.toml").write_text('extends = "base.toml"\n')
    assert faults("a.toml") == []  # it is a base itself
    with pytest.raises(specnet.SpecError, match="SN201"):
        load("a.toml")


def test_a_comment_in_a_base_suppresses_its_own_warnings(folder: Path) -> None:
    (folder / "base.toml").write_text(BASE.replace('activation = "relu"\n', ""))
    path = write(folder / "a.toml", "")
    assert [(d.code, d.file) for d in faults(path)] == [("SN707", "base.toml")]
    comment = " # specnet: ignore[SN707]\n"
    text = BASE.replace('activation = "relu"\n', "").replace('type = "dense"\n', f'type = "dense"{comment}')
    (folder / "base.toml").write_text(text)
    assert faults(path) == []
