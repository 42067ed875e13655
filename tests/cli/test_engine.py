"""`--engine`: what computes, and what a run records of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import specnet as package
from specnet.passes import engine
from tests.support.command_line import SPECS, Specnet

DOCUMENT = """\
specnet = 1
name = "small"
data = { type = "synthetic", kind = "moons", samples = 64, split = { test = 0.25 } }
loss = "binary_cross_entropy"
layers = [{ type = "dense", units = 8, activation = "tanh" }, { type = "dense", units = 1 }]
[training]
epochs = 2
batch_size = 16
optimizer = "adam"
checkpoint = { every_epochs = 1 }
"""


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "small.toml"
    path.write_text(DOCUMENT, encoding="utf-8")
    return path


@pytest.mark.parametrize("command", ["run", "explain", "check-gradients"])
def test_an_unknown_engine_is_wrong_usage(specnet: Specnet, command: str) -> None:
    done = specnet(command, SPECS / "iris.toml", "--engine", "nunba")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'--engine'" in done.stderr
    assert "must be 'numpy' or 'numba', not 'nunba'; did you mean \"numba\"?" in " ".join(done.stderr.split())


def test_an_unknown_engine_in_the_environment_is_wrong_usage(specnet: Specnet) -> None:
    done = specnet("run", SPECS / "iris.toml", SPECNET_ENGINE="cuda")
    assert (done.returncode, done.stdout) == (2, "")
    assert "SPECNET_ENGINE must be 'numpy' or 'numba', not 'cuda'" in " ".join(done.stderr.split())


def test_an_engine_that_is_not_installed_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    with pytest.raises(package.RunError, match=r"the numba engine needs numba, .*extra `numba`"):
        package.compile(SPECS / "iris.toml", engine="numba")
    with pytest.raises(ValueError, match="`engine` must be"):
        package.compile(SPECS / "iris.toml", engine="numbers")


def test_nothing_but_the_engine_imports_numba() -> None:
    code = "import sys, specnet; specnet.run({path!r}); print('numba' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code.format(path=str(SPECS / "perceptron.toml"))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"


def test_a_run_records_its_engine_and_can_be_resumed_with_another(
    specnet: Specnet, document: Path, tmp_path: Path
) -> None:
    pytest.importorskip("numba")
    done = specnet("run", document.name, "--engine", "numba", "--output", "json")
    assert done.returncode == 0, done.stderr
    assert "loops with numba " in done.stderr
    assert json.loads(done.stdout)["engine"] == "numba"
    run = tmp_path / "runs" / "small" / "001"
    assert json.loads((run / "result.json").read_text())["engine"] == "numba"
    (made,) = json.loads((run / "resolved.json").read_text())["computed_with"]
    assert made["engine"] == "numba"
    more = ("--set", "training.epochs=4", "--resume")
    again = specnet("run", document.name, *more)
    assert again.returncode == 0, again.stderr
    assert "warning: the last digits may differ" in again.stderr
    assert "engine numpy, and was numba" in " ".join(again.stderr.split())
    engines = [e["engine"] for e in json.loads((run / "resolved.json").read_text())["computed_with"]]
    assert engines == ["numba", "numpy"]


def test_commands_that_compute_take_the_engine(specnet: Specnet, document: Path, tmp_path: Path) -> None:
    pytest.importorskip("numba")
    (tmp_path / "new.csv").write_text("0.5,0.5\n")
    plain = specnet("run", document.name, "--output", "json")
    run, expected = "runs/small/001", json.loads(plain.stdout)["splits"]["test"]["loss"]
    measured = specnet("evaluate", run, "--output", "json", "--engine", "numba")
    assert json.loads(measured.stdout)["splits"]["test"]["loss"] == pytest.approx(expected, rel=1e-5)
    for arguments in (
        ("predict", run, "new.csv"),
        ("explain", document.name, "--profile"),
        ("check-gradients", document.name, "--entries", "2"),
    ):
        done = specnet(*arguments, "--engine", "numba")
        assert done.returncode == 0, done.stderr
    shown = specnet("explain", document.name, SPECNET_ENGINE="numba")
    assert "numba engine" in shown.stdout.splitlines()[0]


def test_quiet_runs_do_not_say_that_they_compile(specnet: Specnet, document: Path) -> None:
    pytest.importorskip("numba")
    done = specnet("run", document.name, "--engine", "numba", "-q")
    assert (done.returncode, done.stderr) == (0, "")
