from __future__ import annotations

import json
from pathlib import Path

import specnet
from specnet.runs.metrics_log import MetricsLog, line, lines
from specnet.training.events import EpochEnded, Span

EVENT = EpochEnded(3, 12, 0.25, {"loss": 0.5, "accuracy": 1.0}, 0.01, 1.25, best=True)


def test_a_line_is_the_history_s_row(finished: specnet.Result) -> None:
    assert finished.run is not None
    rows = [json.loads(text) for text in (finished.run / "metrics.jsonl").read_text().splitlines()]
    assert len(rows) == 3
    for row, known in zip(rows, finished.history, strict=True):
        assert abs(row.pop("seconds") - known.pop("seconds")) <= 1e-6
        assert row == known


def test_a_span_gives_the_lines_that_its_epochs_would() -> None:
    span = Span(5, 9, [0.1, float("nan"), 1e-300], [0.5, 0.6, 0.75], 0.05)
    assert list(map(json.loads, lines(span))) == [json.loads(line(event)) for event in span.epochs()]


def test_numbers_that_json_lacks_are_null() -> None:
    event = EpochEnded(
        1, 1, float("inf"), {"loss": float("nan"), "confusion": [[1, 2]]}, 0.1, 0.0, best=False
    )
    row = json.loads(line(event))
    assert row["train"] == {"loss": None}
    assert row["validation"] == {"loss": None, "confusion": [[1, 2]]}


def test_lines_are_in_the_file_after_a_second(tmp_path: Path) -> None:
    now = 100.0
    path = tmp_path / "metrics.jsonl"
    with MetricsLog(path, lambda: now) as log:
        log.add(EVENT)
        assert path.read_text() == ""
        now += 0.9
        log.add(EVENT)
        assert path.read_text() == ""
        now += 0.2
        log.add(EVENT)
        assert len(path.read_text().splitlines()) == 3
        log.add(EVENT)
        assert len(path.read_text().splitlines()) == 3
    assert len(path.read_text().splitlines()) == 4
