"""Every command of the command line, once, on a small project: a table with its document and a run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from tests.support.command_line import environment, run_command
from tests.support.forking import USUAL, Streams

DOCUMENT = """\
specnet = 1
name = "{name}"
metrics = ["accuracy", "confusion"]
loss = "cross_entropy"
data = {{ type = "csv", path = "t.csv", target = "{target}", split = {{ validation = 0.25 }} }}
layers = [{{ type = "dense", units = 4, activation = "relu" }}, {{ type = "dense", units = {classes} }}]
training = {{ epochs = 3, batch_size = 8 }}
output = {{ show = ["predictions", "weights"] }}
"""

LANGUAGE = """\
specnet = 1
loss = "cross_entropy"
data = { type = "npz", path = "tokens.npz" }
layers = [
    { type = "embedding", input_dim = 5, output_dim = 4 },
    { type = "gru", units = 4, return_sequences = true },
    { type = "dense", units = 5 },
]
training = { epochs = 1 }
"""
"""A model that predicts the next of five tokens."""

SERIES = """\
specnet = 1
loss = "mse"
data = { type = "series", path = "series.csv", target = "y", lookback = 6, horizon = 2 }
layers = [{ type = "flatten" }, { type = "dense", units = "auto" }]
training = { epochs = 1 }
"""
"""A model that forecasts two steps."""

SWEEP = """\
specnet = 1
extends = "s.toml"
sweep = { objective = "train.loss", trials = 1, parameters = { "training.batch_size" = { choices = [8] } } }
"""
"""A search of one trial."""

COMMANDS = {
    "run": ["run", "s.toml", "--no-save"],
    "sweep": ["sweep", "w.toml", "--jobs", "1"],
    "validate": ["validate", "s.toml"],
    "explain": ["explain", "s.toml"],
    "trace": ["trace", "s.toml"],
    "schema": ["schema"],
    "docs": ["docs"],
    "rule": ["rule", "SN501"],
    "check-gradients": ["check-gradients", "s.toml"],
    "evaluate": ["evaluate", "run"],
    "predict": ["predict", "run", "t.csv"],
    "forecast": ["forecast", "series", "series.csv"],
    "generate": ["generate", "language", "--prompt", "1 2", "--tokens", "5"],
    "init": ["init", "t.csv", "-o", "-"],
    "runs": ["runs", "."],
    "compare": ["compare", "run", "other"],
    "report": ["report", "run", "-o", "page.html"],
    "plot": ["plot", "run", "-o", "loss.png"],
    "export": ["export", "run", "--to", "numpy"],
}
"""The arguments, by command; each writes something on standard output and exits with 0."""


def make_project(folder: Path) -> Path:
    """Make the project that `COMMANDS` are about in an empty folder, and return the folder."""
    rows = "".join(f"{i % 7},{i * 5 % 11},{'yes' if i % 7 > 2 else 'no'}\n" for i in range(32))
    (folder / "t.csv").write_text(f"a,b,kind\n{rows}")
    (folder / "s.toml").write_text(DOCUMENT.format(name="small", target="kind", classes=2))
    (folder / "w.toml").write_text(SWEEP)
    tokens = np.arange(60) % 5
    np.savez(folder / "tokens.npz", inputs=tokens[:-4].reshape(-1, 7), targets=tokens[1:-3].reshape(-1, 7))
    (folder / "series.csv").write_text("y\n" + "".join(f"{i % 7}\n" for i in range(60)))
    (folder / "language.toml").write_text(LANGUAGE)
    (folder / "series.toml").write_text(SERIES)
    runs = {"run": ("s", "0"), "other": ("s", "1"), "language": ("language", "0"), "series": ("series", "0")}
    for name, (spec, seed) in runs.items():
        done = specnet_in(folder, "run", f"{spec}.toml", "--out", name, "--seed", seed, "-q")
        assert done.returncode == 0, done.stderr
    return folder


def specnet_in(
    folder: Path, *arguments: str, streams: Streams = USUAL, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, with files for standard streams, as `run_command` takes them."""
    return run_command(arguments, folder, environment(**more), streams=streams)
