from __future__ import annotations

import io
import math

import numpy as np
import pytest
from rich.console import Console

from specnet.cli.progress import Bar, LineProgress, ProgressState, introduction
from specnet.training.events import EpochEnded, Span, Started, StepsDone


def started(epochs: int = 1000) -> Started:
    return Started("iris", 259, {"train": 90, "test": 30}, epochs, 6, 16, 75_000, model=None)  # type: ignore[arg-type]


def epoch(number: int, seconds: float, validation: dict[str, object] | None = None) -> EpochEnded:
    return EpochEnded(number, number * 6, 1 / number, validation, 0.01, seconds, best=False)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def lines(epochs: int, seconds_each: float) -> list[str]:
    file, clock = io.StringIO(), Clock()
    progress = LineProgress(Console(file=file, width=80), clock)
    progress(started(epochs))
    for number in range(1, epochs + 1):
        clock.now = number * seconds_each
        progress(epoch(number, clock.now, {"loss": 0.5, "accuracy": 0.75, "confusion": [[1]]}))
    return file.getvalue().splitlines()


def test_a_log_tells_first_what_is_trained() -> None:
    assert lines(1, 0.01) == ["iris: 259 parameters; rows: 90 train, 30 test; 1 epoch of 6 steps; 73.2 KiB"]


def test_a_log_s_lines_have_all_figures() -> None:
    assert lines(100, 1.0)[1] == (
        "epoch 2/100: loss 0.5, validation loss 0.5 accuracy 0.75, rate 0.01, 1:38 left"
    )


@pytest.mark.parametrize(
    ("epochs", "seconds_each", "most"), [(100_000, 1e-4, 4), (86_400, 1.0, 100), (10, 3600, 11)]
)
def test_a_log_stays_short(epochs: int, seconds_each: float, most: int) -> None:
    assert 2 <= len(lines(epochs, seconds_each)) <= most


def test_what_is_left_follows_from_what_is_done() -> None:
    state = ProgressState()
    assert state.left == ""
    state.see(started(10))
    state.see(StepsDone(1, 3, 0.5, 0.1, 6.0))
    assert state.share == pytest.approx(0.05)
    assert state.left == "1:54"
    state.see(epoch(5, 10.0))
    assert state.left == "0:10"
    state.see(Span(6, 36, [0.5, 0.25], [11.0, 12.0], 0.2))
    assert (state.epoch, state.step, state.loss, state.seconds) == (7, 37, 0.25, 12.0)


def test_the_last_validation_stays_until_the_next() -> None:
    state = ProgressState()
    state.see(started())
    assert state.figures() == "starting"
    state.see(epoch(1, 1.0, {"loss": 0.125}))
    state.see(epoch(2, 2.0))
    assert state.figures() == "loss 0.5, validation loss 0.125, rate 0.01"
    state.see(EpochEnded(3, 18, math.nan, None, 0.01, 3.0, best=False))
    assert state.figures().startswith("loss NaN")


@pytest.mark.parametrize("width", [30, 80, 200])
def test_the_bar_fits_its_terminal(width: int) -> None:
    file, clock, stopping = io.StringIO(), Clock(), False
    console = Console(file=file, width=width, force_terminal=True, color_system=None)
    bar = Bar(console, lambda: stopping, clock)
    bar(started())
    bar._state.see(epoch(250, 60.0, {"loss": 0.5}))
    shown = Console(file=io.StringIO(), width=width)
    shown.print(bar.picture())
    text = shown.file.getvalue()  # type: ignore[attr-defined]
    assert all(len(line) <= width for line in text.splitlines())
    if width >= 80:
        assert "epoch 250/1000" in text
        assert "3:00 left" in text
        # A quarter of the bar, which takes what the texts leave of the line.
        assert text.splitlines()[0].count("━") == pytest.approx((width - 36) / 4, abs=1)
    stopping = True
    shown.print(bar.picture())
    assert width < 80 or "stopping after this step" in shown.file.getvalue()  # type: ignore[attr-defined]


def test_the_bar_is_drawn_ten_times_a_second_at_most() -> None:
    clock = Clock()
    bar = Bar(Console(file=io.StringIO(), force_terminal=True), lambda: False, clock)
    drawn = 0

    def count() -> None:
        nonlocal drawn
        drawn += 1

    bar._live.refresh = count  # type: ignore[method-assign]
    bar(started())
    for number, now in enumerate(np.linspace(0, 2, 5000).tolist(), start=1):
        clock.now = now
        bar(epoch(number, now))
    assert 15 <= drawn <= 21


def test_an_introduction_counts_what_there_is() -> None:
    assert introduction(started()) == (
        "iris: 259 parameters; rows: 90 train, 30 test; 1,000 epochs of 6 steps; 73.2 KiB"
    )
