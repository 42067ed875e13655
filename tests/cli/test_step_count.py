"""What the commands show of trainings whose length is given in steps."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from specnet import api
from specnet.cli.progress import LineProgress, ProgressState, introduction
from specnet.notebook import NotebookProgress
from specnet.runs.kept import read_run
from specnet.training.events import Started, StepsDone
from tests.support.command_line import Specnet

TEXT = """
specnet = 1
name = "small"
layers = [{ type = "dense", units = 4, activation = "tanh" }, { type = "dense", units = 3 }]
loss = "cross_entropy"

[data]
type = "builtin"
name = "iris"
split = { validation = 0.2 }

[training]
batch_size = 12
"""

PER_EPOCH = 10

SETTINGS = {
    "training.steps": 25,
    "training.validate_every": 5,
    "training.early_stopping": {"patience": 99},
    "training.track_training": True,
}


@pytest.fixture
def small(specnet: Specnet, tmp_path: Path) -> Specnet:
    (tmp_path / "small.toml").write_text(TEXT)
    return specnet


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in steps."""
    folder = tmp_path_factory.mktemp("kept")
    (folder / "small.toml").write_text(TEXT)
    run = api.run(api.load(folder / "small.toml", SETTINGS), folder=folder / "runs").run
    assert run is not None
    return run


def test_a_run_shows_steps(small: Specnet, tmp_path: Path) -> None:
    more = "steps = 25\nvalidate_every = 5\nearly_stopping = { patience = 99 }\n"
    (tmp_path / "small.toml").write_text(TEXT + more)
    done = small("run", "small.toml")
    assert done.returncode == 0, done.stderr
    assert "25 steps, 10 steps an epoch" in done.stderr
    assert "25 steps (2.50 epochs) in" in done.stdout
    assert "step 25" in done.stdout
    assert ": its parameters are kept" in done.stdout
    assert "epoch " not in done.stdout


def test_steps_beside_epochs_point_at_the_flag(small: Specnet, tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(f"{TEXT}epochs = 3\n")
    done = small("run", "small.toml", "--set", "training.steps=5")
    assert done.returncode == 1
    assert "epochs or in steps, not both" in " ".join(done.stderr.split())
    assert "remove `epochs`" in done.stderr


def test_steps_and_epochs_are_compared_by_step(small: Specnet) -> None:
    for setting in ("training.epochs=3", "training.steps=25"):
        assert small("run", "small.toml", "--set", setting, "-q").returncode == 0
    compared = small("compare", "runs/small/001", "runs/small/002").stdout
    assert "step 30" in compared
    assert "2.50" in compared
    listed = small("runs").stdout.splitlines()
    assert [line.split()[-1] for line in listed[2:]] == ["epochs=3", "steps=25"]
    assert " 2.50 " in listed[-1]
    rows = json.loads(small("runs", "--output", "json").stdout)["runs"]
    assert [row["epochs"] for row in rows] == [3, 2.5]


def test_pictures_have_steps_on_their_axis(kept: Path) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    from specnet.reporting.drawing import Colours
    from specnet.reporting.drawings.curves import curves_drawing

    run = read_run(kept)
    drawing = curves_drawing(run, run.history(), "loss")
    best = json.loads((kept / "result.json").read_text())["best_epoch"] * PER_EPOCH
    assert drawing.title.endswith("by step")
    assert "at step 5 to" in drawing.description
    assert "at step 25;" in drawing.description
    assert f"the parameters of step {best:.0f} were kept" in drawing.description
    figure = Figure()
    drawing.draw(figure, Colours())
    assert figure.axes[0].get_xlabel() == "step"


def test_the_report_counts_in_steps(kept: Path) -> None:
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    from specnet.reporting.html.page import write_report

    page = write_report(kept).read_text(encoding="utf-8")
    best = json.loads((kept / "result.json").read_text())["best_epoch"] * PER_EPOCH
    assert f"those of step {best:.0f}" in page
    assert "Some steps in numbers" in page
    assert "since the last validation" in page
    assert "Training completed all 25 steps." in page


def started(steps: int | None = 2000) -> Started:
    epochs = 2000 / 6 if steps else 300
    return Started("iris", 259, {"train": 90}, epochs, 6, 16, 75_000, None, steps=steps)  # type: ignore[arg-type]


def test_progress_is_by_step() -> None:
    state = ProgressState()
    state.see(started())
    state.see(StepsDone(42, 250, 0.5, 0.1, 6.0))
    assert state.place == "step 250/2000"
    assert state.share == 0.125
    assert introduction(started()).endswith("rows: 90 train; 2,000 steps, 6 steps an epoch; 73.2 KiB")
    now = iter((0.0, 10.0))
    file = io.StringIO()
    progress = LineProgress(Console(file=file, width=80), lambda: next(now))
    progress(started())
    progress(StepsDone(42, 250, 0.5, 0.1, 6.0))
    assert file.getvalue().splitlines()[-1].startswith("step 250/2000: loss 0.5")


def test_a_notebook_counts_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    class Cell:
        HTML = staticmethod(str)

        def display(self, page: str, display_id: bool) -> Any:
            shown.append(page)
            return self

        def update(self, page: str) -> None:
            shown.append(page)

    monkeypatch.setitem(sys.modules, "IPython.display", Cell())
    ticks = iter(range(10_000))
    spec = api.load(f"{TEXT}steps = 25\nvalidate_every = 5\n")
    api.run(spec, listener=NotebookProgress(clock=lambda: float(next(ticks))))
    assert any("step 10 of 25, loss" in page for page in shown)
    assert "25 steps in" in shown[-1]
    assert "Loss by step" in shown[-1]


@pytest.mark.parametrize(
    ("training", "code", "said"),
    [
        (
            "steps = 40\nvalidate_every = 10\nearly_stopping = { patience = 4 }",
            "SN724",
            "has 4: it never triggers",
        ),
        ("steps = 40\nvalidate_every = 50", "SN725", "a validation every 50 steps comes only at the end"),
        (
            'steps = 40\nschedule = { type = "step", step_size = 5 }',
            "SN720",
            "5 epochs are not reached",
        ),
        ('steps = 40\nschedule = { type = "plateau", patience = 4 }', "SN720", "has 4"),
    ],
)
def test_warnings_count_in_steps(training: str, code: str, said: str) -> None:
    report = api.validate(TEXT + training)
    found = [each for each in report.diagnostics if each.code == code]
    assert len(found) == 1
    assert said in found[0].message
    longer = api.validate(TEXT + training.replace("= 40", "= 400"))
    assert code not in [each.code for each in longer.diagnostics]
