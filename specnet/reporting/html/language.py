"""What a page shows of models over tokens: generated samples, the worst sequences, and what attention sees."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from specnet.data import Dataset, Split
from specnet.data.streamed import taken_inputs
from specnet.diagnostics import RunError
from specnet.engines.execution import Executable
from specnet.graph import ops
from specnet.graph.graph import Graph, Value
from specnet.model.arrays import as_inputs
from specnet.model.compiled import CompiledModel
from specnet.model.generation.task import NotGenerating, Task
from specnet.reporting.images import png_address
from specnet.reporting.predictions import Predicted

Array = np.ndarray[Any, Any]

TOKENS = 200
"""The maximum number of tokens of a sample."""

PROMPT = 16
"""Tokens of a held-out example that samples continue, where a text has no token to begin with."""

WORST = 12
"""Sequences shown as those with the highest loss."""

LAYERS, STEPS = 8, 128
"""The maximum number of layers whose attention is shown, and of steps of an example."""

VISIBLE = str.maketrans({" ": "␣", "\n": "↵", "\t": "⇥"})


@dataclass(frozen=True, slots=True)
class Samples:
    """What a model generates."""

    prompt: str
    texts: tuple[str, ...]
    lines: bool
    """Whether each is a line, with a beginning and an end."""


@dataclass(frozen=True, slots=True)
class SequenceRow:
    """One sequence with the loss of each of its tokens."""

    number: int
    """Its row in its split, from 1."""
    cost: float
    tokens: tuple[tuple[str, float, float], ...]
    """Each target, its loss, and the share of colour that shows it."""
    pair: tuple[str, str] | None = None
    """The source that the model reads, and what it writes for it; None for a model that reads none."""


@dataclass(frozen=True, slots=True)
class AttentionMap:
    """What the heads of a layer see in one example."""

    name: str
    heads: tuple[str, ...]
    """Images of (steps, steps seen) as data addresses."""


def samples_of(model: CompiledModel, split: Split) -> Samples | None:
    """Return what a model generates; None if it does not generate, or has diverged, or continues a source."""
    try:
        task = model.generation_plans.task
        if task.others:
            return None
        most = TOKENS
        if task.each and model.generation_plans.first.bounded is not None:
            # Beyond the steps of an example, a token costs as much as a whole one.
            most = min(TOKENS, max(1, task.steps - PROMPT))
        vocabulary = None if model.encoding is None else model.encoding.vocabulary
        if vocabulary is not None and vocabulary.begin is not None:
            made = model.generate(n=10, tokens=most).finish()
        else:
            inputs = taken_inputs(split.inputs, np.zeros(1, np.intp))
            start = np.asarray(inputs, np.int64)[0][: min(PROMPT, task.steps // 2) if task.each else None]
            made = model.generate(start.tolist(), n=3, tokens=most).finish()
    except (NotGenerating, RunError):
        return None
    return Samples(made.prompt, tuple(sample.text for sample in made.samples), made.ends)


def worst_sequences(model: CompiledModel, given: Predicted, data: Dataset) -> list[SequenceRow] | None:
    """Return the sequences with the highest loss, worst first; None for models that predict no token of each step."""
    try:
        task = model.generation_plans.task
    except NotGenerating:
        return None
    if not task.each or given.places == 1:
        return None
    order = np.argsort(-given.costs[:: given.places], kind="stable")[:WORST]
    arrays = as_inputs(
        model.network, taken_inputs(data.splits[given.split].inputs, given.rows[:: given.places][order])
    )
    names = _names(model, task)
    counted = given.counted
    full = 2.0 * math.log(task.tokens)
    rows = []
    for n, place in enumerate(order.tolist()):
        own = slice(place * given.places, (place + 1) * given.places)
        targets, outputs, there = given.targets[own], given.outputs[own], counted[own]
        tokens = []
        for target, probabilities in zip(targets[there], outputs[there], strict=True):
            cost = -math.log(max(float(probabilities[int(target)]), 1e-30))
            tokens.append((names[int(target)].translate(VISIBLE), cost, min(1.0, cost / full)))
        row = {name: array[n] for name, array in arrays.items()}
        pair = _pair(model, task, row, len(tokens))
        rows.append(SequenceRow(int(given.rows[own][0]) + 1, float(given.costs[own][0]), tuple(tokens), pair))
    return rows


def _names(model: CompiledModel, task: Task) -> Sequence[str]:
    vocabulary = None if model.encoding is None else model.encoding.vocabulary
    return [str(n) for n in range(task.tokens)] if vocabulary is None else vocabulary.tokens


def _pair(model: CompiledModel, task: Task, row: Mapping[str, Array], length: int) -> tuple[str, str] | None:
    """Return the source of a row, and what the model writes for it: the most probable token at each step."""
    if len(task.others) != 1 or not task.others[0].tokens:
        return None
    (other,) = task.others
    source = row[other.name]
    if other.padding is not None:
        source = source[: np.flatnonzero(source != 0).max(initial=0) + 1]
    vocabulary = None if model.encoding is None else model.encoding.vocabulary
    # Without a vocabulary nothing says what a sequence begins with, or where it ends.
    start = row[task.array.name][:1].tolist() if vocabulary is None else None
    length = length if vocabulary is None else task.steps
    try:
        made = model.generate(start, source=source.tolist(), tokens=length, temperature=0).finish()
    except (NotGenerating, RunError):  # it has diverged, and predicts NaN
        return None
    read = " ".join(map(str, source.tolist())) if vocabulary is None else vocabulary.decode(source)
    return read, made.samples[0].text


def attention_maps(model: CompiledModel, split: Split) -> list[AttentionMap]:
    """Return what attention sees in the first example of a split, from the first layers on; nothing without any."""
    lowered = model.network.lower(training=False)
    found = _weights(lowered.graph)[:LAYERS]
    if not found:
        return []
    lowered.graph.outputs = {f"{number}": value for number, value in enumerate(found)}
    arrays = as_inputs(model.network, taken_inputs(split.inputs, np.zeros(1, np.intp)))
    executable = Executable(model.network.plan(lowered.graph, 1))
    with model.use.reading(), np.errstate(all="ignore"):
        bound = executable.bind(1, model.leaves(**arrays))
        bound.step()
    paths = {layer.path: layer.name for layer in lowered.layers}
    names = [paths.get(value.key_path, "attention") for value in found]
    maps = []
    for number, name in enumerate(names):
        weights = bound.arrays[f"{number}"][0]
        heads = weights.reshape(-1, *weights.shape[-2:])
        repeated = names.count(name) > 1
        title = f"{name}, {names[: number + 1].count(name)}" if repeated else name
        largest = np.maximum(heads.max(axis=(1, 2), keepdims=True), 1e-30)
        maps.append(AttentionMap(title, tuple(map(png_address, heads / largest))))
    return maps


def _weights(graph: Graph) -> list[Value]:
    """Return the attention weights (batch, kv heads, groups, steps, steps seen) that are small enough to be shown."""
    return [
        node.value
        for node in graph
        if node.op is ops.softmax
        and node.value.rank == 5
        and all(isinstance(size, int) and size <= STEPS for size in node.value.shape[3:])
    ]
