"""Signals at any file operation of a run: what is left is whole, and resuming gives the bits of an uncut run."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from specnet.runs.checkpoints import numbered, read
from tests.support.command_line import HANG, environment

DOCUMENT = {
    "specnet": 1,
    "name": "moons",
    "metrics": ["accuracy"],
    "data": {"type": "synthetic", "kind": "moons", "samples": 60, "split": {"validation": 0.25}},
    "layers": [
        {"type": "dense", "units": 4},
        {"type": "dropout", "rate": 0.3},
        {"type": "dense", "units": 2},
    ],
    "loss": "cross_entropy",
    "training": {"epochs": 8, "batch_size": 16, "checkpoint": {"every_steps": 3}},
}
OPERATIONS = 115
"""File operations below the run's directory until the last signal; a run has about so many."""

COUNTING = """
import os, signal, sys
number, left, folder = int(sys.argv.pop(1)), int(sys.argv.pop(1)), sys.argv.pop(1)

def count(event, arguments):
    global left
    if event in {"open", "os.rename", "os.remove", "os.mkdir", "os.scandir"} and folder in str(arguments[0]):
        left -= 1
        if not left:
            os.kill(os.getpid(), number)

from specnet.cli import main
sys.addaudithook(count)
main()
"""
"""The command, to which a signal comes at some file operation in a folder."""


def _run(folder: Path, number: int, operation: int, *arguments: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", COUNTING, str(int(number)), str(operation), "cut", "run", "s.json", "-q", *arguments],
        cwd=folder, env=environment(OPENBLAS_NUM_THREADS="1"), capture_output=True, encoding="utf-8",
        timeout=HANG, check=False,
    )  # fmt: skip
    assert done.returncode in {0, 130, 143, -signal.SIGKILL}, (done.returncode, done.stderr)
    assert "bug in specnet" not in done.stderr, done.stderr
    return done.returncode


def learned(run: Path) -> list[object]:
    """Return what a run has come to, without times."""
    result = json.loads((run / "result.json").read_text())
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for each in (result, *rows):
        del each["seconds"]
    del result["run"]
    return [(run / "model.npz").read_bytes(), result, rows]


@cache
def _whole(folder: Path) -> list[object]:
    (folder / "s.json").write_text(json.dumps(DOCUMENT))
    assert _run(folder, signal.SIGINT, 0, "--out", "whole") == 0
    return learned(folder / "whole")


def case(seed: int, folder: Path) -> None:
    """Cut a run a few times at drawn file operations, resume it, and compare its end."""
    draw = random.Random(seed)
    whole = _whole(folder)
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        (Path(inner) / "s.json").write_text(json.dumps(DOCUMENT))
        run = Path(inner, "cut")
        for _ in range(draw.choice([1, 2])):
            begun = (run / "resolved.json").exists()
            number = draw.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
            _run(
                Path(inner),
                number,
                draw.randrange(1, OPERATIONS),
                *(["--resume"] if begun else ["--out"]),
                "cut",
            )
            for checkpoint in numbered(run / "checkpoints"):
                read(checkpoint)
        begun = (run / "resolved.json").exists()
        assert _run(Path(inner), signal.SIGINT, 0, *(["--resume"] if begun else ["--out"]), "cut") == 0
        assert learned(run) == whole
        names = sorted(path.name for path in run.rglob("*") if path.parent == run)
        assert names == [
            "checkpoints",
            "metrics.jsonl",
            "model.npz",
            "resolved.json",
            "result.json",
            "spec.json",
        ]
        assert not list(run.rglob("*.tmp"))
