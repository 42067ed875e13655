"""How long the steps of a plan take on this machine: predicted from what steps of other plans were measured to take.

The time of an op is modelled as a sum of terms, each a coefficient times an amount: calls of its kernel, bytes,
floating-point operations, and for products the elements of their operands and results. Coefficients are fitted by least
squares to steps of reference networks; none is negative, and what does not explain anything is left out. With the numba
engine, a compiled loop is one step, and what runs within a compiled function is called at no cost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod
from statistics import median
from typing import Any

import numpy as np

from specnet.analysis.profiling import Times, pieces_of
from specnet.engines.execution import emitted
from specnet.engines.numba.whole import SHARED, SHARED_PRODUCT
from specnet.engines.program import Loop, NumpyProgram
from specnet.graph.sizes import ITEM_BYTES, at
from specnet.passes.plan import Plan, Step

Array = np.ndarray[Any, Any]
Amounts = tuple[float, ...]

TERMS = 4
"""The number of the terms' meaning: results that were fitted to other terms do not count."""

SHORTEST = 5e-8
"""Seconds of the shortest step that the clock can tell from nothing."""

ROUNDS = 6
"""How often the weights of a fit are taken from the fit before."""

BETTER = 0.98
"""By which factor an added term must reduce the squared error."""

LEAST = 3e-4
"""Seconds of the shortest plan whose time between its steps counts: in shorter ones it is mostly the clock's."""


@dataclass(frozen=True, slots=True)
class MeasuredPlan:
    """What the steps of a plan were measured to take."""

    plan: Plan
    times: Times


@dataclass(frozen=True)
class CostModel:
    """The coefficients of each kind of op, by its key, and by what a plan takes longer than its steps."""

    coefficients: dict[str, list[float]]
    between: float = 1.0
    """The factor for a plan on one thread."""
    shared: float = 1.0
    """The factor for a plan of workers, who wait for each other."""
    compiled: float = 1.0
    """The factor for a plan that is one compiled function. Factors of plans that were never measured are 0."""

    def step(self, key: str, amounts: Amounts) -> float:
        """Return the seconds of a step.

        An op that was never measured in loops takes what it takes outside, and one that was never measured at all what
        others take on average.
        """
        keys = key, key.removesuffix(IN_LOOPS).removesuffix(IN_PIECES), GENERAL
        known = next((found for each in keys if (found := self.coefficients.get(each))), [])
        return float(np.dot(known[: len(amounts)], amounts[: len(known)]))

    def seconds(self, plan: Plan) -> float:
        """Return the seconds that one execution of a plan takes."""
        return sum(self.steps(plan).values())

    def steps(self, plan: Plan) -> dict[int, float]:
        """Return the seconds of each step of a plan that takes time, by its number.

        Steps of workers are made by one thread where that takes less time.
        """
        kinds = [kind for kind in _kinds(plan) if getattr(self, kind)] or _kinds(plan)
        return min((self.run(plan, kind) for kind in kinds), key=lambda steps: sum(steps.values()))

    def run(self, plan: Plan, kind: str) -> dict[int, float]:
        """Return the same for a plan that runs in one way, which has the name of its factor."""
        factor, alone = getattr(self, kind) or 1.0, kind == "between"
        known = terms(plan, as_run=True, alone=alone)
        return {number: factor * self.step(key, amounts) for number, key, amounts in known}

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "coefficients": self.coefficients,
            "between": self.between,
            "shared": self.shared,
            "compiled": self.compiled,
        }

    @classmethod
    def from_dict(cls, data: Any) -> CostModel:
        """Return the model of `as_dict`; raise ValueError for anything else."""
        try:
            coefficients = {str(key): [float(c) for c in each] for key, each in data["coefficients"].items()}
            model = cls(coefficients, *(float(data[name]) for name in ("between", "shared", "compiled")))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it is not a cost model: {error}") from None
        factors = model.between, model.shared, model.compiled
        numbers = [*factors, *(c for each in coefficients.values() for c in each)]
        if GENERAL not in coefficients or not (np.isfinite(numbers).all() and min(numbers) >= 0):
            raise ValueError("it is not a cost model")
        return model


GENERAL = "*"
"""The key of the coefficients for ops that were never measured."""

IN_LOOPS = " in loops"
"""How keys end of ops within loops over steps, which take less time: the code and the views of a step are in cache."""

IN_PIECES = " in pieces"
"""How keys end of ops that run piece by piece, on what is in cache."""


def fit(observed: Iterable[MeasuredPlan]) -> CostModel:
    """Return the model that explains what was measured."""
    observed = list(observed)
    found: dict[str, list[tuple[Amounts, float]]] = {}
    for each in observed:
        for number, key, amounts in terms(each.plan, alone=each.times.alone):
            seconds = max(each.times.steps[number], SHORTEST)
            found.setdefault(key, []).append((amounts, seconds))
            if not key.startswith(PRODUCTS) and len(amounts) == len(GENERIC):
                found.setdefault(GENERAL, []).append((amounts, seconds))
    coefficients = {key: _fitted(pairs) for key, pairs in found.items()}
    bare = CostModel(coefficients)
    factors: dict[str, list[float]] = {"between": [], "shared": [], "compiled": []}
    for each in observed:
        if each.times.whole > LEAST:
            kind = "between" if each.times.alone else _kinds(each.plan)[0]
            factors[kind].append(each.times.whole / sum(bare.run(each.plan, kind).values()))
    return CostModel(
        coefficients, **{kind: median(found) if found else 0.0 for kind, found in factors.items()}
    )


def _kinds(plan: Plan) -> tuple[str, ...]:
    """Return in which ways a plan may run, as the factors of a model are called."""
    if plan.engine == "numba" and emitted(plan).whole is not None:
        return ("compiled",)
    if plan.workers > 1:
        return "shared", "between"
    return ("shared",) if plan.workers else ("between",)


PRODUCTS = "matmul", "conv"
"""How keys of products begin, which have amounts of their own."""

GENERIC = ("calls", "calls of several workers at once", "bytes", "operations")
"""What the amounts of most ops are."""


SLOW = re.compile(r"\b(?:exp|expm1|log|log1p|tanh|erf|sin|cos|pow)\(")
"""Functions that a compiled loop takes several times as long for as for a sum or a product."""


def terms(plan: Plan, *, as_run: bool = False, alone: bool = False) -> Iterator[tuple[int, str, Amounts]]:
    """Yield the number of each step that takes time, the key of its coefficients, and its amounts.

    What several workers do at once counts for one of them, unless one thread works `alone`. Amounts are those of steps
    that are called one by one, or else `as_run`, where compiled functions make the calls.
    """
    program = emitted(plan)
    pieces = pieces_of(plan, program, plan.sizes)
    loops = [*program.loops, *(loop for each in program.shards for loop in each.loops)]
    taped = {loop.name for loop in _taped(loops)}
    for number, (step, code) in enumerate(zip(plan.steps, program.code, strict=True)):
        if code and not step.prologue:
            calls, workers = pieces[number]
            workers = 1 if alone else workers
            made: float = calls
            if as_run and program.whole is not None:
                made, workers = 0.0, program.whole.threads if _is_stage(plan, step) else 1
            elif as_run and step.loop in taped:
                made = 0.0
            if code[-1].startswith("run("):
                yield number, "loop", _loop_amounts(plan, program, number, made, workers)
            else:
                key, amounts = _amounts(plan, step, code, made, workers, alone=alone)
                yield number, key + _place(step, key), amounts


def _place(step: Step, key: str) -> str:
    """Return how the key of a step ends where it runs."""
    if step.loop is not None:
        return IN_LOOPS
    return "" if step.block is None or key.startswith(PRODUCTS) else IN_PIECES


def _taped(loops: Sequence[Loop]) -> Iterator[Loop]:
    """Yield the loops over steps that are compiled functions."""
    for loop in loops:
        if loop.tape is not None:
            yield loop
        yield from _taped(loop.loops)


def _is_stage(plan: Plan, step: Step) -> bool:
    """Return whether threads share a step within a compiled one."""
    if step.op == "matmul":
        return step.flops.at(plan.sizes) >= 2 * SHARED_PRODUCT
    return prod(at(step.shape, plan.sizes)) >= SHARED


def _loop_amounts(plan: Plan, program: NumpyProgram, number: int, calls: float, workers: int) -> Amounts:
    """Return the amounts of a compiled loop, which stands at the last of its steps."""
    call, _, names = program.code[number][-1].partition("  # ")
    own = plan.steps[number + 1 - len(names.split(", ")) : number + 1]
    last, text = own[-1], program.compiled[int(call[len("run(") : call.index(",")])]
    times = last.times.at(plan.sizes)
    moved = times * sum(step.reads + (step.size if step.memory else 0) for step in own)
    flops = sum(step.flops.at(plan.sizes) for step in own) * ITEM_BYTES[last.dtype] / 4
    slow = len(SLOW.findall(text)) * prod(at(last.shape, plan.sizes)) * times
    alone, together = (calls, 0.0) if workers == 1 else (0.0, calls / workers)
    return alone, together, moved / workers, flops / workers, slow / workers


def _amounts(
    plan: Plan, step: Step, code: Sequence[str], made: float, workers: int, *, alone: bool
) -> tuple[str, Amounts]:
    times, item = step.times.at(plan.sizes), ITEM_BYTES[step.dtype]
    calls = made / workers
    if not step.shape:
        return f"{step.op} of numbers", (times / workers if made else 0.0,)
    shape = at(step.shape, plan.sizes)
    # In double precision, an operation takes twice as long.
    flops = step.flops.at(plan.sizes) / workers * (item / 4 if item > 1 else 1.0)
    single, together = (calls, 0.0) if workers == 1 else (0.0, calls)
    if step.op == "matmul" and len(shape) > 1:
        rows, columns = shape[-2:]
        count = prod(shape[:-2])
        inner = step.flops.at(plan.sizes) / times / (2 * max(prod(shape), 1))
        results = prod(shape) * times * item / workers
        operands = count * (rows + columns) * inner * times * item
        if "shared_dot" in code[0] and not alone:
            return "matmul shared", (0.0, calls, results + operands, flops)
        key = "matmul many" if len(shape) > 2 else "matmul"
        return key, (single, together, count * times / workers, flops, results, operands)
    size = step.size * times / workers
    if step.tiles is not None and plan.engine == "numpy":
        tiles, pairs = step.tiles, step.tiles.channels * step.tiles.filters
        images = flops / (2 * prod(tiles.out) * prod(tiles.kernel) * pairs)
        if tiles.enough(round(images / calls)):
            products, kernels = images * prod(tiles.grid) * tiles.blocks * pairs, calls * tiles.blocks * pairs
            return f"{step.op} by tiles", (calls, products, images * tiles.numbers, kernels)
    if code[0].startswith("choose("):
        return f"{step.op} by bits", (single, together, size, flops)
    if step.op.startswith("conv"):
        # Of one filter: as many as there are elements in the patches.
        return step.op, (calls, flops, flops / max(shape[-1], 1), size)
    return step.op, (single, together, size, flops)


def _fitted(pairs: Sequence[tuple[Amounts, float]]) -> list[float]:
    """Return the coefficients, none negative, of the amounts that explain some times with the least relative error."""
    amounts = np.array([each for each, _ in pairs], float)
    seconds = np.array([each for _, each in pairs])
    found, weights = np.zeros(amounts.shape[1]), 1 / seconds
    for _ in range(ROUNDS):
        found = _least_squares(amounts * weights[:, None], seconds * weights)
        # Relative to what is measured, too small a prediction would count for less than one too large.
        weights = 1 / np.maximum(amounts @ found, 0.3 * seconds)
    return [float(c) for c in found]


def _least_squares(amounts: Array, seconds: Array) -> Array:
    count = amounts.shape[1]
    best, found = np.inf, np.zeros(count)
    for size in range(1, count + 1):
        for chosen in map(list, combinations(range(count), size)):
            part, *_ = np.linalg.lstsq(amounts[:, chosen], seconds, rcond=None)
            error = float(((amounts[:, chosen] @ part - seconds) ** 2).sum())
            if (part >= 0).all() and error < BETTER * best:
                best, found = error, np.zeros(count)
                found[chosen] = part
    return found
