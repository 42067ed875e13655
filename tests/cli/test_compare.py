from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from specnet import api
from specnet.installation import install_command
from specnet.reporting.comparison import ABSENT, Difference, run_names
from tests.support.command_line import ROOT, SPECS, Specnet

TEXT = """
specnet = 1
name = "small"
layers = [{ type = "dense", units = 4, activation = "tanh" }, { type = "dense", units = 3 }]
loss = "cross_entropy"
metrics = ["accuracy", "confusion"]

[data]
type = "builtin"
name = "iris"
split = { validation = 0.2 }

[training]
epochs = 4
"""


SCALED = 'loss={ type = "cross_entropy", scale = 0.5 }'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs of one document."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "small.toml").write_text(TEXT)
    for more in ({}, {"training.epochs": 6, "layers.0.units": 5}):
        api.run(api.load(folder / "small.toml", more), folder=folder / "runs")
    return folder


@pytest.fixture
def two(specnet: Specnet, tmp_path: Path, made: Path) -> Specnet:
    """The command, in a folder with two runs of one document."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return specnet


def test_only_what_differs_is_shown(two: Specnet) -> None:
    data = json.loads(two("compare", "runs/small/001", "runs/small/002", "--output", "json").stdout)
    keys = {each["key"]: list(each["values"].values()) for each in data["differences"]}
    assert keys == {"training.epochs": [4, 6], "layers.0.units": [4, 5]}
    assert data["same_rows"] is True


def test_engines_and_numbers_of_processes_are_a_difference(two: Specnet, tmp_path: Path) -> None:
    other = tmp_path / "runs/small/003"
    shutil.copytree(tmp_path / "runs/small/001", other)
    made_of = json.loads((other / "resolved.json").read_text())
    began = made_of["computed_with"][0]
    for engines, said in ((["numba"], "numba"), (["numpy", "numba"], "numpy, then numba"), ([], None)):
        made_of["computed_with"] = [{**began, "engine": engine} for engine in engines]
        (other / "resolved.json").write_text(json.dumps(made_of))
        data = json.loads(two("compare", "runs/small/001", "runs/small/003", "--output", "json").stdout)
        found = {each["key"]: list(each["values"].values()) for each in data["differences"]}
        assert found == ({} if said is None else {"engine": ["numpy", said]})
    made_of["computed_with"] = [{**began, "ranks": count} for count in (2, 1)]
    (other / "resolved.json").write_text(json.dumps(made_of))
    data = json.loads(two("compare", "runs/small/001", "runs/small/003", "--output", "json").stdout)
    found = {each["key"]: list(each["values"].values()) for each in data["differences"]}
    assert found == {"processes": ["1", "2, then 1"]}


def test_the_best_is_the_lowest_loss_and_the_highest_accuracy(two: Specnet) -> None:
    data = json.loads(two("compare", "runs/small/001", "runs/small/002", "--output", "json").stdout)
    results = {
        path: json.loads(two("runs", path, "--output", "json").stdout)["runs"][0]["splits"]
        for path in ("runs/small/001", "runs/small/002")
    }
    figures = {(each["split"], each["name"]): each for each in data["figures"]}
    assert set(figures) == {(s, n) for s in ("train", "validation") for n in ("loss", "accuracy")}
    for (split, name), figure in figures.items():
        values = {path: result[split][name] for path, result in results.items()}
        assert figure["values"] == values
        top = min(values.values()) if name == "loss" else max(values.values())
        wanted = [p for p, v in values.items() if v == top] if len(set(values.values())) > 1 else []
        assert figure["best"] == wanted


def test_losses_of_other_kinds_are_not_ranked(two: Specnet) -> None:
    done = two("run", "small.toml", "-q", "--set", SCALED)
    assert done.returncode == 0, done.stderr
    data = json.loads(two("compare", "runs/small", "--output", "json").stdout)
    assert len(data["runs"]) == 3
    losses = [each for each in data["figures"] if each["name"] == "loss"]
    assert losses
    assert all(each["best"] == [] and each["better"] is None for each in losses)


def test_the_table_marks_the_best_and_overlays_the_curves(two: Specnet) -> None:
    shown = two("compare", "runs/small/*").stdout
    assert "training.epochs  4    6" in shown
    assert " *" in next(line for line in shown.splitlines() if line.startswith(" validation loss  "))
    assert "validation loss   ** units = 4, epochs = 4   oo units = 5, epochs = 6" in shown
    assert "  units = 4, epochs = 4    units = 5, epochs = 6\n" in shown


def test_other_rows_are_said_to_be_others(two: Specnet) -> None:
    assert two("run", "small.toml", "-q", "--seed", "5").returncode == 0
    assert "measured on different rows" in two("compare", "runs/small").stdout
    assert "measured on different rows" not in two("compare", "runs/small/001", "runs/small/002").stdout


def test_curves_are_drawn_into_a_file(two: Specnet, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    done = two("compare", "runs/small", "-o", "curves.svg")
    assert done.returncode == 0, done.stderr
    assert "curves written to curves.svg\n" in done.stderr
    drawn = (tmp_path / "curves.svg").read_text()
    for text in (
        "units = 4, epochs = 4",
        "units = 5, epochs = 6",
        "epoch",
        "validation cross-entropy (nats)",
    ):
        assert f">{text}<" in drawn


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".pdf", b"%PDF-"), (".SVG", b"<?xml")])
def test_the_suffix_decides_what_the_curves_are_written_as(
    two: Specnet, tmp_path: Path, suffix: str, start: bytes
) -> None:
    pytest.importorskip("matplotlib")
    done = two("compare", "runs/small", "--output", "json", "-o", f"c{suffix}")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / f"c{suffix}").read_bytes().startswith(start)
    assert [run["label"] for run in json.loads(done.stdout)["runs"]] == [
        "units = 4, epochs = 4",
        "units = 5, epochs = 6",
    ]


def test_a_file_that_is_not_a_picture_is_refused_before_anything_is_printed(
    two: Specnet, tmp_path: Path
) -> None:
    done = two("compare", "runs/small", "-o", "curves.gif")
    assert (done.returncode, done.stdout) == (2, "")
    assert "curves.gif: a picture is written as .png, .svg or .pdf" in " ".join(done.stderr.split())
    assert not (tmp_path / "curves.gif").exists()


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({}, ["001", "002"]),
        ({"training.optimizer.learning_rate": (0.1, 0.5)}, ["learning_rate = 0.1", "learning_rate = 0.5"]),
        (
            {"layers.0.units": (8, 16), "layers.1.units": (3, 4)},
            ["layers.0.units = 8, layers.1.units = 3", "layers.0.units = 16, layers.1.units = 4"],
        ),
        ({"layers.1.rate": (0.5, ABSENT)}, ["001", "002"]),
        ({"version of numpy": ("2.1", "2.2")}, ["001", "002"]),
        ({f"key{n}": (f"value{n}", n) for n in range(9)}, ["001", "002"]),
    ],
)
def test_runs_are_named_after_what_differs(
    values: dict[str, tuple[object, object]], names: list[str]
) -> None:
    differences = [Difference(key, pair) for key, pair in values.items()]
    assert run_names([Path("runs/a/001"), Path("runs/a/002")], differences) == names


def test_runs_that_would_be_named_alike_have_their_directories_as_well() -> None:
    paths = [Path(f"runs/a/00{n}") for n in (1, 2, 3)]
    assert run_names(paths, [Difference("seed", (1, 1, 2))]) == [
        "seed = 1 (001)",
        "seed = 1 (002)",
        "seed = 2",
    ]


def test_three_runs_that_differ_in_one_key_fit_in_80_columns(two: Specnet) -> None:
    for rate in ("0.1", "0.5", "0.25"):
        override = f'training.optimizer={{type="sgd", learning_rate={rate}}}'
        assert two("run", "small.toml", "-q", "--set", override, "--out", f"runs/rate/{rate}").returncode == 0
    shown = two("compare", "runs/rate").stdout
    assert max(map(len, shown.splitlines())) <= 80
    head = next(line for line in shown.splitlines() if line.startswith(" learning_rate ="))
    assert head.split() == ["learning_rate", "=", "0.1", "0.25", "0.5"]
    for rate in ("0.1", "0.25", "0.5"):
        assert f"learning_rate = {rate}" in shown


def test_without_matplotlib_the_extra_is_named(two: Specnet, tmp_path: Path) -> None:
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "sitecustomize.py").write_text("import sys\nsys.modules['matplotlib'] = None\n")
    done = two("compare", "runs/small", "-o", "a.svg", PYTHONPATH=f"{ROOT}:{tmp_path / 'blocked'}")
    assert done.returncode == 1
    assert install_command("report") in done.stderr
    assert not (tmp_path / "a.svg").exists()


@pytest.mark.parametrize("names", [["runs/none"], ["runs/small/001"], ["runs/x*"], ["small.toml"]])
def test_what_is_no_pair_of_runs_is_wrong_usage(two: Specnet, names: list[str]) -> None:
    done = two("compare", *names)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert names[0] in done.stderr


def test_runs_are_listed_with_status_and_figures(two: Specnet, tmp_path: Path) -> None:
    (tmp_path / "runs/small/002/result.json").unlink()
    shown = two("runs").stdout.splitlines()
    assert "accuracy" in shown[0]
    first, second = shown[2:]
    assert "runs/small/001" in first
    assert "completed" in first
    assert "runs/small/002" in second
    assert "unfinished" in second
    data = json.loads(two("runs", "--output", "json").stdout)
    assert [each["status"] for each in data["runs"]] == ["completed", "unfinished"]
    assert [each["epochs"] for each in data["runs"]] == [4, 6]


def test_a_run_that_a_process_holds_is_running(two: Specnet, tmp_path: Path) -> None:
    from specnet.runs.lock import locked

    with locked(tmp_path / "runs/small/001"):
        data = json.loads(two("runs", "--output", "json").stdout)
    assert [each["status"] for each in data["runs"]] == ["running", "completed"]


def test_a_line_that_was_cut_off_is_left_out(two: Specnet, tmp_path: Path) -> None:
    log = tmp_path / "runs/small/001/metrics.jsonl"
    log.write_bytes(log.read_bytes()[:-5])
    (tmp_path / "runs/small/001/result.json").unlink()
    data = json.loads(two("runs", "--output", "json").stdout)
    assert data["runs"][0]["epochs"] == 3


def test_no_runs_is_no_error_and_no_folder_is_one(specnet: Specnet, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    assert specnet("runs").returncode == 0
    assert json.loads(specnet("runs", "--output", "json").stdout) == {"version": 1, "runs": [], "sweeps": []}
    assert specnet("runs", "elsewhere").returncode == 2


def test_figures_of_several_outputs_know_which_way_is_good(tmp_path):
    from specnet.reporting.comparison import _directions
    from specnet.runs.kept import read_run

    spec = api.load(SPECS / "two-heads.toml", {"training.epochs": 1})
    api.run(spec, out=tmp_path / "run")
    found, _ = _directions([read_run(tmp_path / "run")])
    assert found["digit.accuracy"] == "higher"
    assert found["digit.loss"] == found["image.mae"] == "lower"
