"""`--threads`, and what a run records of what it was computed with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from specnet.cli.options import Threads
from specnet.data.formats.csv.arrow import Arrow
from specnet.passes import cores
from tests.support.command_line import SPECS, Specnet

DOCUMENT = """\
specnet = 1
name = "wide"
data = { type = "synthetic", kind = "moons", samples = 64 }
loss = "binary_cross_entropy"
layers = [{ type = "dense", units = 20_000, activation = "relu" }, { type = "dense", units = 1 }]
[training]
epochs = 1
batch_size = 32
checkpoint = { every_epochs = 1 }
"""


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "wide.toml"
    path.write_text(DOCUMENT, encoding="utf-8")
    return path


def computed_with(folder: Path) -> list[dict[str, object]]:
    found = json.loads((folder / "runs" / "wide" / "001" / "resolved.json").read_text())["computed_with"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("number", ["0", "-2", "1025", "many", "1.5"])
def test_a_number_of_threads_that_there_is_not_is_wrong_usage(specnet: Specnet, number: str) -> None:
    done = specnet("run", SPECS / "iris.toml", "--no-save", f"--threads={number}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--threads" in done.stderr


@pytest.mark.parametrize("command", ["run", "validate", "explain"])
def test_a_wrong_environment_variable_is_wrong_usage(specnet: Specnet, command: str) -> None:
    done = specnet(command, SPECS / "iris.toml", SPECNET_THREADS="many")
    assert (done.returncode, done.stdout) == (2, "")
    assert "SPECNET_THREADS must be a whole number from 1 to 1024, not 'many'" in done.stderr


def test_commands_that_compute_take_the_number(specnet: Specnet, document: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("0.5,0.5\n")
    run = "runs/wide/001"
    for arguments in (
        ("run", document.name),
        ("evaluate", run),
        ("predict", run, "new.csv"),
        ("explain", document.name, "--profile"),
        ("check-gradients", document.name, "--entries", "2"),
        ("trace", document.name),
    ):
        done = specnet(*arguments, "--threads", "2")
        assert done.returncode == 0, done.stderr


def test_a_resumed_run_says_what_computes_otherwise(specnet: Specnet, document: Path, tmp_path: Path) -> None:
    assert specnet("run", document.name, "-q", "--threads", "1").returncode == 0
    (first,) = computed_with(tmp_path)
    assert (first["engine"], first["matrix_threads"], first["workers"]) == ("numpy", 1, 1)
    assert first["processor"]
    more = ("--set", "training.epochs=2", "--resume")
    done = specnet("run", document.name, *more, SPECNET_THREADS="2")
    assert done.returncode == 0
    note = "the last digits may differ from an uninterrupted run's: worker threads 2, and was 1"
    assert note in done.stderr.splitlines()
    assert [each["workers"] for each in computed_with(tmp_path)] == [1, 2]
    again = specnet("run", document.name, "--set", "training.epochs=3", "--resume", "--threads", "2")
    assert again.returncode == 0
    assert "last digits" not in again.stderr
    assert [each["workers"] for each in computed_with(tmp_path)] == [1, 2]


def test_whatever_else_a_command_shares_between_cores_keeps_to_the_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cores, "allowed", lambda: 4)
    monkeypatch.setenv("SPECNET_THREADS", "3")
    app, shares = typer.Typer(), []

    @app.command()
    def command(threads: Threads = None) -> None:
        shares.append((threads, cores.share(), getattr(Arrow.installed(), "threads", 1)))

    pytest.importorskip("pyarrow")
    for arguments in (["--threads", "1"], []):
        assert CliRunner().invoke(app, arguments).exit_code == 0
    assert shares == [(1, 1, 1), (None, 3, 3)]
