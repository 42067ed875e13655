"""A run that is interrupted and resumed, compared with one that is not."""

from __future__ import annotations

import itertools
import json
import tempfile
from pathlib import Path
from typing import Any

import specnet


def document(**training: Any) -> specnet.Spec:
    split = training.pop("split", {"validation": 0.25})
    layers = training.pop("layers", [{"type": "dropout", "rate": 0.4}])
    data = {"type": "synthetic", "kind": "moons", "samples": 60, "noise": 0.2, "split": split}
    hidden = {"type": "dense", "units": 4, "activation": "tanh"}
    return specnet.load(
        json.dumps(
            {
                "specnet": 1,
                "name": "moons",
                "data": data,
                "layers": [hidden, *layers, {"type": "dense", "units": 2}],
                "loss": "cross_entropy",
                "metrics": ["accuracy", "confusion"],
                "training": {"epochs": 6, "batch_size": 8, **training},
            }
        )
    )


def after(asked: int):
    """Stop when the training has asked so many times."""
    counter = itertools.count(1)
    return lambda: next(counter) == asked


def recorded(result: specnet.Result) -> dict[str, Any]:
    """All that a result and its directory say, but for times and paths."""
    run = result.run
    assert run is not None
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    history = [dict(row) for row in result.history]
    saved = json.loads((run / "result.json").read_text())
    for row in (*rows, *history, saved):
        assert row.pop("seconds") >= 0
    assert saved.pop("run") == str(run)
    return {
        "parameters": result.model.parameters.flat.tobytes(),
        "model": (run / "model.npz").read_bytes(),
        "history": history,
        "metrics": rows,
        "result": saved,
        "files": sorted(path.name for path in run.iterdir() if path.name != "checkpoints"),
    }


def check(spec: specnet.Spec, *stops: int) -> int:
    """Interrupt and resume a run at each place in turn, and compare its end; return how often it was cut."""
    with tempfile.TemporaryDirectory() as folder:
        whole = specnet.run(spec, out=Path(folder, "whole"))
        run, cuts = Path(folder, "cut"), 0
        result = specnet.run(spec, out=run, stop=after(stops[0]))
        for stop in (*stops[1:], 10**9):
            if result.stopped != "interrupted":
                break
            cuts += 1
            result = specnet.run(spec, resume=run, stop=after(stop))
        assert recorded(result) == recorded(whole)
    return cuts
