from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import numpy as np

from specnet.runtime.blas import one_thread
from specnet.runtime.calls import READY, Anew
from specnet.runtime.functions import FUNCTIONS
from specnet.runtime.plan import ARENA, ONCE, Block, Plan, View
from specnet.runtime.shapes import ITEM_BYTES, at, show
from specnet.runtime.workers import BUFFER, Workers

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Bound:
    """A plan over real arrays: calling `step` executes it once.

    `step` takes the plan's numbers and returns its scalars, both in the plan's order; `arrays` are its other
    outputs, overwritten by the next call.
    """

    step: Callable[..., tuple[float, ...]]
    arrays: dict[str, Array]


class Executable:
    """A plan with memory of its own, to be bound to arrays for one batch size after another.

    Not for two threads at once: all of its bindings share one arena, and draw from the same streams. A `twin` is for
    another thread. `workers` may be shared with other executables.
    """

    def __init__(
        self,
        plan: Plan,
        streams: Mapping[str, np.random.Generator] | None = None,
        workers: Workers | None = None,
    ) -> None:
        self.plan = plan
        self._streams = streams or {}
        self._code = compile(plan.source, "<specnet plan>", "exec")
        self.arena = _aligned(plan.arena)
        self._workers = (workers or Workers(plan.workers)) if plan.workers else None

    def twin(self) -> Executable:
        """Return the same plan with an arena of its own, for another thread; streams and workers are shared."""
        twin = copy(self)
        twin.arena = _aligned(self.plan.arena)
        return twin

    def bind(self, batch: int, leaves: Mapping[str, Array]) -> Bound:
        """Return the plan over these arrays, for a batch of at most `plan.batch` rows.

        Raises ValueError where an array has not the plan's shape and dtype, or is not contiguous.
        """
        plan = self.plan
        if not 0 < batch <= plan.batch:
            raise ValueError(f"the plan takes batches of 1 to {plan.batch} rows, not {batch}")
        memory = {ARENA: self.arena, ONCE: _aligned(plan.once)}
        for name, (shape, dtype) in plan.leaves.items():
            array = leaves[name]
            if array.shape != at(shape, batch) or array.dtype != dtype or not array.flags.c_contiguous:
                raise ValueError(
                    f"{name} is {array.dtype}{array.shape}, and the plan takes a contiguous {dtype}{show(shape)}"
                )
            memory[name] = array.reshape(-1).view(np.uint8)
        names = self._names(batch, memory)
        with np.errstate(all="ignore"):
            exec(self._code, names)  # noqa: S102 (the compiler wrote it, from its own ops' kernels)
        # A function whose globals named it would keep itself and the arena until a garbage collection.
        step = names.pop("step")
        if self._workers is not None:
            step = _shared(step)
        return Bound(step, {name: names[view] for name, view in plan.arrays.items()})

    def _names(self, batch: int, memory: Mapping[str, Array]) -> dict[str, Any]:
        """Return what the plan's source names, over this memory."""
        plan = self.plan
        names: dict[str, Any] = {name: FUNCTIONS[name] for name in plan.functions}
        for view in plan.views:
            names[view.name] = _view(view, memory, batch)
        for name, (factor, power, dtype) in plan.literals.items():
            names[name] = np.array(factor * float(batch) ** power, dtype)
        for name, (factor, power) in plan.factors.items():
            names[name] = factor * float(batch) ** power
        for name, (prepare, key) in plan.prepared.items():
            names[name] = prepare(batch)[key]
        for name, stream in plan.streams.items():
            names[name] = self._streams[stream]
        names |= plan.attributes
        if self._workers is not None:
            names["workers"] = self._workers
        names["anew"] = True
        for name, expression in plan.calls.items():
            names[name] = list(eval(expression, names))  # noqa: S307 (the compiler wrote it)
        room = READY
        for block in plan.blocks:
            pieces, ready = _pieces(block, names, memory[ARENA], batch, room)
            room -= ready
            names[block.name] = pieces if self._workers is not None else pieces[0]
        return names


def _shared(step: Callable[..., tuple[float, ...]]) -> Callable[..., tuple[float, ...]]:
    """Return a step of workers, whose matrix products run on one thread each, and whose loops take small buffers."""

    def run(*numbers: float) -> tuple[float, ...]:
        with one_thread(), np.errstate():
            np.setbufsize(BUFFER)
            return step(*numbers)

    return run


def _aligned(size: int) -> Array:
    """Return uninitialised bytes whose address is a multiple of a cache line."""
    raw = np.empty(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size]


def _view(view: View, memory: Mapping[str, Array], batch: int, rows: int | None = None) -> Array:
    """Return a view, of which the leading axis may have other `rows` than the batch."""
    shape = at(view.shape[:1], batch if rows is None else rows) + at(view.shape[1:], batch)
    size = prod(shape) * ITEM_BYTES[view.dtype]
    flat = memory[view.memory][view.offset : view.offset + size].view(view.dtype)
    if view.form == "flat":
        return flat
    array = flat.reshape(shape)
    if view.form == "rows":
        return array.reshape(-1, shape[-1])
    return array.T if view.form == "T" else array


def _pieces(
    block: Block, names: dict[str, Any], arena: Array, batch: int, most: int
) -> tuple[list[list[tuple[Any, ...]]], int]:
    """Return what the statements of a block name, a list of pieces for each worker, and name its sums.

    Calls are made ready if they are at most so many; return how many are.
    """
    shares = block.shares(batch)
    size = sum(stop - start for share in shares for start, stop in share)
    calls = {name: compile(text, f"<{name}>", "eval") for name, text in block.calls.items()}
    # Calls that are made anew keep the names that they are made from: in copies, so that these do not keep the calls.
    around = dict(names)
    sums: dict[str, list[Array]] = {name: [] for name in block.sums}
    found: list[list[tuple[Any, ...]]] = []
    ready: int | None = None
    for worker, share in enumerate(shares):
        room = {ARENA: arena[worker * block.room :]}
        for name, (whole, part) in block.sums.items():
            sums[name].append(names[whole] if worker == 0 or part is None else _view(part, room, batch))
        own: list[tuple[Any, ...]] = []
        for start, stop in share:
            piece: dict[str, Any] = {name: each[worker] for name, each in sums.items()} | {"anew": not own}
            for name, view in block.sliced.items():
                array = names[view]
                times = len(array) // size
                piece[name] = array[start * times : stop * times]
            piece |= {name: _view(view, room, batch, stop - start) for name, view in block.passing.items()}
            within = dict(piece)
            makes = {name: partial(eval, code, around, within) for name, code in calls.items()}
            if ready is None:
                each = sum(1 for make in makes.values() for _ in make())
                ready = each * sum(map(len, shares))
                ready = ready if ready <= most else 0
            piece |= {name: list(make()) if ready else Anew(make) for name, make in makes.items()}
            own.append(tuple(piece[name] for name in block.arguments))
        found.append(own)
    names |= sums
    return found, ready or 0
