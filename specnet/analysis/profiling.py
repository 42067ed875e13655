"""Where the time of a plan goes: each step's code between two readings of a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from specnet.analysis.explanation import Explanation
from specnet.data import Dataset
from specnet.engines.execution import Bound, Executable, emitted
from specnet.engines.program import Block, Loop, NumpyProgram
from specnet.engines.random import streams
from specnet.engines.subnormals import flushing
from specnet.graph.declarations import DONE
from specnet.graph.sizes import Sizes, at
from specnet.model.arrays import as_arrays, as_weights
from specnet.model.compiled import CompiledModel
from specnet.model.outputs import WEIGHTS
from specnet.passes.plan import Plan
from specnet.training.program import BoundTraining

Array = np.ndarray[Any, Any]

SECONDS = 0.5
"""About how long a plan is executed to be measured."""

MAXIMUM, MINIMUM = 5_000, 3
"""Executions that are enough, and those that are needed."""


SETTLING = 8
"""Steps of one compiled function by which it has tried whether the help of other threads makes them faster."""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of one execution of a plan."""

    whole: float
    """As it runs in a training, without any clock."""
    steps: tuple[float, ...]
    """Of each step, without what reading the clock takes; 0 for what is computed once or has no code.

    What several workers do at once counts as their mean.
    """
    executions: int
    alone: bool = False
    """Whether one thread did all that workers may share, since that took less time."""


def profile(
    model: CompiledModel,
    data: Dataset,
    explanation: Explanation,
    clock: Callable[[], float] = perf_counter,
    seconds: float = SECONDS,
) -> dict[str, Times]:
    """Return where the time of a training step goes, by the names of `Explanation.programs`.

    Each plan is executed for about so many `seconds`. The model is trained on the first rows for it, again and again,
    and is of no use afterwards.
    """
    sizes, leaves = first_batch(model, data, explanation)
    plans = explanation.plans
    measured = {"step": _measure(model, plans.step, leaves, clock, sizes, seconds)}
    if plans.update is not None:
        measured["update"] = _measure(model, plans.update, leaves, clock, 1, seconds)
    return measured


def first_batch(
    model: CompiledModel, data: Dataset, explanation: Explanation
) -> tuple[Sizes, dict[str, Array]]:
    """Return the arrays that a training step is bound to, on the first rows, and the sizes that these have.

    Where batches are made by length, it is the one that takes longest.
    """
    plans = explanation.plans
    train = data.splits["train"]
    sizes: Sizes = plans.step.batch
    places = np.arange(plans.step.batch)
    if plans.batches is not None:
        batches = plans.batches.train
        cut = max(batches.cuts, key=lambda each: prod(batches.sizes(each).values()))
        sizes, places = batches.sizes(cut), batches.order[cut.start : cut.stop]
    given = as_arrays(model.network, *train.at(places))
    for name, array in given.items() if plans.batches is not None else ():
        shape = at(plans.step.leaves[name][0], sizes)
        given[name] = np.ascontiguousarray(array[tuple(map(slice, shape))])
    if model.network.fed_targets.spread:
        dtype = model.network.spec.dtype
        given["targets"] = np.eye(model.network.fed_targets.shape[-1], dtype=dtype)[given["targets"]]
    if train.weights is not None:
        given[WEIGHTS] = as_weights(model.network, train.weights)[places]
    program = BoundTraining(model, plans)
    return sizes, model.leaves(**given, **program.slots, **program.states)


def first_numbers(model: CompiledModel, plan: Plan) -> tuple[float, ...]:
    """Return the numbers that a plan is given at the first step."""
    rate = model.network.spec.training.optimizer.learning_rate
    values = {"rate": rate, "step": 1.0, "share": 1.0, DONE: 0.0}
    return tuple(values[name] for name in plan.numbers)


def _measure(
    model: CompiledModel,
    plan: Plan,
    leaves: Mapping[str, Array],
    clock: Callable[[], float],
    sizes: Sizes,
    long: float,
) -> Times:
    arguments = first_numbers(model, plan)
    seconds = [0.0] * len(plan.steps)
    as_it_runs = emitted(plan)
    program = apart(as_it_runs)
    bare = _bound(model, plan, as_it_runs, leaves, sizes)
    start = model.parameters.flat.copy()
    _settle(bare, arguments, 1 if as_it_runs.whole is None else SETTLING, clock, long)
    alone = bare.pace is not None and not bare.pace.better
    if bare.pace is not None:
        bare = _bound(model, plan, as_it_runs, leaves, sizes, helped=not alone)
    clocked = _bound(model, plan, timed(plan, program, seconds, clock), leaves, sizes, helped=not alone)

    def begin() -> None:
        np.copyto(model.parameters.flat, start)

    whole, parts = _in_turns(bare, clocked, arguments, seconds, begin, clock, long)
    reading = _reading(clock)
    steps = [
        max(0.0, float(taken) - reading * pieces) / (1 if alone else workers)
        for taken, (pieces, workers) in zip(
            np.median(parts, axis=0), pieces_of(plan, program, sizes), strict=True
        )
    ]
    return Times(median(whole), tuple(steps), len(whole), alone)


@flushing
def _settle(
    bare: Bound, arguments: tuple[float, ...], steps: int, clock: Callable[[], float], long: float
) -> None:
    """Make steps until it is known whether the help of other threads makes them faster, or for so long."""
    with np.errstate(all="ignore"):
        for _ in range(steps):
            bare.step(*arguments)
        until = clock() + long
        while bare.pace is not None and not bare.pace.tried and clock() < until:
            bare.step(*arguments)


@flushing
def _in_turns(
    bare: Bound,
    clocked: Bound,
    arguments: tuple[float, ...],
    seconds: list[float],
    begin: Callable[[], None],
    clock: Callable[[], float],
    long: float,
) -> tuple[list[float], list[list[float]]]:
    """Return how long the whole of each step takes, and its parts, for about so long.

    The two run in turns, so that whatever else the machine does falls on both alike.
    """
    whole: list[float] = []
    parts: list[list[float]] = []
    with np.errstate(all="ignore"):
        bare.step(*arguments)
        clocked.step(*arguments)  # whose loops, called one by one, may have to be compiled
        until = clock() + long
        while len(whole) < MAXIMUM and (clock() < until or len(whole) < MINIMUM):
            begin()
            before = clock()
            bare.step(*arguments)
            whole.append(clock() - before)
            seconds[:] = [0.0] * len(seconds)
            clocked.step(*arguments)
            parts.append(seconds[:])
    return whole, parts


def _bound(
    model: CompiledModel,
    plan: Plan,
    program: NumpyProgram,
    leaves: Mapping[str, Array],
    sizes: Sizes,
    *,
    helped: bool | None = None,
) -> Bound:
    drawn = streams(model.network.spec.seed, plan.streams)
    executable = Executable(plan, drawn, program=program, helped=helped)
    return executable.bind(sizes, leaves)


def apart(program: NumpyProgram) -> NumpyProgram:
    """Return a program whose every step is called by itself.

    One function for a loop, or for all of a step, would leave nothing to measure between its parts.
    """
    shards = tuple(
        replace(each, source=_with_loops(each.source, each.loops), loops=tuple(map(_untaped, each.loops)))
        for each in program.shards
    )
    source, loops = _with_loops(program.source, program.loops), tuple(map(_untaped, program.loops))
    return replace(program, source=source, loops=loops, shards=shards, whole=None)


def _with_loops(source: str, loops: Iterable[Loop]) -> str:
    """Return a source with the statements of loops that are compiled, instead of their calls."""
    for loop in loops:
        source = _with_loops(source, loop.loops)
        if loop.tape is not None:
            _, first, *body = loop.tape.source.splitlines()
            call = next(line for line in source.splitlines() if line.strip() == f"{loop.name}()")
            deeper = (len(first) - len(first.lstrip())) - (len(call) - len(call.lstrip()))
            lines = [f"{first.removesuffix('steps:')}{loop.name}:", *body]
            source = source.replace(call, "\n".join(line[deeper:] for line in lines))
    return source


def _untaped(loop: Loop) -> Loop:
    return replace(loop, tape=None, loops=tuple(map(_untaped, loop.loops)))


def timed(
    plan: Plan, program: NumpyProgram, seconds: list[float], clock: Callable[[], float] = perf_counter
) -> NumpyProgram:
    """Return a plan's program with a source that adds, for each step, the time that its code took to `seconds`."""
    sources: dict[str | None, _Clocked] = {
        None: _Clocked(program.source),
        **{each.name: _Clocked(each.source) for each in program.shards},
    }
    for number, (step, code) in enumerate(zip(plan.steps, program.code, strict=True)):
        if code and not step.prologue:
            sources[step.shard].clock(number, code)
    attributes = {**program.attributes, "_seconds": seconds, "_clock": clock}
    shards = tuple(replace(each, source=sources[each.name].text()) for each in program.shards)
    return replace(program, source=sources[None].text(), shards=shards, attributes=attributes)


class _Clocked:
    """A function whose source gets clocks around the code of steps, one after the other."""

    def __init__(self, source: str) -> None:
        self._lines = source.split("\n")
        self._place = next(
            n for n, line in enumerate(self._lines) if line.startswith(("def step(", "def shard_"))
        )
        self._written = self._lines[: self._place]

    def clock(self, number: int, code: tuple[str, ...]) -> None:
        """Have the next place with this code add its time to that of a step."""
        lines, written = self._lines, self._written
        while lines[self._place].strip() != code[0].strip():
            written.append(lines[self._place])
            self._place += 1
        first = lines[self._place]
        lead = first[: -len(first.lstrip())]
        written.append(f"{lead}_since = _clock()")
        written += lines[self._place : self._place + len(code)]
        written.append(f"{lead}_seconds[{number}] += _clock() - _since")
        self._place += len(code)

    def text(self) -> str:
        """Return the source."""
        return "\n".join([*self._written, *self._lines[self._place :]])


def pieces_of(plan: Plan, program: NumpyProgram, sizes: Sizes) -> list[tuple[int, int]]:
    """Return in how many pieces each step is executed, and how many workers share them."""
    counts: dict[str | None, tuple[int, int]] = {}
    workers_of: dict[str | None, int] = {
        None: 1,
        **{each.name: len(each.shares(sizes)) for each in program.shards},
    }
    inner = [block for each in program.shards for block in (*each.blocks, *_inner_blocks(each.loops))]
    for block in (*program.blocks, *_inner_blocks(program.loops), *inner):
        shares = block.shares(sizes)
        counts[block.name] = (sum(map(len, shares)), len(shares))
    found = []
    for step in plan.steps:
        # A compiled loop that no workers share has no pieces.
        cut = step.block in counts
        pieces, workers = counts[step.block] if cut else (1, 1)
        sharing = workers_of[step.shard]
        # The rows of a block are all workers' together.
        pieces *= 1 if cut else sharing
        found.append((pieces * step.times.at(sizes), workers * sharing))
    return found


def _inner_blocks(loops: tuple[Loop, ...]) -> Iterator[Block]:
    """Yield the blocks within loops."""
    for loop in loops:
        yield from loop.blocks
        yield from _inner_blocks(loop.loops)


def _reading(clock: Callable[[], float]) -> float:
    """Return the seconds that lie between two readings of the clock with nothing between them."""
    gaps = []
    for _ in range(1000):
        since = clock()
        gaps.append(clock() - since)
    return median(gaps)
