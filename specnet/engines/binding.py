"""What a plan's source names, over real memory: views, constants, calls, pieces of blocks, and steps of loops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from math import prod
from types import CodeType
from typing import Any

import numpy as np

from specnet.engines.numpy.calls import READY, Remade
from specnet.engines.numpy.preparing import prepare
from specnet.engines.program import Block, Form, Loop, NumpyProgram, Shaped, Shard, View
from specnet.engines.workers import Workers
from specnet.graph.sizes import ITEM_BYTES, Powers, Size, Sizes, at, named, value_of
from specnet.passes.arena import ARENA

Array = np.ndarray[Any, Any]


def bind_names(
    program: NumpyProgram,
    sizes: Sizes,
    memory: Mapping[str, Array],
    streams: Mapping[str, np.random.Generator],
    workers: Workers | None,
    functions: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what a program's source names, over this memory, for these sizes; `functions` are the engine's."""
    names: dict[str, Any] = dict(functions)
    for view in program.views:
        names[view.name] = _view(view, memory, sizes)
    # What overflows here makes the loss infinite, which ends the training as diverged.
    with np.errstate(over="ignore"):
        for name, (factor, powers, dtype) in program.literals.items():
            names[name] = np.array(factor * _product(powers, sizes), dtype)
    for name, (factor, powers) in program.factors.items():
        names[name] = factor * _product(powers, sizes)
    for name, prepared in program.prepared.items():
        names[name] = prepare(prepared, sizes)
    for name, stream in program.streams.items():
        names[name] = streams[stream]
    names |= program.attributes
    if workers is not None:
        names["workers"] = workers
    names["overwrite"] = True
    for name, expression in program.calls.items():
        names[name] = list(eval(expression, names))  # noqa: S307 (the compiler wrote it)
    for name, expression in program.tables.items():
        names[name] = eval(expression, names)  # noqa: S307 (the compiler wrote it)
    binding = _Binding(sizes, memory[ARENA])
    binding.bodies(program.blocks, program.loops, names)
    for each in program.shards:
        binding.shard(each, names, memory)
    return names


SHARED = 400_000
"""Elements of arrays that are worth sharing out to add them up: one thread takes 33 µs for 235,146, and two 50."""


class _Binding:
    """Makes ready what blocks and loops name at each of their pieces and steps."""

    def __init__(self, sizes: Sizes, arena: Array, ready: int = READY) -> None:
        self.sizes, self.arena = named(sizes), arena
        self.ready = ready
        """How many calls may still be made ready: of more, each does so much that its views cost little."""

    def block(self, block: Block, names: dict[str, Any]) -> None:
        """Name a block's pieces, a list for each worker, and its sums."""
        pieces = self._pieces(block, names)
        names[block.name] = pieces if block.workers and "workers" in names else pieces[0]

    def loop(self, loop: Loop, names: dict[str, Any]) -> None:
        """Name what a loop's statements name at each step, in the order of the steps, and arrays of the last one."""
        (length,) = at((loop.length,), self.sizes)
        calls = {name: compile(text, f"<{name}>", "eval") for name, text in loop.calls.items()}
        tables = {name: compile(text, f"<{name}>", "eval") for name, text in loop.tables.items()}
        inner = bool(calls or tables or loop.blocks or loop.loops)
        steps: list[tuple[Any, ...]] = []
        here: dict[str, Any] = {}
        for number in range(length):
            before, here = here, _slices(loop, names, number, length)
            for name, (first, now) in loop.before.items():
                array: Array = before[now] if number else names[first]
                here[name] = array if array.shape == names[first].shape else array.reshape(names[first].shape)
            for name, shaped in loop.forms.items():
                here[name] = _shaped(here.get(shaped.of, names.get(shaped.of)), shaped, self.sizes)
            if inner:
                self._within(loop, calls, tables, names, here)
            steps.append(tuple([here[name] for name in loop.arguments]))
        names[loop.name] = (
            steps if loop.tape is None else names["tape"](loop.tape, loop.arguments, steps, names)
        )
        names |= {name: here[of] for name, of in loop.ends.items()}

    def _within(
        self,
        loop: Loop,
        calls: Mapping[str, CodeType],
        tables: Mapping[str, CodeType],
        names: dict[str, Any],
        here: dict[str, Any],
    ) -> None:
        """Name what is made of the arrays of a step, which are `here`."""
        within = {**names, **here}
        for name, code in calls.items():
            here[name] = within[name] = self._made(partial(eval, code, dict(within)))
        for name, code in tables.items():
            here[name] = eval(code, within)  # noqa: S307 (the compiler wrote it)
        for block in loop.blocks:
            self.block(block, within)
            here[block.name] = within[block.name]
        for each in loop.loops:
            self.loop(each, within)
            here[each.name] = within[each.name]
            here |= {name: within[name] for name in each.ends}

    def shard(self, shard: Shard, names: dict[str, Any], memory: Mapping[str, Array]) -> None:
        """Name the functions of the workers, and what adds up their sums."""
        code = compile(shard.source, f"<{shard.name}>", "exec")
        tasks: list[Callable[..., tuple[float, ...]]] = []
        found: dict[str, list[Array]] = {name: [] for name in shard.sums}
        for worker, (start, stop) in enumerate(shard.shares(self.sizes)):
            arena = self.arena[worker * shard.scratch :]
            own = _Binding({**self.sizes, "batch": stop - start}, arena, self.ready)
            within = dict(names)
            self._rows(shard, within, start, stop)
            own.worker(shard, within, {**memory, ARENA: arena})
            exec(code, within)  # noqa: S102 (the compiler wrote it)
            # A function whose globals named it would keep itself and the arena until a garbage collection.
            tasks.append(within.pop(shard.name))
            for name, (part, _) in shard.sums.items():
                found[name].append(within[part])
            self.ready = own.ready
        names[shard.name] = tasks
        for name, (_, result) in shard.sums.items():
            arrays = [array.reshape(-1) for array in (names[result], *found[name])]
            length = len(arrays[0])
            count = len(tasks) if length >= SHARED else 1
            ends = [length * part // count for part in range(count + 1)]
            names[name] = [[array[a:b] for array in arrays] for a, b in pairwise(ends)]

    def _rows(self, shard: Shard, names: dict[str, Any], start: int, stop: int) -> None:
        """Name the rows of arrays that a worker has."""
        for name, whole in shard.rows.items():
            array = names[whole]
            times = len(array) // self.sizes["batch"]
            names[name] = array[start * times : stop * times]

    def worker(self, shard: Shard, names: dict[str, Any], memory: Mapping[str, Array]) -> None:
        """Name what lies in a worker's own memory, and what is made of it."""
        names |= {view.name: _view(view, memory, self.sizes) for view in shard.views}
        for name, shaped in shard.forms.items():
            names[name] = _shaped(names[shaped.of], shaped, self.sizes)
        names |= {name: prepare(prepared, self.sizes) for name, prepared in shard.prepared.items()}
        for name, expression in shard.calls.items():
            names[name] = list(eval(expression, names))  # noqa: S307 (the compiler wrote it)
        for name, expression in shard.tables.items():
            names[name] = eval(expression, names)  # noqa: S307 (the compiler wrote it)
        self.bodies(shard.blocks, shard.loops, names)

    def bodies(self, blocks: Iterable[Block], loops: Iterable[Loop], names: dict[str, Any]) -> None:
        """Name what blocks and loops name."""
        for block in blocks:
            self.block(block, names)
        for loop in loops:
            self.loop(loop, names)

    def _made(self, make: Any) -> Any:
        """Return calls that are ready, or are made whenever they are performed where there are too many."""
        calls = list(make())
        if len(calls) > self.ready:
            return Remade(make)
        self.ready -= len(calls)
        return calls

    def _pieces(self, block: Block, names: dict[str, Any]) -> list[list[tuple[Any, ...]]]:
        """Return what the statements of a block name, a list of pieces for each worker, and name its sums."""
        shares = block.shares(self.sizes)
        size = sum(stop - start for share in shares for start, stop in share)
        calls = {name: compile(text, f"<{name}>", "eval") for name, text in block.calls.items()}
        tables = {name: compile(text, f"<{name}>", "eval") for name, text in block.tables.items()}
        # Calls that are made again keep the names that they are made from: copies, so that these do not keep the calls.
        around = dict(names)
        sums: dict[str, list[Array]] = {name: [] for name in block.sums}
        found: list[list[tuple[Any, ...]]] = []
        ready: int | None = None
        for worker, share in enumerate(shares):
            scratch = {ARENA: self.arena[worker * block.scratch :]}
            for name, (whole, part) in block.sums.items():
                own_part = names[whole] if worker == 0 or part is None else _view(part, scratch, self.sizes)
                sums[name].append(own_part)
            own: list[tuple[Any, ...]] = []
            for start, stop in share:
                piece: dict[str, Any] = {name: each[worker] for name, each in sums.items()} | {
                    "overwrite": not own
                }
                for name, view in block.sliced.items():
                    array = names[view]
                    times = len(array) // size
                    piece[name] = array[start * times : stop * times]
                for name, passing in block.passing.items():
                    piece[name] = _view(passing, scratch, self.sizes, stop - start)
                within = dict(piece)
                for name, code in tables.items():
                    piece[name] = eval(code, around, within)  # noqa: S307 (the compiler wrote it)
                makes = {name: partial(eval, code, around, within) for name, code in calls.items()}
                if ready is None:
                    each = sum(1 for make in makes.values() for _ in make())
                    ready = each * sum(map(len, shares))
                    ready = ready if ready <= self.ready else 0
                piece |= {name: list(make()) if ready else Remade(make) for name, make in makes.items()}
                own.append(tuple([piece[name] for name in block.arguments]))
            found.append(own)
        names |= sums
        self.ready -= ready or 0
        return found


def _slices(loop: Loop, names: Mapping[str, Any], number: int, length: int) -> dict[str, Any]:
    """Return what a step's names stand for that are parts of arrays, given how many steps come before it."""
    place, following = (length - 1 - number, length - 2 - number) if loop.reverse else (number, number + 1)
    here = {name: names[whole][place] for name, whole in loop.slices.items()}
    for name, turns in loop.turns.items():
        here[name] = names[turns[(length - number) % 2]]
    for name, (whole, last) in loop.ahead.items():
        here[name] = names[whole][following] if number + 1 < length else names[last]
    return here


def _view(view: View, memory: Mapping[str, Array], sizes: Sizes, rows: int | None = None) -> Array:
    """Return a view, of which the leading axis may have other `rows` than the batch."""
    lead = view.shape[:1]
    if rows is not None:
        lead = tuple(dim.times * rows if isinstance(dim, Size) else dim for dim in lead)
    shape = at(lead, sizes) + at(view.shape[1:], sizes)
    each = ITEM_BYTES[view.dtype]
    offset = view.offset + sum(count.at(sizes) for count in view.start) * each
    flat = memory[view.memory][offset : offset + prod(shape) * each].view(view.dtype)
    return flat if view.form == "flat" else _formed(flat, shape, view.form)


def _shaped(array: Any, shaped: Shaped, sizes: Sizes) -> Array:
    """Return an array in another shape and form, or what begins at a place in it."""
    shape = at(shaped.shape, sizes)
    size = prod(shape)
    if array.size != size:
        start = sum(count.at(sizes) for count in shaped.start)
        array = array.reshape(-1)[start : start + size]
    return _formed(array, shape, shaped.form)


def _formed(array: Any, shape: Sequence[int], form: Form) -> Array:
    """Return an array in a shape, and as it is asked for."""
    if form == "flat":
        flat: Array = array.reshape(-1)
        return flat
    shaped: Array = array.reshape(shape)
    if form == "rows":
        return shaped.reshape(-1, shape[-1])
    if form == "T":
        return shaped.T if shaped.ndim == 2 else shaped.swapaxes(-1, -2)
    return shaped


def _product(powers: Powers, sizes: Sizes) -> float:
    """Return the product of named sizes to their powers, in floats from the start: sizes may be large."""
    product = 1.0
    for name, power in powers:
        product *= float(value_of(name, sizes)) ** power
    return product
