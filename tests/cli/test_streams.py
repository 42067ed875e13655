"""Closed and full standard streams, in every command."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from specnet.cli.app import NAMES, app
from specnet.diagnostics.segments import width_of
from tests.support.command_line import HANG, environment
from tests.support.commands import COMMANDS, make_project, specnet_in

TOP = {"--help": ["--help"], "--version": ["--version"], "help of run": ["run", "--help"]}
EVERY = {**COMMANDS, **TOP}
PROGRESS = (
    "small: 22 parameters",
    "epoch ",
    "note: t.csv: the model does not take `kind`",
    "small-0",
    "trial 0: ",
)
FULL = Path("/dev/full")

needs_full = pytest.mark.skipif(not FULL.is_char_device(), reason="this system has no /dev/full")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("streams"))


NEEDED = {"report": ("jinja2", "matplotlib"), "plot": ("matplotlib",), "sweep": ("optuna",)}
"""The packages of extras that commands need."""


@pytest.fixture(autouse=True)
def _extras(request: pytest.FixtureRequest) -> None:
    given = getattr(request.node, "callspec", None)
    for package in NEEDED.get(given.params.get("name", "") if given else "", ()):
        pytest.importorskip(package)


def test_no_command_is_left_out() -> None:
    assert list(COMMANDS) == NAMES


@needs_full
@pytest.mark.parametrize("name", EVERY)
def test_a_full_standard_output_is_one_line(name: str, project: Path) -> None:
    done = specnet_in(project, *EVERY[name], streams={1: str(FULL)})
    *before, last = done.stderr.splitlines()
    assert (done.returncode, last) == (1, "error: standard output cannot be written: No space left on device")
    assert all(line.startswith(PROGRESS) for line in before)


@pytest.mark.parametrize("name", ["run", "validate", "schema", "--help"])
def test_a_closed_standard_output_is_one_line(name: str, project: Path) -> None:
    done = specnet_in(project, *EVERY[name], streams={1: None})
    *before, last = done.stderr.splitlines()
    assert (done.returncode, last) == (1, "error: standard output cannot be written: Bad file descriptor")
    assert all(line.startswith(PROGRESS) for line in before)


@pytest.mark.parametrize("name", EVERY)
def test_closed_standard_error_and_input_change_nothing(name: str, project: Path) -> None:
    done = specnet_in(project, *EVERY[name], streams={0: None, 2: None})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.parametrize("name", ["run", "validate", "predict", "docs", "--help", "--version"])
def test_a_closed_pipe_ends_quietly(name: str, project: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(
        [sys.executable, "-m", "specnet", *EVERY[name]],
        cwd=project, env=environment(), stdout=writer, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    os.close(writer)
    _, errors = process.communicate(timeout=HANG)
    assert process.returncode == 141
    assert all(line.startswith(PROGRESS) for line in errors.splitlines())


@needs_full
@pytest.mark.parametrize("stream", [str(FULL), None])
def test_a_run_is_trained_and_saved_whatever_standard_error_is(
    stream: str | None, project: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    done = specnet_in(project, "run", "s.toml", "--out", str(out), streams={2: stream})
    assert done.returncode == 0
    assert f"saved in {out}" in done.stdout
    assert json.loads((out / "result.json").read_text())["stopped"] == "completed"
    assert sorted(path.name for path in out.iterdir()) == [
        "metrics.jsonl", "model.npz", "resolved.json", "result.json", "spec.toml",
    ]  # fmt: skip


@needs_full
def test_a_run_whose_results_cannot_be_printed_is_saved(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = specnet_in(project, "run", "s.toml", "--out", str(out), "-q", streams={1: str(FULL)})
    assert (done.returncode, done.stderr) == (
        1,
        "error: standard output cannot be written: No space left on device\n",
    )
    assert json.loads((out / "result.json").read_text())["stopped"] == "completed"


@needs_full
def test_an_error_keeps_its_code_where_it_cannot_be_told(project: Path) -> None:
    assert specnet_in(project, "run", "absent.toml", streams={2: str(FULL)}).returncode == 2
    assert specnet_in(project, "run", "absent.toml", streams={1: None, 2: None}).returncode == 2


@pytest.mark.parametrize("arguments", [["validate", "-"], ["predict", "run", "-"]])
def test_a_closed_standard_input_is_named(arguments: list[str], project: Path) -> None:
    done = specnet_in(project, *arguments, streams={0: None})
    assert (done.returncode, done.stderr) == (2, "error: -: there is no standard input\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_narrow_terminals(name: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    for columns in (1, 2, 5, 9, 14, 20, 0):
        monkeypatch.setenv("COLUMNS", str(columns))
        done = CliRunner().invoke(app, COMMANDS[name])
        assert (done.exit_code, done.exception if done.exit_code else None) == (0, None), (
            columns,
            done.output,
        )
        assert done.stdout
    monkeypatch.delenv("COLUMNS")
    assert CliRunner().invoke(app, COMMANDS[name]).exit_code == 0


def test_findings_keep_to_narrow_terminals(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "bad.toml").write_text("specnet = 1\nlayres = []\n")
    monkeypatch.chdir(project)
    for columns in range(1, 21):
        monkeypatch.setenv("COLUMNS", str(columns))
        done = CliRunner().invoke(app, ["validate", "bad.toml"])
        assert done.exit_code == 1
        assert "SN202" in done.stdout
    assert width_of(max(done.stdout.splitlines(), key=width_of)) < 80


@pytest.mark.parametrize("name", ["run", "validate", "explain", "evaluate", "init", "docs"])
def test_a_removed_working_directory(name: str, project: Path, tmp_path: Path) -> None:
    """What needs no working directory works; the rest says what is wrong."""
    gone = tmp_path / "gone"
    gone.mkdir()
    for absolute in (True, False):
        first, *rest = COMMANDS[name]
        arguments = [
            first,
            *(str(project / each) if absolute and (project / each).exists() else each for each in rest),
        ]
        process = subprocess.run(
            ["sh", "-c", 'cd "$0" && rmdir "$0" && "$@"', gone, sys.executable, "-m", "specnet", *arguments],
            env=environment(), capture_output=True, encoding="utf-8", timeout=HANG, check=False,
        )  # fmt: skip
        gone.mkdir()
        if process.returncode:
            assert process.returncode in {1, 2}
            assert re.search(
                r"no such file|working directory has been removed|cannot be written|there is no",
                process.stderr,
            ), process.stderr
            assert name not in {"schema", "docs", "rule"}
        assert "bug in specnet" not in process.stderr, process.stderr
