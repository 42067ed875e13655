"""Formats, streams and exit codes of `validate`, through the command itself."""

from __future__ import annotations

import json
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from specnet.cli.app import app
from tests.support.command_line import SPECS, Specnet

SOUND = (SPECS / "xor.json").read_text(encoding="utf-8")
SPEC = """\
specnet = 1

[data]
type = "inline"
inputs = [[0.0], [1.0]]
targets = [0.0, 1.0]

[[layers]]
type = "dense"
units = 1

[loss]
type = "mse"
"""
FAULTY = SPEC.replace("units = 1", "units = 0")
TYPO = SPEC.replace("units", "unts")
# A warm-up as long as the training is a warning.
WARNED = SPEC + '[training]\nepochs = 2\nschedule = { type = "cosine", warmup_steps = 2 }\n'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in {
        "sound.toml": SPEC,
        "faulty.toml": FAULTY,
        "typo.toml": TYPO,
        "warned.toml": WARNED,
    }.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    for variable in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR", "NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def validate(*arguments: str, stdin: str | bytes = "") -> Result:
    return CliRunner().invoke(app, ["validate", *arguments], input=stdin)


def test_one_run_writes_log_annotations_and_upload(here: Path) -> None:
    done = validate(
        ".",
        "--output",
        "full",
        "--output",
        "github",
        "--output",
        "sarif=out/a.sarif",
        "--output",
        "junit=j.xml",
    )
    assert done.exit_code == 1
    log, _, annotations = done.stdout.partition("::error ")
    assert "--> faulty.toml:10:9" in log
    assert "Found 2 errors" in log
    assert annotations.startswith("title=SN208,file=faulty.toml,line=10,")
    (run,) = json.loads((here / "out/a.sarif").read_text())["runs"]
    assert {result["ruleId"] for result in run["results"]} >= {"SN202", "SN208"}
    assert len(list(ET.parse(here / "j.xml").iter("testcase"))) == 4


@pytest.mark.parametrize("style", ["json", "jsonl", "gitlab", "junit", "sarif"])
def test_a_format_for_programs_is_alone_on_standard_output(style: str) -> None:
    done = validate("faulty.toml", "--output", style)
    assert (done.exit_code, done.stderr) == (1, "")
    if style == "junit":
        ET.fromstring(done.stdout)
    else:
        json.loads(done.stdout)
    mixed = validate("faulty.toml", "--output", style, "--output", "github")
    assert mixed.exit_code == 2
    assert "cannot both go to standard output" in re.sub(r"\s+", " ", mixed.stderr)


@pytest.mark.parametrize("choice", ["xml", "sarif=", "ful", "json=a.json --output gitlab=a.json"])
def test_outputs_that_make_no_sense_are_wrong_usage(choice: str) -> None:
    done = validate("faulty.toml", "--output", *choice.split())
    assert done.exit_code == 2
    assert done.stdout == ""


def test_a_file_that_cannot_be_written_is_reported() -> None:
    done = validate("sound.toml", "--output", "sarif=sound.toml/x.sarif")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("error: sound.toml/x.sarif cannot be written: ")


def test_with_files_alone_the_outcome_is_reported_on_standard_error() -> None:
    done = validate("faulty.toml", "--output", "json=a.json")
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", "Found 1 error in 1 file.\n")


def test_what_makes_it_fail() -> None:
    assert validate("warned.toml").exit_code == 0
    assert validate("warned.toml", "--fail-on", "warning").exit_code == 1
    assert validate("warned.toml", "--strict").exit_code == 1
    assert validate("faulty.toml", "--fail-on", "error").exit_code == 1
    assert validate("sound.toml", "--no-data", "--strict").exit_code == 0
    assert validate("sound.toml", "--fail-on", "info").exit_code == 2
    assert validate("faulty.toml", "absent.toml").exit_code == 2
    assert validate("*.yaml").exit_code == 2
    assert validate("*.yaml", "--specs-only").exit_code == 0


def test_statistics_count_what_is_found() -> None:
    done = validate("faulty.toml", "typo.toml", "--statistics")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "1  SN202  an unknown key (1 can be fixed)",
        "1  SN208  a number is out of range",
        "Found 2 errors in 2 files.",
    ]


def test_standard_input() -> None:
    done = validate("-", "--output", "concise", stdin=FAULTY)
    assert (done.exit_code, done.stdout.partition(" ")[0]) == (1, "<stdin>:10:9:")
    done = validate("-", "--output", "concise", "--stdin-filename", "x/y.toml", stdin=FAULTY)
    assert done.stdout.startswith("x/y.toml:10:9: ")
    assert validate("-", stdin=SOUND).exit_code == 0
    assert validate("-", "--stdin-filename", "a.toml", stdin=SOUND).exit_code == 1
    assert "is not UTF-8" in validate("-", stdin=b"specnet = 1\nname = '\xe4'\n").stdout
    assert validate("-", stdin=b"\0").exit_code == 2
    assert validate("-", stdin="").exit_code == 1


def test_data_of_standard_input_lie_next_to_its_file(here: Path) -> None:
    (here / "x").mkdir()
    (here / "x/d.csv").write_text("a,b\n1,2\n3,5\n")
    text = SPEC.replace('type = "inline"\ninputs = [[0.0], [1.0]]\ntargets = [0.0, 1.0]\n', "")
    text = text.replace("[data]\n", '[data]\ntype = "csv"\npath = "d.csv"\ntarget = "b"\n')
    assert validate("-", stdin=text).exit_code == 1
    assert validate("-", "--stdin-filename", "x/y.toml", stdin=text).exit_code == 0


def test_paths_start_from_the_checkout_of_a_ci(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "sub").mkdir()
    (here / "sub/a.toml").write_text(FAULTY)
    monkeypatch.chdir(here / "sub")
    assert ",file=a.toml," in validate("a.toml", "--output", "github").stdout
    monkeypatch.setenv("GITHUB_WORKSPACE", str(here))
    assert ",file=sub/a.toml," in validate("a.toml", "--output", "github").stdout
    monkeypatch.setenv("GITHUB_WORKSPACE", "/elsewhere")
    monkeypatch.setenv("CI_PROJECT_DIR", str(here))
    (entry,) = json.loads(validate("a.toml", "--output", "gitlab").stdout)
    assert entry["location"]["path"] == "sub/a.toml"


def test_colours_are_there_on_demand_only(specnet: Specnet) -> None:
    plain = specnet("validate", "typo.toml").stdout
    assert "\x1b" not in plain
    coloured = specnet("validate", "typo.toml", FORCE_COLOR="1").stdout
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    assert specnet("validate", "typo.toml", FORCE_COLOR="1", NO_COLOR="1").stdout.count("\x1b[3") == 0
    for style in ("concise", "github", "junit"):
        assert "\x1b" not in specnet("validate", "typo.toml", "--output", style, FORCE_COLOR="1").stdout
    narrow = specnet("validate", "typo.toml", COLUMNS="50").stdout
    assert max(map(len, narrow.splitlines())) <= 50
    assert max(map(len, plain.splitlines())) <= 80


def test_a_hint_tells_of_fixes() -> None:
    assert validate("typo.toml").stdout.endswith("1 fixable with --fix; --diff shows how.\n")
    assert "--fix" not in validate("faulty.toml").stdout


def test_another_document_costs_little_more_than_reading_it(here: Path) -> None:
    """Count calls instead of seconds, which a busy machine stretches; `benchmarks/startup.py` has those."""
    text = (SPECS / "iris.toml").read_text(encoding="utf-8")
    for folder, count in (("few", 10), ("many", 30)):
        (here / folder).mkdir()
        for number in range(count):
            (here / f"{folder}/{number}.toml").write_text(text.replace("seed", f"# {number}\nseed"))

    def calls(folder: str, says: str) -> int:
        count = 0

        def seen(*_: object) -> None:
            nonlocal count
            count += 1

        sys.setprofile(seen)
        try:
            assert validate(folder).stdout == says
        finally:
            sys.setprofile(None)
        return count

    assert validate("few").exit_code == 0  # what is built and imported once is there
    few = calls("few", "No problems in 10 files.\n")
    many = calls("many", "No problems in 30 files.\n")
    assert (many - few) / 20 < 20_000
