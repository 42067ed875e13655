"""The warnings that a run shows before it trains."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command_line import Specnet

DOCUMENT = """\
specnet = 1
data = { type = "builtin", name = "iris", split = { validation = 0.2 } }
loss = "cross_entropy"
layers = [
    { type = "dense", units = 16 },
    { type = "dense", units = 3 },
]
[training]
epochs = 2
optimizer = { type = "adam", learning_rate = 3.0 }
"""
STACK = "warn.toml:5:14: SN707 two dense layers with no activation between them are equivalent to one"
RATE = "SN721 a learning rate of 3 is so large that it hardly converges with adam"


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "warn.toml"
    path.write_text(DOCUMENT, encoding="utf-8")
    return path


def warnings(stderr: str) -> list[str]:
    return [line for line in stderr.splitlines() if "SN7" in line]


def test_a_run_shows_each_warning_in_a_line_before_it_trains(specnet: Specnet, document: Path) -> None:
    done = specnet("run", document.name, "--seed", "3")
    assert done.returncode == 0
    first, second, hint, started = done.stderr.splitlines()[:4]
    assert first == f"warning: {STACK}"
    assert second == f"warning: warn.toml:10:46: {RATE}"
    assert hint == "for details: specnet validate warn.toml --set seed=3"
    assert started.startswith("warn: 131 parameters")
    assert "SN7" not in done.stdout


def test_a_run_warns_of_a_flag_at_the_flag(specnet: Specnet, document: Path) -> None:
    document.write_text(DOCUMENT.replace("3.0", "0.01"), encoding="utf-8")
    done = specnet("run", document.name, "--no-save", "--set", "training.optimizer.learning_rate=3")
    assert warnings(done.stderr)[1] == f"warning: --set training.optimizer.learning_rate=3:1:40: {RATE}"


def test_warnings_are_no_part_of_the_json_object(specnet: Specnet, document: Path) -> None:
    done = specnet("run", document.name, "--no-save", "--output", "json")
    assert json.loads(done.stdout)["name"] == "warn"
    assert len(warnings(done.stderr)) == 2


def test_quiet_hides_warnings_but_not_errors(specnet: Specnet, document: Path) -> None:
    assert specnet("run", document.name, "--no-save", "--quiet").stderr == ""
    done = specnet("run", document.name, "--no-save", "--quiet", "--strict")
    assert done.returncode == 1
    assert len(warnings(done.stderr)) == 2


def test_strict_trains_and_writes_nothing(specnet: Specnet, document: Path, tmp_path: Path) -> None:
    done = specnet("run", document.name, "--strict", "--output", "json")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        f"error: {STACK}",
        f"error: warn.toml:10:46: {RATE}",
        "for details: specnet validate warn.toml",
        "error: nothing was trained: 2 warnings with --strict",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["warn.toml"]


def test_what_a_document_suppresses_is_not_shown(specnet: Specnet, document: Path) -> None:
    text = DOCUMENT.replace("units = 16 },", "units = 16 },  # specnet: ignore[SN707]")
    document.write_text(text + '[lint]\nignore = ["SN721"]\n', encoding="utf-8")
    done = specnet("run", document.name, "--no-save", "--strict", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_comment_that_suppresses_nothing_is_shown(specnet: Specnet, document: Path) -> None:
    document.write_text(DOCUMENT + "[output]  # specnet: ignore[SN740]\n", encoding="utf-8")
    done = specnet("run", document.name, "--no-save")
    assert warnings(done.stderr)[2].startswith("warning: warn.toml:11:29: SN799 there is no SN740")


def test_a_resumed_run_does_not_repeat_them(specnet: Specnet, document: Path) -> None:
    text = DOCUMENT.replace("epochs = 2", "epochs = 2\ncheckpoint = { every_epochs = 1 }")
    document.write_text(text, encoding="utf-8")
    assert len(warnings(specnet("run", document.name).stderr)) == 2
    document.write_text(text.replace("epochs = 2", "epochs = 4"), encoding="utf-8")
    done = specnet("run", document.name, "--resume")
    assert done.returncode == 0
    assert "resuming from" in done.stderr
    assert warnings(done.stderr) == []
    document.write_text(text.replace("epochs = 2", "epochs = 6"), encoding="utf-8")
    assert specnet("run", document.name, "--resume", "--strict").returncode == 1


def test_many_warnings_are_counted(specnet: Specnet, document: Path) -> None:
    layers = '    { type = "dense", units = 16 },\n'
    document.write_text(DOCUMENT.replace(layers, 13 * layers), encoding="utf-8")
    done = specnet("run", document.name, "--no-save")
    assert len(warnings(done.stderr)) == 10
    assert done.stderr.splitlines()[10] == "and 4 more"


def test_a_run_imports_only_the_rules_that_may_find_something(specnet: Specnet, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, sys\n"
        "@atexit.register\n"
        "def _():\n"
        "    print(*sorted(m for m in sys.modules if m.startswith('specnet.lint.')), file=sys.stderr)\n"
    )
    document = tmp_path / "plain.toml"
    document.write_text(
        'specnet = 1\nlayers = [{ type = "dense", units = 1 }]\nloss = "binary_cross_entropy"\n'
        'data = { type = "synthetic", kind = "moons" }\n[training]\nepochs = 1\n'
    )
    done = specnet(
        "run", document, "--no-save", "-q", "--strict", PYTHONPATH=f"{tmp_path}:{Path(__file__).parents[2]}"
    )
    modules = {name.rpartition(".")[2] for name in done.stderr.split()}
    assert {"outputs", "stacking"} <= modules
    assert not {"targets", "schedules", "rates", "lengths", "scales", "columns", "repeats"} & modules
