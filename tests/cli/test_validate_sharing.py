"""`validate` of documents that extend others: reports, fixes, and the resolved document."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
import typer

from specnet.cli.app import app
from specnet.language import load
from specnet.language.toml_writer import toml
from tests.support.command_line import Specnet

BASE = """\
[variables]
width = 4

[data]
type = "inline"
inputs = [[0.0, 1.0], [1.0, 0.0]]
targets = [0.0, 1.0]

[[layers]]
type = "dense"
units = "${width}"
activation = "rleu"

[[layers]]
type = "dense"
units = 1
"""
CHILD = 'specnet = 1\nextends = "base.toml"\nloss = "mse"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "base.toml").write_text(BASE)
    (tmp_path / "a.toml").write_text(CHILD)
    (tmp_path / "b.toml").write_text(CHILD.replace("mse", "mea"))
    return tmp_path


def test_a_finding_in_a_base_is_listed_once_for_all_that_extend_it(specnet: Specnet, folder: Path) -> None:
    done = specnet("validate", ".", "--output", "concise")
    assert [line.split(" ")[0] for line in done.stdout.splitlines()] == ["base.toml:12:14:", "b.toml:3:8:"]
    assert (folder / "a.toml").read_text() == CHILD


def test_a_search_passes_over_bases(specnet: Specnet, folder: Path) -> None:
    (folder / "a.toml").unlink()
    (folder / "b.toml").unlink()
    done = specnet("validate", ".")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no document in this folder" in done.stderr


@pytest.mark.usefixtures("folder")
def test_reports_for_programs_name_the_base(specnet: Specnet) -> None:
    def report(style: str) -> str:
        return specnet("validate", "a.toml", "--output", style).stdout

    assert "file=base.toml,line=12,endLine=12,col=14" in report("github")
    (finding,) = json.loads(report("gitlab"))
    assert finding["location"]["path"] == "base.toml"
    (result,) = json.loads(report("sarif"))["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("base.toml", 12)
    assert result["fixes"][0]["artifactChanges"][0]["artifactLocation"]["uri"] == "base.toml"
    assert "base.toml:12:14" in report("junit")


def test_fix_changes_only_files_that_are_named(specnet: Specnet, folder: Path) -> None:
    done = specnet("validate", "--fix", "b.toml")
    assert (folder / "base.toml").read_text() == BASE
    assert (folder / "b.toml").read_text() == CHILD.replace("mse", "mae")
    assert '-activation = "rleu"\n+activation = "relu"\n' in done.stdout
    assert done.stdout.count("--- base.toml") == 1
    assert done.returncode == 1


@pytest.mark.parametrize("order", [["a.toml", "base.toml"], ["base.toml", "a.toml"]])
def test_fix_changes_a_base_that_is_named(specnet: Specnet, folder: Path, order: list[str]) -> None:
    done = specnet("validate", "--fix", *order)
    assert (folder / "base.toml").read_text() == BASE.replace("rleu", "relu")
    assert done.returncode == 0
    assert "---" not in done.stdout
    assert "Fixed 1 problem in 1 file." in done.stderr


def test_diff_shows_a_base_once(specnet: Specnet, folder: Path) -> None:
    done = specnet("validate", "--diff", "a.toml", "b.toml", "base.toml")
    assert done.stdout.count("--- base.toml") == 1
    assert (folder / "base.toml").read_text() == BASE


def test_a_value_that_was_made_is_not_fixed(specnet: Specnet, folder: Path) -> None:
    text = BASE.replace('"rleu"', '"${act}"').replace("width = 4", 'width = 4\nact = "rleu"')
    (folder / "base.toml").write_text(text)
    specnet("validate", "--fix", "a.toml", "base.toml")
    assert (folder / "base.toml").read_text() == text


def test_resolved(specnet: Specnet, folder: Path) -> None:
    (folder / "base.toml").write_text(BASE.replace("rleu", "relu"))
    (folder / "a.toml").write_text(
        CHILD + 'name = "$${a}-${width}"\n[[layers]]\ntype = "sequential"\nrepeat = 2\n'
        'layers = [{ type = "dense", units = "${i + 1}" }]\n[[layers]]\ntype = "dense"\nunits = 1\n'
    )
    done = specnet("validate", "--resolved", "a.toml", "--set", "variables.width=3")
    assert done.returncode == 0
    assert "${width}" not in done.stdout
    assert "extends" not in done.stdout
    assert next(iter(tomllib.loads(done.stdout))) == "specnet"
    assert load(done.stdout).model_dump() == load(folder / "a.toml", ["variables.width=3"]).model_dump()


@pytest.mark.usefixtures("folder")
def test_resolved_findings_are_on_standard_error(specnet: Specnet) -> None:
    done = specnet("validate", "--resolved", "a.toml")
    assert done.returncode == 1
    assert "rleu" in tomllib.loads(done.stdout)["layers"][0]["activation"]
    assert "base.toml:12:14" in done.stderr
    done = specnet("validate", "--resolved", "a.toml", "--set", "seed=${nothing}")
    assert (done.returncode, done.stdout) == (1, "")
    assert "SN231" in done.stderr
    assert specnet("validate", "--resolved", "a.toml", "b.toml").returncode == 2
    assert specnet("validate", "--resolved", "c.toml").returncode == 2


def test_resolved_json_stays_json(specnet: Specnet, folder: Path) -> None:
    (folder / "a.json").write_text(
        json.dumps({"specnet": 1, "extends": "base.toml", "loss": "mse", "metrics": None})
    )
    found = json.loads(specnet("validate", "--resolved", "a.json").stdout)
    assert found["layers"][0]["units"] == 4
    assert "variables" not in found


SWEEP = 'sweep={objective="train.loss",trials=1,parameters={"training.epochs"={choices=[1]}}}'

RESOLVING = {
    "validate": [],
    "run": ["--no-save"],
    "sweep": ["--jobs", "1", "--set", SWEEP],
    "explain": [],
    "trace": [],
    "check-gradients": [],
    "export": ["--to", "numpy"],
}
"""The commands that resolve a document, with what they need to."""


def test_every_command_that_takes_a_document_can_refuse_environment_variables() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    taking = {
        name
        for name, command in commands.items()
        if any(
            "SPEC" in (each.metavar or "") for each in command.params if each.param_type_name == "argument"
        )
    }
    assert taking == set(RESOLVING)
    assert all(any("--no-env" in each.opts for each in commands[name].params) for name in RESOLVING)


def test_no_env_says_that_a_run_is_no_document(specnet: Specnet, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    done = specnet("export", "run", "--to", "numpy", "--no-env")
    assert (done.returncode, "it applies to documents, and this is a run" in done.stderr) == (2, True)


@pytest.mark.parametrize("command", [[name, *options] for name, options in RESOLVING.items()])
def test_no_env(specnet: Specnet, folder: Path, command: list[str]) -> None:
    if command[0] == "sweep":
        pytest.importorskip("optuna")
    (folder / "rows.csv").write_text("x,y\n0.5,1.0\n1.0,2.0\n")
    (folder / "c.toml").write_text(
        'specnet = 1\nloss = "mse"\n[data]\ntype = "csv"\npath = "${env:WHERE}/rows.csv"\ntarget = "y"\n'
        '[[layers]]\ntype = "dense"\nunits = 1\n[training]\nepochs = 1\n'
    )
    assert specnet(*command, "c.toml", WHERE=str(folder)).returncode == 0
    done = specnet(*command, "c.toml", "--no-env", WHERE=str(folder))
    assert done.returncode == 1
    assert "SN233" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"a": 1, "b": {"c": {}, "d": {"e": {"f": [1, {"g": "x"}]}}}},
        {"a": [], "t": [{"x": 1, "y": {"z": [True, -0.5, 1e300, 1e-7]}}, {}], "m": [{"a": 1}, 2]},
        {'quote"d key': 'a"b\\c\n\t\x7f\x01ü', "": {"": 1}, "dotted.key": {"x.y": 1}},
    ],
)
def test_what_is_written_as_toml_is_read_as_the_same(data: dict[str, object]) -> None:
    assert tomllib.loads(toml(data)) == data
