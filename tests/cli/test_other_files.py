from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import specnet as package
from specnet.cli.app import app
from tests.support.command_line import SPECS, Specnet

CSV = b"length,species\n1.5,setosa\n2.5,virginica\n"


@pytest.mark.parametrize("command", ["run", "explain", "validate"])
def test_commands_report_it_in_one_line(command: str, specnet: Specnet, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(CSV)
    done = specnet(command, "rows.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: rows.csv: this is a table of data, not a document; "
        "`specnet init rows.csv` writes a document for it\n"
    )


def test_validate_names_the_document_of_a_run(specnet: Specnet, tmp_path: Path) -> None:
    package.run(package.load(SPECS / "xor.json", overrides={"training.epochs": 1}), out=tmp_path / "run")
    done = specnet("validate", "run")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: run: this is the directory of a run; its document is run/spec.json\n"


@pytest.mark.parametrize(
    "options", [(), ("--output", "concise"), ("--statistics",), ("--fix",), ("--output", "json=o.json")]
)
def test_validate_sums_nothing_up_where_nothing_was_read(options: tuple[str, ...], specnet: Specnet) -> None:
    done = specnet("validate", "absent.toml", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: absent.toml: no such file\n"


def test_validate_writes_a_whole_file_for_programs_all_the_same(specnet: Specnet) -> None:
    done = specnet("validate", "absent.toml", "--output", "json")
    assert (done.returncode, json.loads(done.stdout)["files"]) == (2, 0)


OF_RUNS = {
    "predict": ("SPEC", "rows.csv"),
    "evaluate": ("SPEC",),
    "report": ("SPEC",),
    "plot": ("SPEC", "--what", "loss"),
    "compare": ("SPEC",),
    "run": ("a b.json", "--resume", "SPEC"),
}
"""The arguments of each command that takes a run, where a spec takes its place."""


@pytest.mark.parametrize("command", OF_RUNS)
def test_a_spec_in_the_place_of_a_run_is_called_one(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (SPECS / "xor.json").read_text(encoding="utf-8")
    Path("a b.json").write_text(text, encoding="utf-8")
    Path("a b.toml").write_text('specnet = 1\nloss = "mse"\n', encoding="utf-8")
    Path("rows.csv").write_bytes(CSV)
    for spec in ("a b.json", "a b.toml"):
        given = [spec if part == "SPEC" else part for part in OF_RUNS[command]]
        done = CliRunner().invoke(app, [command, *given])
        assert done.exit_code == (2 if command in {"report", "plot", "compare"} else 1)
        said = " ".join(done.stderr.split())
        assert f"{spec}: this is a spec, not a run: `specnet run '{spec}'` makes a run of it" in said
    assert not Path("runs").exists()


def test_a_file_of_a_run_and_any_other_file_in_the_place_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    package.run(package.load(SPECS / "xor.json", overrides={"training.epochs": 1}), out="run")
    Path("rows.csv").write_bytes(CSV)
    Path("other.json").write_text("{}", encoding="utf-8")
    for name in ("run/spec.json", "run/model.npz"):
        with pytest.raises(package.RunError, match="this is a file of a run: name its directory, run"):
            package.load_model(name)
    for name in ("rows.csv", "other.json"):
        with pytest.raises(package.RunError, match="this is a file, and a run is a directory"):
            package.load_run(name)
    done = CliRunner().invoke(app, ["runs", "rows.csv"])
    assert (done.exit_code, "rows.csv is a file, not a folder of runs" in done.stderr) == (2, True)
