"""Layers and models that take the steps of a sequence a few at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

import specnet
from specnet.engines.execution import Executable
from specnet.graph.builder import Builder
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH
from specnet.graph.streaming import CannotStream, Streaming
from specnet.model.compiled import CompiledModel
from specnet.model.generation.graphs import StepsGraph, finished
from specnet.model.generation.stream import States, Stream
from specnet.passes.pipeline import plan
from specnet.vocabulary.layers import LAYERS


def steps_of(options: dict[str, Any], shape: tuple[int, ...], new: int) -> StepsGraph:
    """Return the graph of one layer over new steps of examples of a shape; CannotStream says why there is none."""
    graph = Graph("float64")
    builder = Builder(graph, training=False)
    x = leaf(graph, "x", "input", (BATCH, new, *shape[1:]))
    builder.streaming = Streaming.over(x, shape[0])
    return finished(builder, {"y": builder.run([LAYERS.validate(options)], x, "layers")})


def streams(options: dict[str, Any], shape: tuple[int, ...]) -> bool:
    """Return whether one layer takes new steps after those that it has seen."""
    try:
        steps_of(options, shape, 1)
    except CannotStream:
        return False
    return True


def over_whole(
    options: dict[str, Any], x: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return what one layer makes of whole examples x (batch, ...), and the parameters that were drawn for it."""
    graph = Graph("float64")
    builder = Builder(graph, training=False)
    given = leaf(graph, "x", "input", (BATCH, *x.shape[1:]))
    graph.outputs = {"y": builder.run([LAYERS.validate(options)], given, "layers")}
    arrays = {name: rng.uniform(0.2, 1.2, p.shape) for name, p in builder.parameters.items()}
    bound = Executable(plan(graph, len(x))).bind(len(x), {**arrays, "x": x})
    bound.step()
    return bound.arrays["y"], arrays


def streamed(
    options: dict[str, Any],
    x: np.ndarray,
    arrays: dict[str, np.ndarray],
    parts: list[int],
    steps: int | None = None,
) -> np.ndarray:
    """Return what a layer makes of x (batch, steps, ...) that it gets in parts of some lengths."""
    shape = (steps or x.shape[1], *x.shape[2:])
    states, made, start = None, [], 0
    for new in parts:
        graph = steps_of(options, shape, new)
        states = states or States(graph, len(x), np.dtype("float64"))
        part = np.ascontiguousarray(x[:, start : start + new])
        bound = Executable(plan(graph.graph, len(x))).bind(len(x), {**arrays, **states.arrays, "x": part})
        states.begin(start)
        bound.step()
        states.end(graph, bound.arrays, start)
        made.append(bound.arrays["y"].copy())
        start += new
    return np.concatenate(made, axis=1)


TOKENS, WIDTH = 7, 12


def language_model(
    layers: list[dict[str, Any]], block: int, seed: int = 0, dtype: str = "float64"
) -> CompiledModel:
    """Return an untrained model that predicts the next token after each of `block` tokens."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(0, TOKENS, (12, block + 1))
    spec = {
        "specnet": 1,
        "seed": seed,
        "dtype": dtype,
        "data": {"type": "arrays"},
        "loss": "cross_entropy",
        "layers": [
            {
                "type": "embedding",
                "input_dim": TOKENS,
                "output_dim": WIDTH,
                "embeddings_init": {"type": "normal", "stddev": 1.0},
            },
            *layers,
            {"type": "dense", "units": TOKENS},
        ],
        "training": {"epochs": 1},
    }
    model = specnet.compile(spec, data=(tokens[:, :-1], tokens[:, 1:]))
    assert isinstance(model, CompiledModel)
    return model


def stream_of(model: CompiledModel, rows: int) -> Stream:
    """Return the stream of a model that nothing has been fed to."""
    return Stream(model.generation_plans, model.leaves(), model.use, rows)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Return the logarithms of probabilities."""
    scores = logits - logits.max(axis=-1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
