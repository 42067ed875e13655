from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.testing

from specnet.cli.app import NAMES, app
from specnet.cli.synonyms import SYNONYMS
from tests.support.command_line import Specnet, environment

GROUP: Any = typer.main.get_command(app)
BASH = shutil.which("bash")


def parameters(command: str) -> list[Any]:
    return [each for each in GROUP.commands[command].params if each.name != "help"]


@pytest.mark.parametrize("command", NAMES)
def test_every_argument_and_every_option_that_takes_a_value_has_a_metavar(command: str) -> None:
    bare = [each.name for each in parameters(command) if each.metavar is None and not _flag(each)]
    assert bare == []


def _flag(parameter: Any) -> bool:
    return parameter.param_type_name == "option" and parameter.is_flag


def _in_usage(argument: Any) -> str:
    if "..." in argument.metavar:  # several, of which the last is something else
        return str(argument.metavar)
    name = argument.metavar if argument.required else f"[{argument.metavar}]"
    return f"{name}..." if argument.nargs != 1 else str(name)


@pytest.mark.parametrize("command", NAMES)
def test_usage_and_lists_name_arguments_alike(command: str, specnet: Specnet) -> None:
    shown = specnet(command, "--help").stdout
    usage = next(line for line in shown.splitlines() if line.startswith("Usage:")).split()[4:]
    arguments = [each for each in parameters(command) if each.param_type_name == "argument"]
    assert " ".join(usage) == " ".join(map(_in_usage, arguments))
    for each in arguments:
        assert f"\n  {each.metavar}  " in shown


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        *[(word, command) for command, words in SYNONYMS.items() for word in words],
        ("Train", "run"),
        ("trian", "run"),
        ("evalute", "evaluate"),
        ("check_gradients", "check-gradients"),
    ],
)
def test_a_command_that_others_call_so_is_suggested(word: str, meant: str) -> None:
    done = typer.testing.CliRunner().invoke(app, [word])
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"there is no command `{word}`; did you mean `{meant}`?" in done.stderr


def test_synonyms_are_for_commands_that_there_are() -> None:
    assert set(SYNONYMS) <= set(NAMES)
    words = [word for each in SYNONYMS.values() for word in each]
    assert len(words) == len(set(words))
    assert not set(words) & set(NAMES)


def test_a_word_that_means_no_command_points_to_the_list() -> None:
    done = typer.testing.CliRunner().invoke(app, ["frobnicate"])
    assert done.exit_code == 2
    assert "there is no command `frobnicate`; `specnet --help` lists the commands" in done.stderr


def test_an_unknown_option_before_any_command_is_reported_as_an_option(specnet: Specnet) -> None:
    done = specnet("--frobnicate")
    assert (done.returncode, "No such option: --frobnicate" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("shell", "files"),
    [("bash", {".bashrc", ".bash_completions/specnet.sh"}), ("zsh", {".zshrc", ".zfunc/_specnet"})],
)
def test_completion_is_installed_for_a_shell(
    shell: str, files: set[str], specnet: Specnet, tmp_path: Path
) -> None:
    # A test's process has no shell above it that could be found: typer takes its name then.
    given = {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    shown = specnet("--show-completion", shell, **given)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "_SPECNET_COMPLETE=complete_" in shown.stdout
    done = specnet("--install-completion", shell, **given)
    assert (done.returncode, done.stderr) == (0, "")
    there = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert there == files
    script = tmp_path / max(files, key=len)
    assert script.read_text(encoding="utf-8").strip() == shown.stdout.strip()


@pytest.mark.skipif(BASH is None or os.name == "nt", reason="needs bash")
@pytest.mark.parametrize(
    ("words", "completed"),
    [("specnet ex", ["explain", "export"]), ("specnet run --re", ["--resume", "--report"])],
)
def test_bash_completes_commands_and_options(
    words: str, completed: list[str], specnet: Specnet, tmp_path: Path
) -> None:
    given = {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    specnet("--install-completion", "bash", **given)
    command = tmp_path / "bin" / "specnet"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m specnet "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    script = (
        f"source ~/.bashrc; COMP_WORDS=({words}); COMP_CWORD={len(words.split()) - 1}; "
        '_specnet_completion specnet; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(BASH), "-c", script],
        env=environment(**given, PATH=path),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout.split()) == (0, completed)
