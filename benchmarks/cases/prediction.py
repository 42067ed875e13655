"""Predictions from Python of models that were trained before, compared with onnxruntime's of the same model."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from time import perf_counter

import numpy as np

import specnet
from benchmarks.case import Case, Peer, Peers, Setting
from benchmarks.cases.dense import LAYERS
from benchmarks.cases.images import CONVNET
from benchmarks.steps import document, images


def predicted(layers: str, shape: tuple[int, ...], rows: int, setting: Setting) -> Peers:
    """Return the predictions of so many rows, as each engine's model and onnxruntime make them."""
    import onnxruntime

    images(setting.folder, 512, *shape)
    spec = document(setting.folder, "predicted", layers, 128)
    models = {}
    for engine in setting.engines:
        loaded = specnet.load(spec, overrides={"training.epochs": 1})
        models[engine] = specnet.run(loaded, engine=engine, folder=setting.folder / "runs")
    x = np.random.default_rng(1).integers(0, 256, (rows, *shape)).astype(np.float32)
    first = next(iter(models.values()))
    file = setting.folder / "model.onnx"
    export = [sys.executable, "-m", "specnet", "export", str(first.run), "--to", "onnx", "-o", str(file)]
    subprocess.run(export, check=True, capture_output=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = setting.threads
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    peers: dict[str, Callable[[], object]] = {
        **{engine: partial(result.model.predict, x) for engine, result in models.items()},
        "onnxruntime": lambda: session.run(None, {given.name: x}),
    }
    np.testing.assert_allclose(first.model.predict(x), session.run(None, {given.name: x})[0], 1e-3, 1e-5)
    calls = setting.size(max(1, 2_000 // rows), 1)
    return {name: partial(timed, call, calls) for name, call in peers.items()}


def timed(call: Callable[[], object], calls: int) -> float:
    """Return the seconds of a call, the mean of some after a tenth as many."""
    for _ in range(1 + calls // 10):
        call()
    began = perf_counter()
    for _ in range(calls):
        call()
    return (perf_counter() - began) / calls


CASES = [
    Case(
        f"predict-{name}-{rows}",
        f"predict {rows:,} row{'s' * (rows > 1)}, {name.upper()}",
        (Peer("onnxruntime", *wanted, needs="onnxruntime"),),
        partial(predicted, layers, shape, rows),
        ("onnx",),
        unit="call",
        rounds=10 if rows > 1_000 else 30,
    )
    for name, layers, shape, rows, wanted in (
        ("mlp", LAYERS, (784,), 1, (0.8, 1.0)),
        ("cnn", CONVNET, (28, 28, 1), 1, (0.8, 1.0)),
        ("mlp", LAYERS, (784,), 64, (1.0, 1.1)),
        ("mlp", LAYERS, (784,), 10_000, (1.0, 1.1)),
    )
]
