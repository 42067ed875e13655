"""Measuring this machine for the cost model: steps of reference networks, and the file in which their fit is kept."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from specnet.analysis.cost_model import TERMS, CostModel, MeasuredPlan, fit
from specnet.analysis.explanation import explain
from specnet.analysis.profiling import Times, profile
from specnet.diagnostics import RunError
from specnet.engines.cache_folder import Unsafe, cache_folder, check_own, is_kept
from specnet.language import load
from specnet.passes.cores import cores
from specnet.passes.engine import Engine
from specnet.runs.compiling import compile_spec
from specnet.runs.environment import processor
from specnet.storage.files import replacing, writing

Array = np.ndarray[Any, Any]
Layers = list[dict[str, Any]]

ROUNDS = 3
"""How often each network is measured, all of them in turn: the median counts, as machines are slower for seconds."""

SECONDS = 0.05
"""About how long the steps of each network are measured in a round."""

CLASSES = 10


def calibrate(
    threads: int | None,
    engine: Engine = "numpy",
    advanced: Callable[[int, int], None] | None = None,
) -> Path:
    """Measure this machine for about ten seconds, keep the cost model of an engine, and return its file.

    `threads` is as many as plans are made for. The numba engine's steps are compiled first, which takes minutes.
    `advanced` is called with how many measurements are made, and of how many. Raises RunError if somebody else could
    change the file, or it cannot be written.
    """
    try:
        path = cache_folder() / _name(threads, engine)
    except Unsafe as fault:
        raise RunError(f"the cost model cannot be kept: {fault}") from None
    networks = list(_networks())
    ready: list[_Reference] = []
    for step in range(ROUNDS * len(networks)):
        if advanced is not None:
            advanced(step, ROUNDS * len(networks))
        if step < len(networks):
            ready.append(_Reference(*networks[step], threads, engine))
        ready[step % len(networks)].measure()
    model = {**_machine(threads, engine), **fit(each.observed for each in ready).as_dict()}
    with writing(path), replacing(path, 0o600) as file:
        file.write(json.dumps(model, indent=1).encode() + b"\n")
    return path


def cost_model(threads: int | None, engine: Engine = "numpy") -> CostModel | None:
    """Return what was measured of this machine for an engine's plans of so many threads; None if nothing was.

    A file of another machine or of another version of NumPy or Numba does not count, nor one that others can write.
    """
    if not is_kept(_name(threads, engine)):
        return None
    try:
        path = cache_folder() / _name(threads, engine)
        check_own([path])
        data = json.loads(path.read_text(encoding="utf-8"))
        if any(data[key] != value for key, value in _machine(threads, engine).items()):
            return None
        return CostModel.from_dict(data)
    except (OSError, Unsafe, ValueError, KeyError, TypeError):
        return None


def _name(threads: int | None, engine: Engine) -> str:
    return f"costs-{cores(threads)}.json" if engine == "numpy" else f"costs-{cores(threads)}-{engine}.json"


def _machine(threads: int | None, engine: Engine) -> dict[str, Any]:
    """Return what the times, and their meaning, depend on."""
    kernels = os.environ.get("OPENBLAS_CORETYPE", "")
    return {
        "terms": TERMS,
        "processor": processor(),
        "numpy": np.__version__,
        "threads": cores(threads),
        "OPENBLAS_CORETYPE": kernels,
        **({} if engine == "numpy" else {engine: version(engine)}),
    }


class _Reference:
    """A network whose training step is measured; it is compiled once."""

    def __init__(
        self,
        layers: Layers,
        inputs: Array,
        targets: Array,
        batch: int,
        threads: int | None,
        engine: Engine,
    ) -> None:
        document = {
            "specnet": 1,
            "metrics": [],
            "data": {"type": "npz", "path": "none.npz"},
            "layers": layers,
            "loss": "cross_entropy",
            "training": {"epochs": 1, "batch_size": batch, "optimizer": "adam"},
        }
        self._model, self._data = compile_spec(
            load(document), (inputs, targets), threads=threads, engine=engine
        )
        self._explanation = explain(self._model.network)
        self._found: list[Times] = []

    def measure(self) -> None:
        """Measure its step once more."""
        self._found.append(profile(self._model, self._data, self._explanation, seconds=SECONDS)["step"])

    @property
    def observed(self) -> MeasuredPlan:
        """The median of the measurements."""
        found = sorted(self._found, key=lambda times: times.whole)
        return MeasuredPlan(self._explanation.programs["step"], found[len(found) // 2])


def _networks() -> Iterator[tuple[Layers, Array, Array, int]]:
    """Yield the reference networks: layers, inputs, targets and rows of a step.

    Each kind of op has a small and a large size at least, and several shapes where these matter.
    """
    rng = np.random.default_rng(0)

    def rows(batch: int, *shape: int) -> tuple[Array, Array, int]:
        drawn = rng.standard_normal((2 * batch, *shape)).astype(np.float32)
        return drawn, rng.integers(0, CLASSES, 2 * batch), batch

    last = _dense(CLASSES, "linear")
    norm: Layers = [{"type": "batch_norm"}, {"type": "activation", "activation": "relu"}]
    dropout, flat, mean = (
        {"type": "dropout", "rate": 0.2},
        {"type": "flatten"},
        {"type": "global_average_pooling2d"},
    )
    pooling = {"type": "max_pooling2d"}
    yield [_dense(32), dropout, _dense(32, "tanh"), last], *rows(32, 16)
    yield [_dense(256), dropout, _dense(128, "gelu"), _dense(128, "sigmoid"), last], *rows(128, 256)
    yield [_dense(1024), dropout, _dense(512, "gelu"), last], *rows(1024, 512)
    yield [_dense(512, "elu"), _dense(512, "tanh"), last], *rows(128, 512)
    yield [_dense(1024, "elu"), _dense(256, "sigmoid"), last], *rows(512, 256)
    yield [_dense(1024), _dense(1024), last], *rows(64, 784)
    yield [_conv(8), pooling, _conv(16), flat, last], *rows(32, 12, 12, 1)
    yield [_conv(32), pooling, _conv(64), pooling, flat, last], *rows(64, 28, 28, 3)
    inner = [_conv(24, "linear"), *norm, _conv(24, "linear"), norm[0]]
    block = {"type": "residual", "activation": "relu", "layers": inner}
    wider = [{**_conv(48), "strides": 2}, norm[0], {**_conv(64), "kernel_size": 1}]
    yield [_conv(24, "linear"), *norm, block, *wider, mean, last], *rows(64, 28, 28, 8)
    thin = [_conv(8, "linear"), *norm, _conv(16, "linear"), *norm]
    yield [*thin, {**_conv(16), "kernel_size": 1}, mean, last], *rows(32, 16, 16, 4)
    yield [_conv(64, "linear"), *norm, _conv(96, "linear"), *norm, mean, last], *rows(32, 14, 14, 32)
    large = [_conv(48, size=5), pooling, _conv(64, size=5)]
    yield [_conv(64), pooling, _conv(128), *large, mean, last], *rows(16, 28, 28, 32)
    series = [_conv(64, "linear", "conv1d", 8), *norm, _conv(128, "linear", "conv1d", 5), *norm]
    yield [*series, {"type": "global_average_pooling1d"}, last], *rows(16, 128, 1)
    average = {"type": "average_pooling2d"}
    few = [_conv(6, "tanh", size=5), average, {**_conv(16, "tanh", size=5), "padding": "valid"}, average]
    yield [*few, flat, _dense(120, "tanh"), last], *rows(64, 28, 28, 1)
    wide = [_conv(128, "linear", "conv1d", 5), *norm, _conv(128, "relu", "conv1d", 3)]
    yield [*wide, {"type": "global_max_pooling1d"}, last], *rows(32, 60, 64)
    for units, batch, steps in (
        (16, 8, 8),
        (48, 12, 24),
        (32, 32, 64),
        (64, 32, 16),
        (64, 64, 100),
        (128, 64, 32),
    ):
        for kind in ("lstm", "gru"):
            yield [{"type": kind, "units": units}, last], *rows(batch, steps, units // 2)
    for units, batch, steps in ((32, 8, 16), (32, 32, 24), (64, 64, 40)):
        both = {"type": "bidirectional", "layers": [{"type": "gru", "units": units}]}
        yield [{"type": "masking"}, both, last], *_padded(*rows(batch, steps, units // 2))
    for units, batch, steps in ((16, 4, 16), (64, 16, 32), (128, 12, 64)):
        yield _transformer(units), *_tokens(rng, 65, batch, steps, after=True)
    table = {"type": "embedding", "input_dim": 8_000, "output_dim": 128}
    mean = {"type": "global_average_pooling1d"}
    yield [table, mean, last], *_tokens(rng, 8_000, 50, 50, after=False)
    padded = [{**table, "padding_index": 0}, _dense(256), {"type": "global_max_pooling1d"}, last]
    yield padded, *_padded(*_tokens(rng, 8_000, 32, 60, after=False))
    yield [table, mean, _dense(1024), _dense(512), last], *_tokens(rng, 8_000, 256, 8, after=False)


def _padded(inputs: Array, targets: Array, batch: int) -> tuple[Array, Array, int]:
    """Return rows of which each ends after another number of steps."""
    steps = inputs.shape[1]
    inputs[np.arange(steps) >= 1 + np.arange(len(inputs))[:, None] % steps] = 0
    return inputs, targets, batch


def _tokens(
    rng: np.random.Generator, tokens: int, batch: int, steps: int, *, after: bool
) -> tuple[Array, Array, int]:
    """Return rows of tokens; their targets are the tokens after each one, or classes."""
    rows = 2 * batch
    inputs = rng.integers(0, tokens, (rows, steps))
    targets = rng.integers(0, tokens, (rows, steps)) if after else rng.integers(0, CLASSES, rows)
    return inputs, targets, batch


def _dense(units: int, activation: str = "relu") -> dict[str, Any]:
    return {"type": "dense", "units": units, "activation": activation}


def _conv(filters: int, activation: str = "relu", kind: str = "conv2d", size: int = 3) -> dict[str, Any]:
    settings = {"filters": filters, "kernel_size": size, "padding": "same", "activation": activation}
    return {"type": kind, **settings}


def _transformer(units: int) -> Layers:
    block = {"type": "transformer_block", "heads": 4, "causal": True}
    return [
        {"type": "embedding", "input_dim": 65, "output_dim": units},
        {"type": "positional_embedding"},
        block,
        block,
        {"type": "layer_norm"},
        _dense(65, "linear"),
    ]
