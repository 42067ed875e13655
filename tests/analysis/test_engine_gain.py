"""From how many steps on compiling pays: by its time, and by what a step takes less."""

from __future__ import annotations

import pytest

import specnet
from specnet.analysis.engine_gain import Gain, gain
from specnet.analysis.explanation import explain
from specnet.runs.compiling import compile_spec


@pytest.mark.parametrize(
    ("compilation", "numpy", "compiled", "steps"),
    [
        (3.0, 0.75, 0.25, 6),
        (3.0, 1.0, 0.25, 4),
        (3.5, 1.0, 0.25, 5),
        (0.0, 1.0, 0.5, 0),
        (1.0, 0.5, 0.5, None),
        (1.0, 0.25, 0.5, None),
    ],
)
def test_the_number_of_steps(compilation: float, numpy: float, compiled: float, steps: int | None) -> None:
    assert Gain(compilation, numpy, compiled).steps == steps


CHANGING = [
    {"type": "dropout", "rate": {"value": 0.2, "schedule": "flat_cosine"}},
    {"type": "dense", "units": 3},
]
"""Layers of which one is given the number of steps that are done."""


@pytest.mark.parametrize(
    "changes", [{}, {"training.accumulate": 2}, {"layers": CHANGING}], ids=["whole", "update", "changing"]
)
def test_both_engines_are_measured(
    iris: specnet.Spec, changes: dict[str, object], tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba")
    from specnet.analysis import engine_gain

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(engine_gain, "SECONDS", 0.0)
    spec = specnet.load(iris.source.source, changes)
    trained = []
    for engine in ("numpy", "numba"):
        model, data = compile_spec(spec, engine=engine, threads=1)
        trained.append((model, data, explain(model.network)))
    found = gain(*trained)
    assert found.compilation > 0
    assert 0 < found.compiled < 1
    assert 0 < found.numpy < 1
