from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from copy import copy
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from specnet.engines.aligned import aligned
from specnet.engines.binding import bind_names
from specnet.engines.blas import limiting
from specnet.engines.help_pace import HelpPace
from specnet.engines.numpy.emit import emit
from specnet.engines.numpy.functions import resolve
from specnet.engines.program import NumpyProgram
from specnet.engines.ranks import RankShares
from specnet.engines.switching import switching_soon
from specnet.engines.workers import BUFFER, Workers
from specnet.graph.sizes import Forms, Sizes, at, named, show
from specnet.passes.arena import ARENA, ONCE
from specnet.passes.cores import allowed
from specnet.passes.plan import Plan

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Bound:
    """A plan over real arrays: calling `step` executes it once.

    `step` takes the plan's numbers and returns its scalars, both in the plan's order; `arrays` are its other
    outputs, overwritten by the next call. `many`, where there is one, takes a number of steps and the numbers of the
    first, of which `step` grows by 1 from each to the next, and returns the scalars of each: up to the one whose guard
    is not finite. `workers` share its work, where there are several, while its `pace` says that it takes less time.
    `fetching`, where there is one, takes pairs of arrays, of which the second are to have rows of the first, and
    returns what has the next step begin by copying those at given places; None where it cannot.
    """

    step: Callable[..., tuple[float, ...]]
    arrays: dict[str, Array]
    many: Callable[..., Array] | None = None
    workers: Workers | None = None
    pace: HelpPace | None = None
    fetching: Callable[[Sequence[tuple[Array, Array]]], Callable[[Array], None] | None] | None = None


class Executable:
    """A plan with memory of its own, to be bound to arrays for one batch size after another.

    Not for two threads at once: all of its bindings share one arena, and draw from the same streams. A `twin` is for
    another thread. `workers` may be shared with other executables, and `program` is what the plan was written as, where
    that is known. The plan of one of several processes has `shares`, is bound to sizes of whole batches, and reads the
    process's own rows. Workers share its steps as `helped` says, or, where it is None, while that takes less time.
    """

    def __init__(
        self,
        plan: Plan,
        streams: Mapping[str, np.random.Generator] | None = None,
        workers: Workers | None = None,
        program: NumpyProgram | None = None,
        shares: RankShares | None = None,
        helped: bool | None = None,
    ) -> None:
        self.plan, self._helped = plan, helped
        self._shares = shares
        self._streams = streams or {}
        self._program = program or emitted(plan)
        self._code = compile(self._program.source, "<specnet plan>", "exec")
        self._arena: Array | None = None
        """Allocated when the plan is bound: what only has twins takes no memory."""
        self._workers = (workers or Workers(plan.workers)) if plan.workers else None
        self._team = _team(self._program)

    def twin(self) -> Executable:
        """Return the same plan with an arena of its own, for another thread; streams and workers are shared."""
        twin = copy(self)
        twin._arena = None  # noqa: SLF001  its own kind's
        return twin

    def bind(self, sizes: Sizes, leaves: Mapping[str, Array]) -> Bound:
        """Return the plan over these arrays, for sizes of at most `plan.sizes`; an integer is the batch's.

        Raises ValueError where a size or an array does not fit the plan, or an array is not contiguous.
        """
        plan, sizes = self.plan, named(sizes) if self._shares is None else self._shares.sizes(sizes)
        _check_sizes(plan, sizes)
        if self._arena is None:
            self._arena = aligned((plan.arena,))
        memory = {ARENA: self._arena, ONCE: aligned((plan.prologue,))}
        for name, (shape, dtype) in plan.leaves.items():
            array = leaves[name]
            if array.shape != at(shape, sizes) or array.dtype != dtype or not array.flags.c_contiguous:
                raise ValueError(
                    f"{name} is {array.dtype}{array.shape}, and the plan takes a contiguous {dtype}{show(shape)}"
                )
            memory[name] = array.reshape(-1).view(np.uint8)
        functions = _functions(plan, self._program)
        if self._shares is not None:
            functions = {**functions, "ranks": self._shares.of(sizes["global_batch"])}
        names = bind_names(self._program, sizes, memory, self._streams, self._workers, functions)
        with np.errstate(all="ignore"):
            exec(self._code, names)  # noqa: S102 (the compiler wrote it, from its own ops' kernels)
        # A function whose globals named it would keep itself and the arena until a garbage collection.
        step = names.pop("step")
        arrays = {name: names[view] for name, view in self._program.arrays.items()}
        if self._program.whole is not None:
            whole = self._whole(names, arrays)
            if whole is not None:
                return whole
        if self._workers is not None:
            pace = None if self._workers.count == 1 or self._helped is not None else HelpPace()
            step = _shared(step, self._workers, pace, helped=self._helped is not False)
            return Bound(step, arrays, workers=self._workers, pace=pace)
        if plan.has_large_products:
            step = limiting(1, _buffering(step))
        return Bound(step, arrays)

    def _whole(self, names: Mapping[str, Any], arrays: dict[str, Array]) -> Bound | None:
        """Return a program that is one compiled function over the arrays that its names stand for.

        None where it has calls that only Python makes.
        """
        from specnet.engines.numba.stepping import NotByTable, WholeSteps

        assert self._program.whole is not None
        try:
            whole = WholeSteps(self._program, names, self._team)
        except NotByTable:
            return None
        # Predictions, which have no scalars, are made of rows that are there.
        fetching = whole.fetching if self._program.scalars else None
        if whole.calls_library:
            step, many = limiting(1, whole.step), limiting(1, whole.many)
            return Bound(step, arrays, many, fetching=fetching)
        alone = self._team is None and not (self._program.numbers or self._program.scalars)
        return Bound(whole.only if alone else whole.step, arrays, whole.many, fetching=fetching)


def _check_sizes(plan: Plan, sizes: Mapping[str, int]) -> None:
    for name, most in plan.sizes.items():
        if not 0 < sizes.get(name, 0) <= most:
            what = "batches of 1 to {} rows" if name == "batch" else f"1 to {{}} {name}"
            raise ValueError(f"the plan takes {what.format(most)}, not {sizes.get(name)}")
    if isinstance(plan.sizes, Forms) and not plan.sizes.hold(sizes):
        raise ValueError(f"the plan takes no {sizes} at once")


def emitted(plan: Plan) -> NumpyProgram:
    """Return a plan as its engine executes it."""
    if plan.engine == "numba":
        from specnet.engines.numba import engine

        return engine.emit(plan)
    return emit(plan)


def compile_code(plan: Plan) -> None:
    """Compile what a plan's engine executes it with, or load it where it is kept; the NumPy engine has nothing to."""
    _functions(plan, emitted(plan))


def row_writer() -> Any:
    """Return the numba engine's function for rows that arithmetic changes, see `numba.arithmetic.writer`."""
    from specnet.engines.numba.arithmetic import writer

    return writer


def _functions(plan: Plan, program: NumpyProgram) -> Mapping[str, Any]:
    """Return the functions that a program names."""
    if plan.engine == "numba":
        from specnet.engines.numba import engine

        return engine.functions(program)
    return {name: resolve(name) for name in program.functions}


def _buffering(step: Callable[..., tuple[float, ...]]) -> Callable[..., tuple[float, ...]]:
    """Return a step whose loops over operands that are repeated take small buffers."""
    context = quiet()
    context.run(np.setbufsize, BUFFER)
    return partial(context.run, step)


def _shared(
    step: Callable[..., tuple[float, ...]], workers: Workers, pace: HelpPace | None, *, helped: bool
) -> Callable[..., tuple[float, ...]]:
    """Return a step of workers, whose matrix products run on one thread each, and whose loops take small buffers.

    With a `pace`, they help while that takes less time, and otherwise where `helped`.
    """
    alone = _buffering(step)
    if workers.count == 1:
        return limiting(1, alone)

    def run(*numbers: float) -> tuple[float, ...]:
        began = perf_counter()
        with switching_soon():
            try:
                workers.help(helped if pace is None else pace.helped)
                found = alone(*numbers)
            finally:
                workers.help(True)
        if pace is not None:
            pace.made(1, perf_counter() - began)
        return found

    return limiting(1, run)


def quiet() -> Context:
    """Return a context in which NumPy ignores what overflows, for one thread at a time.

    What runs in it leaves the caller's error handling alone, in a tenth of the time that `errstate` takes.
    """
    context = Context()
    context.run(np.seterr, all="ignore")
    return context


def _team(program: NumpyProgram) -> Any:
    """Return the threads that help with the steps of one compiled function, if any do."""
    if program.whole is None:
        return None
    # More than there are cores would keep those from working that have taken a part.
    count = min(program.whole.threads, allowed())
    if count == 1:
        return None
    from specnet.engines.numba.team import Team

    return Team(count)
