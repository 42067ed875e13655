"""Damaged data, runs and archives: what reads them raises the package's own errors, and no other."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import specnet
from specnet.runs.kept import find_runs, read_run
from tests.support.format_rows import PIXELS, TABLE, X, Y

FORMATS = ("csv", "parquet", "npz", "npy", "idx", "images")
VALUES: list[Any] = [None, True, -1, 0, 1e308, 10**30, "", "x" * 5000, "\x00", [], {}, [[]], {"type": "csv"}]


@cache
def _made(folder: Path, kind: str) -> Path:
    """Make a project whose data are of a format, with a run and its archive; return its folder."""
    project = folder / f"made-{kind}"
    project.mkdir()
    row = next(row for row in TABLE if row.type == kind)
    keys = row.write(project, PIXELS if kind == "images" else X, Y)
    layers = [*([{"type": "flatten"}] if kind == "images" else []), {"type": "dense", "units": 3}]
    document = {
        "specnet": 1,
        "data": {"type": kind, **keys},
        "layers": layers,
        "loss": "cross_entropy",
        "training": {"epochs": 2, "checkpoint": {"every_epochs": 1}},
    }
    (project / "s.json").write_text(json.dumps(document))
    specnet.run(specnet.load(project / "s.json"), out=project / "run")
    specnet.load_model(project / "run").save(project / "run.specnet")
    return project


def damaged(data: bytes, draw: random.Random) -> bytes:
    """Return bytes with a few of them turned, lost, doubled or exchanged."""
    made = bytearray(data)
    for _ in range(draw.choice([1, 1, 1, 2, 5])):
        at, length = draw.randrange(len(made) + 1), draw.choice([1, 2, 8, 64])
        match draw.randrange(6):
            case 0:
                made[at : at + 1] = bytes([draw.randrange(256)])
            case 1:
                del made[at:]
            case 2:
                del made[at : at + length]
            case 3:
                made[at:at] = made[at : at + length]
            case 4:
                made[at : at + length] = draw.choice([b"\xff", b"\x00"]) * length
            case _:
                other = draw.randrange(len(made) + 1)
                made[at : at + length], made[other : other + length] = (
                    made[other : other + length],
                    made[at : at + length],
                )
    return bytes(made)


def bent_json(data: bytes, draw: random.Random) -> bytes:
    """Return JSON with another value somewhere."""
    whole = json.loads(data)
    part = whole
    while isinstance(part, dict | list) and part:
        key = draw.choice(list(part) if isinstance(part, dict) else range(len(part)))
        if draw.random() < 0.3 or not isinstance(part[key], dict | list):
            part[key] = draw.choice(VALUES)
            break
        part = part[key]
    return json.dumps(whole).encode()


def case(seed: int, folder: Path) -> None:
    """Damage one file of a project, and read everything; an error that is not the package's is a fault."""
    draw = random.Random(seed)
    made = _made(folder, draw.choice(FORMATS))
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        project = Path(shutil.copytree(made, Path(inner, "project")))
        file = draw.choice(sorted(path for path in project.rglob("*") if path.is_file()))
        data = file.read_bytes()
        plain = file.suffix == ".json" and draw.random() < 0.7
        file.write_bytes(bent_json(data, draw) if plain else damaged(data, draw))
        run = project / "run"
        for read in (
            lambda: specnet.validate(project / "s.json"),
            lambda: specnet.evaluate(run),
            lambda: specnet.load_model(project / "run.specnet"),
            lambda: [read_run(each).as_dict() for each in find_runs(project)],
            lambda: specnet.run(specnet.load(project / "s.json"), resume=run),
        ):
            try:
                read()
            except specnet.SpecnetError:
                continue
