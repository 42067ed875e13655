"""Faults that `validate --fix` makes good."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from specnet.cli.app import app

BEFORE = """\
# an experiment
specnet = 1
sed = 3   # the seed
'dtpye' = 'float32'

[data]
type = "synthetic"
kind = "mons"

[[layer]]
type = "dense"
unts = 8
activation = "tahn"

[[layer]]  # the last
"type" = 'desne'
units = "1"

[loss]
type = 'binary_cross_entropi'

[trainig]
epochs = 5.0
[trainig.optimzer]
type = "adam"
"""
AFTER = """\
# an experiment
specnet = 1
seed = 3   # the seed
'dtype' = 'float32'

[data]
type = "synthetic"
kind = "moons"

[[layers]]
type = "dense"
units = 8
activation = "tanh"

[[layers]]  # the last
"type" = 'dense'
units = 1

[loss]
type = 'binary_cross_entropy'

[training]
epochs = 5
[training.optimizer]
type = "adam"
"""
JSON = """\
{
  "specnet": 1, "sed": 3,
  "data": {"type": "synthetic", "knid": "sine"},
  "layers": [{"type": "dense", "units": 1.0}],
  "loss": "mea"
}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def validate(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, ["validate", *arguments], input=stdin)


def test_typos_are_put_right_and_all_else_stays(here: Path) -> None:
    (here / "a.toml").write_text(BEFORE)
    done = validate("a.toml", "--fix")
    assert (here / "a.toml").read_text() == AFTER
    assert (done.exit_code, done.stderr) == (0, "Fixed 12 problems in 1 file.\n")
    assert done.stdout == "No problems in 1 file.\n"
    assert [path.name for path in here.iterdir()] == ["a.toml"]


def test_json_is_fixed_too(here: Path) -> None:
    (here / "a.json").write_text(JSON)
    done = validate("a.json", "--fix")
    fixed = JSON.replace('"sed"', '"seed"').replace('"knid"', '"kind"').replace("1.0", "1")
    assert (here / "a.json").read_text() == fixed.replace('"mea"', '"mae"')
    assert done.exit_code == 0


def test_a_difference_is_shown_and_nothing_written(here: Path) -> None:
    (here / "a.toml").write_text(BEFORE)
    done = validate("a.toml", "--diff")
    assert (done.exit_code, done.stderr) == (1, "Would fix 12 problems in 1 file.\n")
    assert done.stdout.startswith("--- a.toml\n+++ a.toml\n@@ -1,")
    assert (here / "a.toml").read_text() == BEFORE
    patched = subprocess.run(["patch", "-p0"], input=done.stdout, text=True, capture_output=True, check=False)
    assert (patched.returncode, (here / "a.toml").read_text()) == (0, AFTER)
    done = validate("a.toml", "--diff")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "Nothing to fix.\n")


def test_standard_input_can_be_compared_but_not_written() -> None:
    assert "+seed = 3   # the seed\n" in validate("-", "--diff", stdin=BEFORE).stdout
    done = validate("-", "--fix", stdin=BEFORE)
    assert (done.exit_code, done.stdout) == (2, "")


def test_line_ends_mark_permissions_and_links_stay(here: Path) -> None:
    (here / "real").mkdir()
    file = here / "real/a.toml"
    text = b"\xef\xbb\xbf" + BEFORE.replace("\n", "\r\n").encode()
    file.write_bytes(text.rstrip())
    file.chmod(0o640)
    (here / "a.toml").symlink_to("real/a.toml")
    assert validate("a.toml", "--fix").exit_code == 0
    assert file.read_bytes() == b"\xef\xbb\xbf" + AFTER.replace("\n", "\r\n").encode().rstrip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert (here / "a.toml").is_symlink()


def test_what_is_not_sure_is_left_and_reported(here: Path) -> None:
    text = AFTER.replace('"tanh"', '"Linear2"').replace("units = 8", "unts = 8\nuntis = 8")
    (here / "a.toml").write_text(text)
    done = validate("a.toml", "--fix", "--output", "concise")
    assert done.exit_code == 1
    assert (here / "a.toml").read_text() == text.replace("unts", "units")
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["SN202", "SN204"]
    assert done.stderr == "Fixed 1 problem in 1 file.\n"


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ('activation = "prelu8"', "SN204"),
        ('activation = "relu7"', "SN204"),
        ("lr = 1", "SN202"),
        ("kernel_initializer = 'ones'", "SN202"),
        ("use_bias = 1", "SN206"),
        ("use_bias = 'true'", "SN206"),
        ("units = '0x10'", "SN207"),
        ("units = 1.5", "SN206"),
    ],
)
def test_what_might_change_the_meaning_is_only_suggested(here: Path, wrong: str, found: str) -> None:
    text = AFTER.replace('activation = "tanh"', wrong)
    text = text.replace("units = 8\n", "") if wrong.startswith("units") else text
    (here / "a.toml").write_text(text)
    done = validate("a.toml", "--fix", "--output", "concise")
    assert found in done.stdout
    assert (here / "a.toml").read_text() == text


def test_a_flag_cannot_be_fixed(here: Path) -> None:
    (here / "a.toml").write_text(AFTER)
    done = validate("a.toml", "--fix", "--set", "training.shufle=true", "--output", "concise")
    assert done.exit_code == 1
    assert "did you mean `shuffle`?" in done.stdout
    assert (here / "a.toml").read_text() == AFTER


def test_a_document_that_cannot_be_parsed_stays(here: Path) -> None:
    (here / "a.toml").write_text("sed = \n")
    assert validate("a.toml", "--fix").exit_code == 1
    assert (here / "a.toml").read_text() == "sed = \n"


def test_tables_named_in_several_ways_are_renamed_all_or_not(here: Path) -> None:
    text = AFTER.replace(
        "[training]\nepochs = 5\n[training.optimizer]", "[training.optimizr.x]\n[training.optimizr]"
    )
    (here / "a.toml").write_text(text)
    assert validate("a.toml", "--fix").exit_code == 1
    assert (here / "a.toml").read_text() == text


def test_a_file_that_changed_meanwhile_is_left_alone(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from specnet.cli import fixing
    from specnet.diagnostics import SpecFileError
    from specnet.language import read

    (here / "a.toml").write_text(AFTER)
    before = read(Path("a.toml"))
    (here / "a.toml").write_text(BEFORE)
    with pytest.raises(SpecFileError, match="it changed while it was being checked"):
        fixing.save(before, before)
    assert (here / "a.toml").read_text() == BEFORE

    (here / "a.toml").write_text(AFTER)
    monkeypatch.setattr(
        Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    with pytest.raises(SpecFileError, match="No space left"):
        fixing.save(before, before)
    assert [path.name for path in here.iterdir()] == ["a.toml"]


def test_a_folder_is_fixed_file_by_file(here: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (here / name).write_text(BEFORE)
    done = validate(".", "--fix")
    assert (done.exit_code, done.stderr) == (0, "Fixed 24 problems in 2 files.\n")
    assert {(here / name).read_text() for name in ("a.toml", "b.toml")} == {AFTER}
