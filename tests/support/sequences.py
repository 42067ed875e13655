"""Documents over sequences, which layer is tried or not, and what becomes of them: resumed, as a program, as ONNX."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specnet
from specnet.interchange.exporting import WRITERS, Exported, write_numpy
from tests.support.exports import bare, session

Array = np.ndarray[Any, Any]


def write_document(folder: Path, steps: int, features: int, *layers: dict[str, Any], **more: Any) -> Path:
    """Write 60 sequences of two classes and a document that trains some layers on them; return its path."""
    x = np.random.default_rng(0).normal(size=(60, steps, features))
    np.savez(folder / "series.npz", x=x, y=(x[:, :, 0].sum(1) > 0).astype(int))
    content = {
        "specnet": 1,
        "dtype": "float64",
        "seed": 3,
        "data": {
            "type": "npz",
            "path": "series.npz",
            "inputs": "x",
            "targets": "y",
            "split": {"validation": 0.25},
        },
        "layers": [*layers, {"type": "flatten"}, {"type": "dense", "units": 2}],
        "loss": "cross_entropy",
        "training": {"epochs": 3, "batch_size": 8, "optimizer": {"type": "adam", "learning_rate": 0.01}},
        **more,
    }
    path = folder / "series.json"
    path.write_text(json.dumps(content))
    return path


def whole_and_resumed(document: Path) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
    """Return the parameters after a training, and after one that was interrupted at its ninth step and resumed."""
    spec, run = specnet.load(document), document.parent / "run"
    whole = specnet.run(spec)
    counter = itertools.count(1)
    specnet.run(spec, out=run, stop=lambda: next(counter) == 9)
    return whole.model.parameters, specnet.run(spec, resume=run).model.parameters


def _trained(document: Path) -> tuple[Path, specnet.Result]:
    run = document.parent / "run"
    return run, specnet.run(specnet.load(document), out=run)


def _program(run: Path, *, training: bool) -> Path:
    program = run.parent / "program" / "series.py"
    program.parent.mkdir()
    write_numpy(program, Exported.of(run), training=training)
    return program


def by_program(document: Path, rows: Array) -> tuple[Array, Array, str]:
    """Return what a trained model's NumPy program predicts for rows, what the model does, and the program."""
    run, result = _trained(document)
    program = _program(run, training=False)
    return bare(program, rows)["predicted"], result.model.predict(rows), program.read_text()


def by_training_program(document: Path) -> tuple[Mapping[str, Array], Mapping[str, Array], str]:
    """Return the arrays that a program of the training ends with, the run's parameters, and the program."""
    run, result = _trained(document)
    program = _program(run, training=True)
    return bare(program), result.model.parameters, program.read_text()


def by_onnx(document: Path, rows: Array) -> tuple[Array, Array]:
    """Return what a trained model's ONNX file predicts for rows, and what the model does."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    run, result = _trained(document)
    WRITERS["onnx"](document.with_suffix(".onnx"), Exported.of(run))
    (found,) = session(document.with_suffix(".onnx")).run(None, {"inputs": rows})
    return found, result.model.predict(rows)
