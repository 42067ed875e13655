"""Runs on images through the command line: new images, other folders, and changed ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import specnet
from specnet.cli.app import app
from tests.support.pictures import write_classes, write_png

pytest.importorskip("PIL")

DOCUMENT = """
specnet = 1
name = "sides"
loss = "cross_entropy"

[data]
type = "images"
path = "all"
size = [6, 5]

[data.split]
validation = 0.25
stratify = true

[[data.transforms]]
type = "scale"
factor = 0.00392156862745098

[[data.augmentations]]
type = "pad_crop"
padding = 1

[[layers]]
type = "flatten"

[[layers]]
type = "dense"
units = 3

[training]
epochs = 4
optimizer = { type = "adam", learning_rate = 0.01 }
[training.checkpoint]
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_classes(tmp_path / "all", 8)
    write_classes(tmp_path / "new", 2, seed=5)
    (tmp_path / "sides.toml").write_text(DOCUMENT)
    specnet.run(specnet.load("sides.toml"), out="run")
    return Path("run")


def called(*arguments: str, code: int = 0) -> tuple[str, str]:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == code, done.output
    return done.stdout, done.stderr


def test_predictions_name_their_files(run: Path) -> None:
    table, _ = called("predict", "run", "new")
    head, *rows = [line.split(",") for line in table.splitlines()]
    assert head == ["file", "prediction", "P(above)", "P(below)", "P(middle)"]
    names = [f"new/{name}/{n}.png" for name in ("above", "below", "middle") for n in (0, 1)]
    assert [row[0] for row in rows] == names
    model = specnet.load_run(run)
    from PIL import Image

    pictures = np.stack([np.asarray(Image.open(name).convert("RGB")) for name in names])
    np.testing.assert_allclose(
        [[float(p) for p in row[2:]] for row in rows], model.predict(pictures), rtol=1e-5
    )
    flat, _ = called("predict", "run", "new/below", "--output", "jsonl")
    shown = [json.loads(line) for line in flat.splitlines()]
    assert [row["file"] for row in shown] == ["new/below/0.png", "new/below/1.png"]
    assert list(shown[0]["probabilities"].values()) == pytest.approx(
        [float(p) for p in rows[2][2:]], rel=1e-5
    )
    single, _ = called("predict", "run", "new/below/1.png")
    assert single.splitlines()[1].split(",")[:2] == rows[3][:2]
    called("predict", "run", "new", "-o", "made.npz")
    with np.load("made.npz") as made:
        assert made["files"].tolist() == names
        assert made["predictions"].shape == (6, 3)


@pytest.mark.usefixtures("run")
def test_arrays_and_lists_still_do() -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (3, 6, 5, 3))
    np.save("rows.npy", pictures)
    table, _ = called("predict", "run", "rows.npy")
    assert table.splitlines()[0].startswith("prediction,")
    assert len(table.splitlines()) == 4
    Path("rows.jsonl").write_text("\n".join(json.dumps(p) for p in pictures.tolist()))
    assert len(called("predict", "run", "rows.jsonl")[0].splitlines()) == 4
    np.savez("pair.npz", inputs=pictures, targets=np.array([0, 1, 2]))
    assert json.loads(called("evaluate", "run", "pair.npz", "--output", "json")[0])["rows"] == {"data": 3}


@pytest.mark.usefixtures("run")
def test_faulty_new_images_are_named() -> None:
    Path("new/above/1.png").write_text("nothing")
    Path("new/below/notes.txt").write_text("nothing")
    _, printed = called("predict", "run", "new", code=1)
    assert "SN584" in printed
    assert "`new/above/1.png` is neither PNG nor JPEG" in printed
    assert "`new/below/notes.txt` is not an image by its name" in printed
    Path("empty").mkdir()
    assert "`empty` has no images" in called("predict", "run", "empty", code=1)[1]


def test_evaluating_another_folder_and_the_run_s_own(run: Path) -> None:
    figures = json.loads(called("evaluate", "run", "new", "--output", "json")[0])
    assert figures["rows"] == {"data": 6}
    table, _ = called("predict", "run", "new")
    right = [line.split(",")[0].split("/")[1] == line.split(",")[1] for line in table.splitlines()[1:]]
    assert figures["splits"]["data"]["accuracy"] == pytest.approx(np.mean(right))
    own = json.loads(called("evaluate", "run", "--output", "json")[0])
    for name, split in json.loads((run / "result.json").read_text())["splits"].items():
        assert own["splits"][name] == pytest.approx(split)
    assert "is a single image without a class" in called("evaluate", "run", "new/above/0.png", code=1)[1]
    write_png(Path("new/beside/1.png"), np.zeros((6, 5, 3), np.uint8))
    printed = called("evaluate", "run", "new", code=1)[1]
    assert "no class `beside`" in printed.replace("\n", " ")


@pytest.mark.usefixtures("run")
def test_changed_images_are_noticed() -> None:
    write_png(Path("all/above/0.png"), np.zeros((6, 5, 3), np.uint8))
    printed = " ".join(called("evaluate", "run", code=1)[1].split())
    assert f"`all` in {Path.cwd()} has another SHA-256" in printed
    called("run", "sides.toml", "--set", "training.epochs=5", "--resume", "run", code=1)


def test_a_run_that_was_killed_resumes_bit_for_bit(run: Path) -> None:
    spec = specnet.load("sides.toml")
    asked = iter(range(10**6))
    cut = specnet.run(spec, out="cut", stop=lambda: next(asked) == 2)
    assert cut.stopped == "interrupted"
    resumed = specnet.run(spec, resume="cut")
    whole = specnet.load_run(run)
    assert resumed.model.parameters.flat.tobytes() == whole.parameters.flat.tobytes()


@pytest.mark.usefixtures("run")
def test_a_single_file_holds_all_that_predictions_need() -> None:
    called("export", "run", "--to", "specnet", "-o", "sides.specnet")
    assert called("predict", "sides.specnet", "new") == called("predict", "run", "new")


def test_a_report_shows_the_images(run: Path) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    called("report", "run")
    assert (run / "report.html").read_text().count("data:image/png") > 2
