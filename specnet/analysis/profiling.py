"""Where the time of a plan goes: each step's code between two readings of a clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from specnet.analysis.explanation import Explanation
from specnet.data import Dataset
from specnet.engines.execution import Bound, Executable
from specnet.engines.numpy.emit import emit
from specnet.engines.program import Block, Loop, NumpyProgram
from specnet.model.arrays import as_arrays
from specnet.model.model import Model, streams
from specnet.passes.plan import Plan
from specnet.training.program import BoundTraining

Array = np.ndarray[Any, Any]

SECONDS = 0.5
"""About how long a plan is executed to be measured."""

MAXIMUM, MINIMUM = 5_000, 3
"""Executions that are enough, and those that are needed."""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of one execution of a plan."""

    whole: float
    """As it runs in a training, without any clock."""
    steps: tuple[float, ...]
    """Of each step, without what reading the clock takes; 0 for what is computed once or has no code.

    Where workers share a chain's pieces, it is their mean.
    """
    executions: int


def profile(model: Model, data: Dataset, explanation: Explanation) -> dict[str, Times]:
    """Return where the time of a training step goes, by the names of `Explanation.programs`.

    The model is trained on the first rows for it, again and again, and is of no use afterwards.
    """
    plans = explanation.plans
    train = data.splits["train"]
    rows = plans.step.batch
    given = as_arrays(model.network, *train.at(np.arange(rows)))
    if model.network.spreads:
        dtype = model.network.spec.dtype
        given["targets"] = np.eye(model.network.fed_shape[0], dtype=dtype)[given["targets"]]
    program = BoundTraining(model, plans)
    leaves = model.leaves(**given, **program.slots)
    measured = {"step": _measure(model, plans.step, leaves)}
    if plans.update is not None:
        measured["update"] = _measure(model, plans.update, leaves)
    return measured


def _measure(model: Model, plan: Plan, leaves: Mapping[str, Array]) -> Times:
    rate = model.network.spec.training.optimizer.learning_rate
    values = {"rate": rate, "step": 1, "share": 1.0}
    arguments = tuple(values[name] for name in plan.numbers)
    clock = [0.0] * len(plan.steps)
    program = emit(plan)
    bare = _bound(model, plan, program, leaves)
    clocked = _bound(model, plan, timed(plan, program, clock), leaves)
    start = model.parameters.flat.copy()
    whole: list[float] = []
    parts: list[list[float]] = []
    until = perf_counter() + SECONDS
    with np.errstate(all="ignore"):
        bare.step(*arguments)
        # The two run in turns, so that whatever else the machine does falls on both alike.
        while len(whole) < MAXIMUM and (perf_counter() < until or len(whole) < MINIMUM):
            np.copyto(model.parameters.flat, start)
            before = perf_counter()
            bare.step(*arguments)
            whole.append(perf_counter() - before)
            clock[:] = [0.0] * len(clock)
            clocked.step(*arguments)
            parts.append(clock[:])
    reading = _reading()
    steps = [
        max(0.0, float(seconds) - reading * pieces) / workers
        for seconds, (pieces, workers) in zip(np.median(parts, axis=0), _pieces(plan, program), strict=True)
    ]
    return Times(median(whole), tuple(steps), len(whole))


def _bound(model: Model, plan: Plan, program: NumpyProgram, leaves: Mapping[str, Array]) -> Bound:
    executable = Executable(plan, streams(model.network.spec.seed, plan.streams), program=program)
    return executable.bind(plan.batch, leaves)


def timed(plan: Plan, program: NumpyProgram, clock: list[float]) -> NumpyProgram:
    """Return a plan's program with a source that adds, for each step, the seconds that its code took to `clock`."""
    lines = program.source.split("\n")
    written: list[str] = []
    place = lines.index(next(line for line in lines if line.startswith("def step(")))
    written += lines[:place]
    for number, (step, code) in enumerate(zip(plan.steps, program.code, strict=True)):
        if step.prologue or not code:
            continue
        while lines[place].strip() != code[0].strip():
            written.append(lines[place])
            place += 1
        lead = lines[place][: -len(lines[place].lstrip())]
        written.append(f"{lead}_since = _now()")
        written += lines[place : place + len(code)]
        written.append(f"{lead}_clock[{number}] += _now() - _since")
        place += len(code)
    written += lines[place:]
    attributes = {**program.attributes, "_clock": clock, "_now": perf_counter}
    return replace(program, source="\n".join(written), attributes=attributes)


def _pieces(plan: Plan, program: NumpyProgram) -> list[tuple[int, int]]:
    """Return in how many pieces each step is executed, and how many workers share them."""
    counts = {}
    for block in (*program.blocks, *_inner_blocks(program.loops)):
        shares = block.shares(plan.sizes)
        counts[block.name] = (sum(map(len, shares)), len(shares))
    found = []
    for step in plan.steps:
        pieces, workers = counts[step.block] if step.block is not None else (1, 1)
        found.append((pieces * step.times.at(plan.sizes), workers))
    return found


def _inner_blocks(loops: tuple[Loop, ...]) -> Iterator[Block]:
    """Yield the blocks within loops."""
    for loop in loops:
        yield from loop.blocks
        yield from _inner_blocks(loop.loops)


def _reading() -> float:
    """Return the seconds that lie between two readings of the clock with nothing between them."""
    gaps = []
    for _ in range(1000):
        since = perf_counter()
        gaps.append(perf_counter() - since)
    return median(gaps)
