"""A program that uses the whole interface runs, and passes the type checkers in their strict modes."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import specnet
from tests.support import program

ROOT = Path(__file__).parents[1]
PROGRAM = Path(program.__file__)


def test_the_program_runs(tmp_path: Path) -> None:
    program.main(tmp_path)
    assert (tmp_path / "model.specnet").is_file()


def test_the_program_uses_every_name() -> None:
    tree = ast.parse(PROGRAM.read_text(encoding="utf-8"))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "specnet"
    }
    assert set(specnet.__all__) - used == {"ModelInUseError", "register"}


MISTAKES = {
    "probabilities.argmax(axis=1)": "probabilities.argmacs(axis=1)",
    'model.outputs_of("dense_1", inputs)': "model.outputs_of(inputs)",
    'assert figures["accuracy"] <= 1.0': 'assert figures["confusion"] <= 1.0',
    "model.spec.name": "model.network.name",
    "event.losses[-1]": "event.lossage[-1]",
}
"""What to replace in the program, and by what mistake that a type checker finds."""


def copied(folder: Path, mistakes: Mapping[str, str]) -> set[int]:
    """Write the program as a user's into a folder, with mistakes; return their lines."""
    text = PROGRAM.read_text(encoding="utf-8")
    for sound, mistake in mistakes.items():
        assert text.count(sound) == 1
        text = text.replace(sound, mistake)
    (folder / "program.py").write_text(text, encoding="utf-8")
    lines = enumerate(text.splitlines(), 1)
    return {number for number, line in lines if any(mistake in line for mistake in mistakes.values())}


def errors(folder: Path, command: list[str]) -> set[int]:
    """Return the lines of the program in which a type checker finds errors."""
    environment = {**os.environ, "MYPYPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)
    found = {int(line) for line in re.findall(r"program\.py:(\d+)(?::\d+)?[ :-]+error", done.stdout)}
    assert done.returncode == (1 if found else 0), done.stdout + done.stderr
    return found


@pytest.mark.parametrize("mistakes", [{}, MISTAKES], ids=["sound", "with mistakes"])
def test_mypy(tmp_path: Path, mistakes: Mapping[str, str]) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    wrong = copied(tmp_path, mistakes)
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        f"--cache-dir={tmp_path / 'cache'}",
    ]
    found = errors(tmp_path, [*command, "program.py"])
    assert found >= wrong
    assert bool(found) == bool(mistakes)


def basedpyright() -> str | None:
    """Return the command of this environment, or another one."""
    beside = shutil.which("basedpyright", path=str(Path(sys.executable).parent))
    return beside or shutil.which("basedpyright")


@pytest.mark.skipif(basedpyright() is None, reason="basedpyright is not installed")
@pytest.mark.parametrize("mistakes", [{}, MISTAKES], ids=["sound", "with mistakes"])
def test_basedpyright(tmp_path: Path, mistakes: Mapping[str, str]) -> None:
    wrong = copied(tmp_path, mistakes)
    settings = {"typeCheckingMode": "strict", "extraPaths": [str(ROOT)], "include": ["program.py"]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    command = [str(basedpyright()), "--pythonpath", sys.executable, "--project", str(tmp_path)]
    found = errors(tmp_path, command)
    assert found >= wrong  # there may be more, which follow from them
    assert bool(found) == bool(mistakes)
