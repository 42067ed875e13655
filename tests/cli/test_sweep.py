from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.command_line import Specnet, environment
from tests.support.forking import HANG

BASE = """\
specnet = 1
loss = "binary_cross_entropy"  # of two moons

[variables]
width = 4  # to be found

[data]
type = "synthetic"
kind = "moons"
samples = 60
split = { validation = 0.3 }

[[layers]]
type = "dense"
units = "${width}"
activation = "tanh"

[[layers]]
type = "dense"
units = 1

[training]
epochs = 3
optimizer = "adam"
"""

SWEEP = """\
specnet = 1
extends = "base.toml"

[sweep]
trials = 4

[sweep.parameters]
"variables.width" = { low = 2, high = 16, log = true, integer = true }
"training.optimizer.learning_rate" = { low = 1e-3, high = 0.3, log = true }
"training.batch_size" = { choices = [8, 16] }
"""


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SPECNET_STORAGE", raising=False)
    (tmp_path / "base.toml").write_text(BASE)
    (tmp_path / "search.toml").write_text(SWEEP)
    return tmp_path


@pytest.fixture(scope="module")
def needs_optuna() -> None:
    pytest.importorskip("optuna")


@pytest.mark.usefixtures("needs_optuna")
def test_a_sweep_ends_with_the_best_document_which_runs(specnet: Specnet, files: Path) -> None:
    done = specnet("sweep", "search.toml", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "best trials" in done.stdout
    assert done.stderr.count("\ntrial ") == 4
    sweep = files / "runs" / "search-sweep" / "001"
    result = json.loads((sweep / "result.json").read_text())
    best = (sweep / "best.toml").read_text()
    chosen = result["best"][0]["parameters"]
    expected = BASE.replace("width = 4", f"width = {chosen['variables.width']}")
    rate = chosen["training.optimizer.learning_rate"]
    expected = expected.replace(
        'optimizer = "adam"', f'optimizer = {{ type = "adam", learning_rate = {rate} }}'
    )
    head, rest = best.split("\n", 1)
    assert head.startswith("# validation.loss 0.")
    assert rest == f"{expected}batch_size = {chosen['training.batch_size']}\n"
    run = specnet("run", sweep / "best.toml", "--no-save", "--output", "json")
    assert json.loads(run.stdout)["splits"]["validation"]["loss"] == result["best"][0]["values"][0]


@pytest.mark.usefixtures("needs_optuna")
def test_json_and_resuming(specnet: Specnet) -> None:
    first = specnet(
        "sweep", "search.toml", "-q", "--jobs", "1", "--output", "json", "--set", "sweep.trials=2"
    )
    assert (first.returncode, first.stderr) == (0, "")
    more = specnet("sweep", "search.toml", "--resume", "-q", "--jobs", "1", "--output", "json")
    assert (more.returncode, more.stderr) == (0, "")
    before, after = json.loads(first.stdout), json.loads(more.stdout)
    assert after["trials"][:2] == before["trials"]
    assert after["counts"] == {"complete": 4}
    assert after["objectives"] == [{"name": "validation.loss", "direction": "minimize"}]


@pytest.mark.usefixtures("needs_optuna")
def test_several_objectives_and_their_page(specnet: Specnet, files: Path) -> None:
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    objectives = '--set=sweep.objective=["validation.loss", "parameters"]'
    done = specnet("sweep", "search.toml", "-q", "--jobs", "2", objectives)
    assert done.returncode == 0, done.stderr
    assert "Pareto front" in done.stdout
    made = specnet("report", "runs/search-sweep/001")
    assert made.stdout == "runs/search-sweep/001/report.html\n"
    page = (files / "runs/search-sweep/001/report.html").read_text()
    for part in (
        "Pareto front",
        "validation.loss by trial",
        "parameters by trial",
        "over each parameter",
        "# to be found",
    ):
        assert part in page
    assert page.count("<svg") == 6
    assert page.count("<tr>") == 5
    compared = specnet("compare", "runs/search-sweep/001/trials/0000", "runs/search-sweep/001/trials/0001")
    assert "layers.0.units" in compared.stdout
    listed = specnet("runs", "runs/search-sweep/001", "--output", "json")
    plain = json.loads(listed.stdout)
    assert len(plain["runs"]) == 4
    (sweep,) = plain["sweeps"]
    assert (sweep["status"], sweep["trials"]) == ("completed", 4)
    assert sweep["objectives"] == ["validation.loss", "parameters"]
    assert all(set(each) == {"trial", "values", "parameters"} for each in sweep["best"])
    head, _, shown = specnet("runs").stdout.splitlines()
    assert head.split() == ["sweep", "status", "trials", "time", "best"]
    assert shown.split()[:3] == ["runs/search-sweep/001", "completed", "4"]
    (files / "runs/search-sweep/001/sweep.json").write_text("[]")
    damaged = specnet("runs")
    assert damaged.returncode == 0
    assert "sweep.json is damaged" in " ".join(damaged.stderr.split())


@pytest.mark.usefixtures("needs_optuna")
def test_interrupting_ends_with_130_and_a_command_that_continues(files: Path) -> None:
    command = [sys.executable, "-m", "specnet", "sweep", "search.toml", "--set", "training.epochs=100000"]
    process = subprocess.Popen(
        [*command, "--jobs", "2"],
        cwd=files,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until = time.monotonic() + HANG
        while not list(files.glob("runs/search-sweep/001/trials/*/metrics.jsonl")):
            assert time.monotonic() < until
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=HANG)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert "interrupted: everything that was measured is kept in runs/search-sweep/001" in errors
    assert "specnet sweep search.toml --set training.epochs=100000 --resume" in errors
    assert "Traceback" not in errors


def faulty(tmp_path: Path, change: str, by: str) -> None:
    (tmp_path / "search.toml").write_text(SWEEP.replace(change, by))


@pytest.mark.usefixtures("needs_optuna")
@pytest.mark.parametrize(
    ("change", "by", "code"),
    [
        ("variables.width", "variables.wide", "SN240"),
        ("[8, 16]", "[8, 0]", "SN241"),
        ("trials = 4", "", "SN242"),
        ("trials = 4", 'trials = 4\nobjective = "test.loss"', "SN640"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(
    specnet: Specnet, files: Path, change: str, by: str, code: str
) -> None:
    faulty(files, change, by)
    done = specnet("sweep", "search.toml")
    assert done.returncode == 1
    assert f"error[{code}]" in done.stderr
    assert "search.toml:" in done.stderr
    assert not (files / "runs").exists()
    assert done.stderr.split("\n")[0] == specnet("validate", "search.toml").stdout.split("\n")[0]


@pytest.mark.usefixtures("needs_optuna")
def test_what_cannot_begin_is_said(specnet: Specnet) -> None:
    cases: list[tuple[list[str], dict[str, str], str, int]] = [
        (["sweep", "base.toml"], {}, "no `[sweep]`", 1),
        (["sweep", "search.toml", "--resume"], {}, "no sweep in runs/search-sweep to resume", 1),
        (["sweep", "search.toml", "--study", "mine"], {}, "give its URL", 1),
        (["sweep", "search.toml"], {"SPECNET_STORAGE": "nonsense"}, "is no URL", 1),
        (["sweep", "search.toml", "--jobs", "0"], {}, "--jobs", 2),
        (["sweep", "nothing.toml"], {}, "nothing.toml", 2),
        (["report", "runs"], {}, "there is no such directory", 2),
    ]
    for arguments, more, message, code in cases:
        done = specnet(*arguments, **more)
        assert done.returncode == code, (arguments, done.stderr)
        assert message in " ".join(done.stderr.split()), arguments
        assert "Traceback" not in done.stderr


def test_the_extra_is_named_where_it_is_missing(files: Path) -> None:
    (files / "optuna.py").write_text("raise ModuleNotFoundError(name='optuna')\n")
    done = subprocess.run(
        [sys.executable, "-m", "specnet", "sweep", "search.toml"],
        cwd=files,
        env=environment() | {"PYTHONPATH": f"{files}:{environment()['PYTHONPATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "a sweep needs optuna, which the extra `sweep` installs" in " ".join(done.stderr.split())
