"""Make the runs of one version of specnet that later versions must be able to use.

    python make.py FOLDER          # with that version of specnet installed

Each case gets a folder with its document, its data, the run's directory `run`, and what that version itself
answered. README.md says what the cases are. The folders are committed as they come out, and never made again.
"""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import specnet

HEAD = 'specnet = 1\nseed = 3\ndtype = "float64"\n'

TABLE = """\
metrics = ["accuracy", "confusion"]
loss = "cross_entropy"

layers = [
    { type = "dense", units = 6, activation = "tanh" },
    { type = "dense", units = 3 },
]

[data]
type = "csv"
path = "rows.csv"
target = "size"
categories = ["zone"]
split = { validation = 0.2, test = 0.2, stratify = true }
transforms = [{ type = "minmax" }]

[data.columns]
colour = { missing = "category" }
weight = { scale = "standardize", missing = "median" }
fresh = { type = "boolean" }

[training]
epochs = 12
batch_size = 8
optimizer = { type = "adam", learning_rate = 0.02 }
"""

OUTPUTS = """\
layers = [
    { type = "dense", name = "code", units = 4, activation = "tanh" },
    { type = "dense", name = "size", units = 3 },
    { type = "dense", name = "again", inputs = ["code"], units = 5 },
]

[data]
type = "csv"
path = "rows.csv"
target = "size"
features = ["length", "width", "zone"]
categories = ["zone"]
scale = "standardize"
split = { validation = 0.25 }

[outputs.size]
loss = "cross_entropy"
metrics = ["accuracy"]

[outputs.again]
target = "inputs"
loss = "mse"
weight = 0.5

[training]
epochs = 10
batch_size = 12
optimizer = { type = "adam", learning_rate = 0.02 }
"""

IMAGES = """\
specnet = 1
loss = "cross_entropy"
metrics = ["accuracy"]

layers = [
    { type = "conv2d", filters = 3, kernel_size = 3, activation = "relu" },
    { type = "batch_norm" },
    { type = "global_average_pooling2d" },
    { type = "dense", units = 2 },
]

[data]
type = "images"
path = "pictures"
size = [8, 8]
channels = 1
split = { validation = 0.25, stratify = true }
transforms = [{ type = "scale", factor = 0.00392156862745098 }]
augmentations = [{ type = "flip" }]

[training]
epochs = 8
batch_size = 8
optimizer = { type = "adam", learning_rate = 0.05 }
early_stopping = { patience = 5 }
"""

POINTS = """\
loss = "mse"
metrics = ["r2"]

layers = [
    { type = "dense", units = 6, activation = "tanh" },
    { type = "dropout", rate = 0.2 },
    { type = "dense", units = 1 },
]

[data]
type = "csv"
path = "points.csv"
target = "y"
transforms = [{ type = "standardize" }, { type = "standardize", on = "targets" }]
LOAD
[training]
epochs = 10
batch_size = 8
optimizer = { type = "adam", learning_rate = 0.02 }
"""

STREAMED = """\
load = "batches"
shuffle_buffer = 20
validation = { path = "more.csv" }
"""

WHOLE = """\
load = "whole"
split = { validation = 0.25 }
"""

SPLIT = """\
split = { validation = 0.25 }
"""

CHECKPOINTS = """\
schedule = { type = "exponential", gamma = 0.95 }
early_stopping = { patience = 50 }
checkpoint = { every_steps = 3, best = "validation.loss" }
"""


def main(folder: Path) -> None:
    """Make all cases."""
    case(folder / "csv", HEAD + TABLE, predict="rows.csv")
    case(folder / "outputs", HEAD + OUTPUTS, predict="rows.csv")
    case(folder / "images", IMAGES, predict="pictures")
    case(folder / "streamed", HEAD + POINTS.replace("LOAD", STREAMED), predict="more.csv")
    case(folder / "load-whole", HEAD + POINTS.replace("LOAD", WHOLE), predict="points.csv", usable=False)
    kept = HEAD + POINTS + CHECKPOINTS
    case(folder / "interrupted", kept.replace("LOAD", SPLIT), predict="points.csv", stop="interrupt")
    case(folder / "killed", kept.replace("LOAD", WHOLE), predict="points.csv", stop="kill", usable=False)
    archive(folder / "csv", folder / "archive")


def case(folder: Path, document: str, *, predict: str, usable: bool = True, stop: str | None = None) -> None:
    """Make one case: a run, and what it answers."""
    folder.mkdir(parents=True)
    (folder / "document.toml").write_text(document, encoding="utf-8", newline="\n")
    for name, write in DATA.items():
        if f'"{name}"' in document:
            write(folder / name)
    # What an interrupted run should end as is told by one that nobody interrupts.
    answering = "run" if stop is None else "uninterrupted"
    command(folder, "run", "document.toml", "--out", answering, "--quiet", "--output", "json")
    if stop is not None:
        end_early(folder, kill=stop == "kill")
    result = json.loads((folder / answering / "result.json").read_text())
    expected = {"splits": result["splits"], "fit": result["fit"], "stopped": result["stopped"]}
    if usable:
        expected["evaluate"] = json.loads(command(folder, "evaluate", answering, "--output", "json"))
        lines = command(folder, "predict", answering, predict, "--output", "jsonl").splitlines()
        expected["predict"] = {"rows": predict, "predictions": [json.loads(line) for line in lines]}
    else:
        # This version cannot read the run that it has saved: what it trained must say what that predicts.
        os.chdir(folder)
        trained = specnet.run(specnet.load("document.toml")).model
        rows = np.loadtxt(predict, delimiter=",", skiprows=1)[:, :2]
        made = [{"prediction": float(number)} for (number,) in trained.predict(rows)]
        expected["predict"] = {"rows": predict, "predictions": made}
    write_json(folder / "expected.json", expected)
    if stop is not None:
        with np.load(folder / answering / "model.npz") as stored:
            parameters = {k: stored[k] for k in stored.files if k.startswith("parameters/")}
        np.savez(folder / "expected.npz", **parameters)
        for path in sorted((folder / answering).rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        (folder / answering).rmdir()


def end_early(folder: Path, *, kill: bool) -> None:
    """Train in a process of its own that is stopped after 25 steps, or dies after as many."""
    code = (
        "import itertools, os, specnet\n"
        "steps = itertools.count(1)\n"
        f"end = (lambda: os._exit(9)) if {kill} else (lambda: True)\n"
        "stop = lambda: next(steps) >= 25 and end()\n"
        "specnet.run(specnet.load('document.toml'), out='run', stop=stop)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, check=False)
    assert done.returncode == (9 if kill else 0)


def archive(source: Path, folder: Path) -> None:
    """Export a case's run as one file."""
    folder.mkdir()
    command(source, "export", "run", "--to", "specnet", "-o", str(folder.resolve() / "run.specnet"))
    (folder / "rows.csv").write_bytes((source / "rows.csv").read_bytes())
    expected = json.loads((source / "expected.json").read_text())
    figures = json.loads(command(folder, "evaluate", "run.specnet", "rows.csv", "--output", "json"))
    write_json(folder / "expected.json", {"evaluate": figures, "predict": expected["predict"]})


def command(folder: Path, *arguments: str) -> str:
    """Return what a command prints on standard output."""
    done = subprocess.run(
        [sys.executable, "-m", "specnet", *arguments],
        cwd=folder, capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    return done.stdout


def write_json(path: Path, data: object) -> None:
    """Write data as JSON that a reader can compare line by line."""
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8", newline="\n")


def rows(path: Path) -> None:
    """Write a table with numbers, categories of text and of digits, a boolean, gaps, and three classes."""
    draw = random.Random(1)
    lines = ["length,width,weight,colour,zone,fresh,size"]
    for i in range(60):
        length, width = draw.uniform(1, 9), draw.uniform(1, 4)
        weight = f"{length * width / 3 + draw.gauss(0, 0.4):.3f}"
        weight = "" if i % 17 == 5 else weight
        colour = draw.choice(["red", "green", "blue", "", "blue"])
        size = "small" if length * width < 8 else "medium" if length * width < 16 else "large"
        fresh = draw.choice(["yes", "no"])
        lines.append(f"{length:.2f},{width:.2f},{weight},{colour},{draw.choice([10, 20, 30])},{fresh},{size}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def points(path: Path) -> None:
    """Write two numbers and a function of them a row."""
    draw = random.Random(path.name)
    lines = ["a,b,y"]
    for _ in range(64 if path.stem == "points" else 20):
        a, b = draw.uniform(-2, 2), draw.uniform(-2, 2)
        lines.append(f"{a:.4f},{b:.4f},{math.sin(a) + 0.5 * b + draw.gauss(0, 0.1):.4f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def pictures(path: Path) -> None:
    """Write 8 x 8 grey pictures of bars that lie and of bars that stand."""
    draw = np.random.default_rng(2)
    for kind in ("lying", "standing"):
        (path / kind).mkdir(parents=True)
        for i in range(12):
            pixels = draw.integers(0, 60, (8, 8))
            pixels[draw.integers(1, 7)] += 180
            grey = (pixels if kind == "lying" else pixels.T).astype(np.uint8)
            Image.fromarray(np.ascontiguousarray(grey)).save(path / kind / f"{i:02}.png")


DATA = {"rows.csv": rows, "points.csv": points, "more.csv": points, "pictures": pictures}


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
