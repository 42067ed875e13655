"""`specnet forecast`: forecasts and backtests on standard output and in files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import specnet
from specnet.cli.app import app
from tests.support.series import spec, table


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forecast")
    (folder / "s.csv").write_text(table())
    specnet.run({**spec(folder / "s.csv"), "training": {"epochs": 1}}, out=folder / "run")
    return folder


def forecast(folder: Path, *arguments: str, code: int = 0, given: str | None = None) -> str:
    done = CliRunner().invoke(app, ["forecast", str(folder / "run"), *arguments], input=given)
    assert done.exit_code == code, done.output
    assert not done.stderr or code
    return done.stdout if not code else done.stderr


def test_forecasts_are_rows_of_csv_or_json_lines(folder: Path) -> None:
    data = str(folder / "s.csv")
    wanted = list(specnet.load_run(folder / "run").forecast(data).rows())
    rows = list(csv.DictReader(forecast(folder, data).splitlines()))
    assert list(rows[0]) == ["id", "date", "y"]
    assert [(row["id"], row["date"]) for row in rows] == [row[:2] for row in wanted]
    assert [float(row["y"]) for row in rows] == pytest.approx([row[2] for row in wanted], rel=1e-8)
    lines = [json.loads(line) for line in forecast(folder, data, "--output", "jsonl").splitlines()]
    assert [line["y"] for line in lines] == [float(row["y"]) for row in rows]
    assert forecast(folder, "-", given=Path(data).read_text()) == forecast(folder, data)


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_file_holds_what_would_be_printed(folder: Path, suffix: str) -> None:
    data, out = str(folder / "s.csv"), folder / f"out.{suffix}"
    assert forecast(folder, data, "-o", str(out)) == ""
    assert out.read_text() == forecast(folder, data, "--output", suffix)


def test_a_backtest_is_a_table_of_origins(folder: Path) -> None:
    data, out = str(folder / "s.csv"), folder / "tested.csv"
    shown = forecast(folder, data, "--backtest", "2", "-o", str(out))
    assert all(word in shown for word in ("origin", "2024-02-24", "2024-02-27", "all", "mase", "naive mae"))
    made = specnet.load_run(folder / "run").backtest(data, 2)
    found = json.loads(forecast(folder, data, "--backtest", "2", "--output", "json"))
    assert found["origins"]["all"]["mae"] == made.evaluation.splits["all"]["mae"]
    assert found["rows"] == {"2024-02-24": 2, "2024-02-27": 2, "all": 4}
    assert found["naive"]["all"] == {"mae": made.naive["all"]}
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert list(rows[0]) == ["origin", "id", "date", "y", "y_forecast"]
    assert len(rows) == 12
    error = sum(abs(float(row["y"]) - float(row["y_forecast"])) for row in rows) / 12
    assert error == pytest.approx(made.evaluation.splits["all"]["mae"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--step", "2"], "add --backtest"),
        (["--backtest", "2", "--output", "csv"], "table or json"),
        (["--output", "table"], "csv or jsonl"),
        (["-o", "out.npz"], "does not end in"),
    ],
)
def test_options_that_do_not_go_together_are_said(folder: Path, arguments: list[str], message: str) -> None:
    assert message in " ".join(forecast(folder, str(folder / "s.csv"), *arguments, code=2).split())


def test_what_is_wrong_with_the_data_names_the_file(folder: Path) -> None:
    (folder / "short.csv").write_text(table(count=3))
    said = forecast(folder, str(folder / "short.csv"), code=1)
    assert "SN558" in said
    assert "short.csv" in said
    assert "there is no file" not in said
    out = folder / "none.csv"
    forecast(folder, str(folder / "short.csv"), "-o", str(out), code=1)
    assert not out.exists()


def test_rows_of_a_series_model_are_windows(folder: Path) -> None:
    done = CliRunner().invoke(app, ["predict", str(folder / "run"), str(folder / "s.csv")])
    assert done.exit_code == 1
    assert "specnet forecast" in done.stderr


def test_other_runs_have_nothing_to_forecast(folder: Path, tmp_path: Path) -> None:
    document = {"specnet": 1, "data": {"type": "inline", "inputs": [[1.0]], "targets": [1.0]}, "loss": "mse"}
    document |= {"layers": [{"type": "dense", "units": 1}], "training": {"epochs": 1}}
    specnet.run(document, out=tmp_path / "run")
    assert "nothing to forecast" in forecast(tmp_path, str(folder / "s.csv"), code=1)
