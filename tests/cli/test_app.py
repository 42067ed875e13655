from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

import specnet as package
from specnet.cli.app import app
from tests.support.command_line import ROOT, SPECS, Specnet

README = (ROOT / "README.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (`specnet [^|]+)", README, re.MULTILINE)
COMMANDS = sorted({name for row in ROWS for name in re.findall(r"`specnet ([a-z-]+)", row)})


def test_help_lists_the_commands_in_80_columns(specnet: Specnet) -> None:
    done = specnet("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80
    listed = done.stdout[done.stdout.index("Commands:") :].splitlines()[1:]
    assert sorted(line.split()[0] for line in listed) == COMMANDS
    assert not any("..." in line for line in listed)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command: str, specnet: Specnet) -> None:
    done = specnet(command, "-h")
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_version(specnet: Specnet) -> None:
    done = specnet("--version")
    assert (done.returncode, done.stdout) == (0, f"specnet {package.__version__}\n")


def test_a_command_that_is_not_there(specnet: Specnet) -> None:
    done = specnet("train")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_a_value_that_is_not_a_choice(specnet: Specnet) -> None:
    done = specnet("export", "run", "--to", "word")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Invalid value for '--to': 'word' is not one of 'numpy'," in done.stderr


def test_a_fault_of_specnet_s_own_asks_to_be_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    from specnet import api

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of mine")

    monkeypatch.setattr(api, "load", fail)
    done = CliRunner().invoke(app, ["run", str(SPECS / "xor.json")])
    assert done.exit_code == 1
    assert done.stderr.startswith("error: ZeroDivisionError: of mine\nThis is a bug in specnet.")
    monkeypatch.setenv("SPECNET_DEBUG", "1")
    done = CliRunner().invoke(app, ["run", str(SPECS / "xor.json")])
    assert isinstance(done.exception, ZeroDivisionError)


def test_too_little_memory_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    from specnet.runs import experiments

    def fail(*_: object, **__: object) -> None:
        raise MemoryError("Unable to allocate 1. TiB")

    monkeypatch.setattr(experiments, "run_spec", fail)
    done = CliRunner().invoke(app, ["run", str(SPECS / "xor.json"), "--no-save"])
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "error: this machine has too little memory: Unable to allocate 1. TiB\n"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [(KeyboardInterrupt(), 130, "interrupted"), (ImportError("of mine"), 1, "ImportError: of mine")],
)
def test_what_ends_the_import_of_a_command_is_reported(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str
) -> None:
    def fail(_: str) -> None:
        raise error

    monkeypatch.setattr("specnet.cli.app.import_module", fail)
    done = CliRunner().invoke(app, ["run", str(SPECS / "xor.json")])
    assert (done.exit_code, done.stdout) == (code, "")
    assert done.stderr.startswith(f"error: {said}\n")
