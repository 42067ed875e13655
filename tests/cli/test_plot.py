from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from specnet import api
from specnet.installation import install_command
from tests.support.command_line import ROOT, SPECS, Specnet
from tests.support.series import spec, table

pytest.importorskip("matplotlib")

STARTS = {".png": b"\x89PNG\r\n\x1a\n", ".svg": b"<?xml", ".pdf": b"%PDF-"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of moons, and one of an autoencoder."""
    folder = tmp_path_factory.mktemp("plotted")
    for name, epochs in (("moons", 8), ("denoising-autoencoder", 2)):
        api.run(api.load(SPECS / f"{name}.toml", {"training.epochs": epochs}), folder=folder / "runs")
    return folder


@pytest.fixture
def plot(specnet: Specnet, tmp_path: Path, made: Path) -> Specnet:
    """The command, in a folder of its own with copies of the runs."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return lambda *arguments, **more: specnet("plot", *arguments, **more)


@pytest.mark.parametrize("suffix", STARTS)
def test_the_suffix_decides_what_is_written_and_the_path_is_printed(
    plot: Specnet, tmp_path: Path, suffix: str
) -> None:
    done = plot("runs/moons/001", "-o", f"x{suffix}")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"x{suffix}\n", "")
    first = (tmp_path / f"x{suffix}").read_bytes()
    assert first.startswith(STARTS[suffix])
    assert plot("runs/moons/001", "-o", f"y{suffix}").returncode == 0
    assert (tmp_path / f"y{suffix}").read_bytes() == first


@pytest.mark.parametrize(
    ("what", "texts"),
    [
        (
            "loss",
            ("Binary cross-entropy by epoch", "binary cross-entropy (nats)", "epoch", "train", "validation"),
        ),
        ("auc", ("AUC by epoch", "AUC")),
        ("accuracy", ("Accuracy by epoch", "accuracy (fraction correct)")),
        ("learning_rate", ("Learning rate by epoch",)),
        ("boundary", ("Decision boundary and rows of the train split", "x0", "x1", "class")),
        ("weights", ("Weights", "dense_1.kernel", "dense_3.kernel", "weight")),
        (
            "activations",
            ("Activations of dense_2 for 60 rows of the test split, by class", "unit of dense_2"),
        ),
        ("confusion", ("Confusion of the test split", "true class", "predicted class")),
    ],
)
def test_each_picture_has_a_title_and_labelled_axes(
    plot: Specnet, tmp_path: Path, what: str, texts: tuple[str, ...]
) -> None:
    done = plot("runs/moons/001", "--what", what, "-o", "x.svg")
    assert done.returncode == 0, done.stderr
    drawn = (tmp_path / "x.svg").read_text(encoding="utf-8")
    for text in texts:
        assert f">{text}<" in drawn


def test_without_a_name_pictures_lie_with_the_run_and_go_when_it_is_replaced(
    plot: Specnet, specnet: Specnet, tmp_path: Path
) -> None:
    assert plot("runs/moons/001").stdout == f"{Path('runs/moons/001/plots/loss.png')}\n"
    assert plot("runs/moons/001", "--what", "weights", "--layer", "dense_2").returncode == 0
    folder = tmp_path / "runs/moons/001/plots"
    assert sorted(path.name for path in folder.iterdir()) == ["loss.png", "weights.dense_2.png"]
    again = specnet(
        "run", SPECS / "moons.toml", "-q", "--set", "training.epochs=1", "--out", "runs/moons/001"
    )
    assert again.returncode == 0, again.stderr
    assert not folder.exists()


def test_an_autoencoder_has_reconstructions(plot: Specnet, tmp_path: Path) -> None:
    done = plot("runs/denoising-autoencoder/001", "--what", "reconstructions", "-o", "x.svg")
    assert done.returncode == 0, done.stderr
    drawn = (tmp_path / "x.svg").read_text(encoding="utf-8")
    assert all(f">{text}<" in drawn for text in ("input", "reconstruction", "row 1"))


def test_a_model_of_series_has_forecasts(plot: Specnet, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(table())
    api.run({**spec(tmp_path / "s.csv"), "training": {"epochs": 1}}, out=tmp_path / "run")
    done = plot("run", "--what", "forecasts", "--split", "train", "-o", "f.svg")
    assert done.returncode == 0, done.stderr
    drawn = (tmp_path / "f.svg").read_text()
    for text in ("Forecasts", "the highest loss", "seen", "target", "forecast"):
        assert f"{text}<" in drawn


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("runs/none",), "runs/none: there is no such directory"),
        (("runs/moons",), "this folder holds 1 run; name one, such as runs/moons/001"),
        (("runs/moons/001", "-o", "x.gif"), "--out: x.gif: a picture is written as .png, .svg or .pdf"),
        (("runs/moons/001", "-o", "x"), "--out: x: a picture is written as .png, .svg or .pdf"),
        (
            ("runs/moons/001", "--what", "acuracy"),
            "--what: the run has no `acuracy` to draw; did you mean `accuracy`?",
        ),
        (("runs/moons/001", "--what", "q"), "it has `loss`, `accuracy`, `auc`, `learning_rate`, `boundary`"),
        (("runs/moons/001", "--what", "reconstructions"), "of a model whose target is its inputs"),
        (
            ("runs/moons/001", "--what", "weights", "--layer", "dense_9"),
            "--layer: no layer `dense_9` has a kernel",
        ),
        (("runs/moons/001", "--what", "activations", "--layer", "dens_1"), "did you mean `dense_1`?"),
        (("runs/moons/001", "--layer", "dense_1"), "--layer: it has no effect on --what loss"),
        (
            ("runs/moons/001", "--what", "weights", "--split", "test"),
            "--split: it has no effect on --what weights",
        ),
        (("runs/moons/001", "--what", "boundary", "--split", "tset"), "--split: the run has no `tset` split"),
        (("runs/denoising-autoencoder/001", "--what", "boundary"), "--what reconstructions shows them"),
        (("runs/denoising-autoencoder/001", "--what", "confusion"), "confusion is of classes"),
        (("runs/moons/001", "--what", "forecasts"), 'a model with one output on `type = "series"`'),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_there_is(
    plot: Specnet, arguments: tuple[str, ...], message: str
) -> None:
    done = plot(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in " ".join(done.stderr.split())


def test_inputs_that_are_not_two_numbers_have_no_boundary(plot: Specnet, tmp_path: Path) -> None:
    api.run(api.load(SPECS / "iris.toml", {"training.epochs": 1}), folder=tmp_path / "runs")
    done = plot("runs/iris/001", "--what", "boundary")
    assert done.returncode == 2
    assert "a boundary is drawn over two inputs, and this model has 4" in done.stderr


def test_curves_need_no_data_and_a_boundary_says_that_they_have_changed(
    plot: Specnet, tmp_path: Path
) -> None:
    (tmp_path / "d.csv").write_text("a,b,y\n" + "".join(f"{i},{i * i % 7},{i % 3}\n" for i in range(30)))
    spec = {
        "specnet": 1,
        "name": "table",
        "data": {"type": "csv", "path": "d.csv", "target": "y"},
        "layers": [{"type": "dense", "units": 1}],
        "loss": "mse",
        "training": {"epochs": 2},
    }
    (tmp_path / "t.json").write_text(json.dumps(spec))
    api.run(api.load(tmp_path / "t.json"), folder=tmp_path / "runs")
    done = plot("runs/table/001", "--what", "boundary", "-o", "x.svg")
    assert done.returncode == 0, done.stderr
    drawn = (tmp_path / "x.svg").read_text(encoding="utf-8")
    assert all(f">{text}<" in drawn for text in ("a", "b", "prediction; dots: target"))
    (tmp_path / "d.csv").unlink()
    done = plot("runs/table/001", "--what", "boundary")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "the training data of runs/table/001 cannot be read again" in done.stderr
    assert plot("runs/table/001").returncode == 0


def test_a_place_that_cannot_be_written_is_named(plot: Specnet) -> None:
    done = plot("runs/moons/001", "-o", "nowhere/x.png")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: nowhere/x.png cannot be written: No such file or directory" in done.stderr


def test_a_run_without_an_epoch_has_no_curve_but_weights(plot: Specnet, tmp_path: Path) -> None:
    (tmp_path / "runs/moons/001/metrics.jsonl").write_text("")
    done = plot("runs/moons/001")
    assert done.returncode == 2
    assert "the run has not finished an epoch" in done.stderr
    assert plot("runs/moons/001", "--what", "weights").returncode == 0


def test_without_matplotlib_the_extra_is_named(plot: Specnet, tmp_path: Path) -> None:
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "sitecustomize.py").write_text("import sys\nsys.modules['matplotlib'] = None\n")
    done = plot("runs/moons/001", PYTHONPATH=f"{ROOT}:{tmp_path / 'blocked'}")
    assert done.returncode == 1
    assert install_command("report") in done.stderr


def test_names_of_classes_are_drawn_as_they_are(plot: Specnet, tmp_path: Path) -> None:
    rows = [(0, 0, "$a$_{1}^"), (1, 1, "_b<i>"), (0, 1, "$a$_{1}^"), (1, 0, "日本")]
    (tmp_path / "d.csv").write_text("p$,q,y\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows * 5), "utf-8")
    spec = {
        "specnet": 1,
        "name": "names",
        "data": {"type": "csv", "path": "d.csv", "target": "y"},
        "layers": [{"type": "dense", "units": 3}],
        "loss": "cross_entropy",
        "training": {"epochs": 2},
    }
    (tmp_path / "t.json").write_text(json.dumps(spec))
    api.run(api.load(tmp_path / "t.json"), folder=tmp_path / "runs")
    for what in ("boundary", "confusion", "weights", "activations"):
        for suffix in ("svg", "png"):
            done = plot("runs/names/001", "--what", what, "-o", f"{what}.{suffix}")
            if what == "activations":
                assert "no hidden layer" in done.stderr
                continue
            assert (done.returncode, done.stderr) == (0, "")
    drawn = (tmp_path / "boundary.svg").read_text(encoding="utf-8")
    assert all(f">{text}<" in drawn for text in ("$a$_{1}^", "日本", "p$"))
    assert "_b&lt;i&gt;<" in drawn
