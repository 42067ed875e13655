"""A model's predictions of the next token, for sequences that grow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from specnet.engines.execution import Bound, Executable
from specnet.engines.sharing import Shared
from specnet.engines.use import ModelUse
from specnet.engines.workers import Workers
from specnet.graph.graph import Graph
from specnet.graph.sizes import at
from specnet.graph.streaming import NEVER, POSITION
from specnet.model.generation.graphs import LOGITS, StepsGraph, steps_graph, whole_graph
from specnet.model.generation.task import Task, task_of
from specnet.model.network import Network

Array = np.ndarray[Any, Any]
Tokens = NDArray[np.int64]

CHUNK = 32
"""The number of steps of a prompt that are read at once."""

KEPT = 16
"""The number of compiled plans that are kept for later calls."""


class _Key(NamedTuple):
    """A plan: for a number of new steps, or 0 for a whole example; whether of the first call; for a number of rows."""

    new: int
    opening: bool
    rows: int


class GenerationPlans(Shared):
    """The compiled plans of a model that generates, which any number of threads may ask for."""

    def __init__(self, network: Network) -> None:
        self.network = network
        super().__init__()

    def reset(self) -> None:
        """Begin with nothing compiled."""
        super().reset()
        self._task: Task | None = None
        self._graphs: dict[tuple[int, bool], StepsGraph] = {}
        self._executables: dict[_Key, Executable] = {}
        self._workers: dict[int, Workers] = {}

    @property
    def task(self) -> Task:
        """What the model generates; raises NotGenerating."""
        if self._task is None:
            self._task = task_of(self.network)
        return self._task

    @property
    def first(self) -> StepsGraph:
        """The graph of one new step, for the first call; raises NotGenerating."""
        return self.steps(1, opening=True)

    def steps(self, new: int, *, opening: bool) -> StepsGraph:
        """Return the graph of a number of new steps."""
        with self.lock:
            if (new, opening) not in self._graphs:
                self._graphs[new, opening] = steps_graph(self.network, self.task, new, opening=opening)
            return self._graphs[new, opening]

    def of_steps(self, new: int, rows: int, *, opening: bool) -> Executable:
        """Return a plan of a number of new steps, with memory of its own."""
        return self._compiled(_Key(new, opening, rows))

    def of_whole(self, rows: int) -> Executable:
        """Return a plan of a whole example, with memory of its own."""
        return self._compiled(_Key(0, opening=True, rows=rows))

    def _compiled(self, key: _Key) -> Executable:
        with self.lock:
            executable = self._executables.pop(key, None)
            if executable is None:
                made = self.network.plan(self._graph(key), key.rows)
                workers = (
                    self._workers.setdefault(made.workers, Workers(made.workers)) if made.workers else None
                )
                executable = Executable(made, workers=workers)
            self._executables[key] = executable
            while len(self._executables) > KEPT:
                del self._executables[next(iter(self._executables))]
            return executable.twin()

    def _graph(self, key: _Key) -> Graph:
        if not key.new:
            return whole_graph(self.network, self.task)
        return self.steps(key.new, opening=key.opening).graph


class States:
    """What graphs of new steps keep from call to call, for a number of rows."""

    def __init__(self, graph: StepsGraph, rows: int, dtype: np.dtype[Any]) -> None:
        self._of_rows: dict[str, Array] = {
            name: np.zeros(at(shape, rows), of) for name, (shape, of) in graph.states.items()
        }
        self._positions = {length: np.full(length, NEVER, dtype) for _, length in graph.rings.values()}
        self._position = np.zeros(1, dtype)

    @property
    def arrays(self) -> dict[str, Array]:
        """Return the arrays that a plan is bound to."""
        positions = {f"places/{length}": array for length, array in self._positions.items()}
        return {**self._of_rows, **positions, POSITION: self._position}

    def begin(self, start: int) -> None:
        """Begin a call whose first step has this number."""
        self._position[0] = start

    def end(self, graph: StepsGraph, outputs: Mapping[str, Array], start: int) -> None:
        """Write what a call keeps of its steps into the rings."""
        for name, (axis, length) in graph.rings.items():
            numbers = np.arange(max(start, start + graph.new - length), start + graph.new)
            ring, new = (np.moveaxis(array, axis, 0) for array in (self._of_rows[name], outputs[name]))
            ring[numbers % length] = new[-len(numbers) :]
            self._positions[length][numbers % length] = numbers

    def select(self, rows: Tokens) -> None:
        """Continue with some of the rows instead of all."""
        for state in self._of_rows.values():
            state[...] = state[rows]


class Stream:
    """Sequences that grow together, one a row, and what the model predicts after them.

    Up to the number of steps of an example, the model keeps states of the steps that it has seen, and reads new ones
    only. Beyond, it does the same if its layers know no positions, or only distances. Otherwise, and if it predicts
    from a fixed number of tokens, it reads that many of the last tokens again for each further token.
    """

    def __init__(
        self,
        plans: GenerationPlans,
        arrays: Mapping[str, Array],
        use: ModelUse,
        rows: int,
        others: Mapping[str, Array] | None = None,
        filling: int | None = None,
    ) -> None:
        self.task = plans.task
        self._plans, self._use, self.rows = plans, use, rows
        self._arrays = {**arrays, **(others or {})}
        """What is the same in all calls: the parameters, and the other inputs."""
        self._filling = filling
        self.length = 0
        """The number of tokens so far."""
        self._last: Tokens = np.empty((rows, 0), np.int64)
        """The last of them, at most as many as an example has."""
        self._first = plans.first if self.task.each else None
        dtype = np.dtype(plans.network.spec.dtype)
        self._states = None if self._first is None else States(self._first, rows, dtype)
        self._bound: dict[tuple[int, bool], tuple[Bound, Array, StepsGraph | None]] = {}

    @property
    def bounded(self) -> bool:
        """Whether it reads the last tokens again once there are more of them than an example has."""
        return self._first is None or self._first.bounded is not None

    def feed(self, tokens: Tokens) -> Array:
        """Append tokens (rows, new) to the sequences, and return the logits (rows, tokens) of what comes next.

        Raises ModelInUseError while another thread trains the model.
        """
        assert tokens.shape[0] == self.rows
        assert tokens.shape[1]
        start, more = self.length, tokens.shape[1]
        self.length += more
        self._last = np.concatenate([self._last, tokens], axis=1)[:, -self.task.steps :]
        with self._use.reading(), np.errstate(all="ignore"):
            if self._first is None or (self.bounded and self.length > self.task.steps):
                return self._read_again()
            done, logits = 0, None
            while done < more:
                new = CHUNK if more - done >= CHUNK else 1
                logits = self._step(tokens[:, done : done + new], start + done)
                done += new
        assert logits is not None
        return logits

    def select(self, rows: Tokens) -> None:
        """Continue with some of the rows instead of all: row i becomes what row rows[i] is."""
        self._last = self._last[rows]
        if self._states is not None:
            self._states.select(rows)

    def _step(self, tokens: Tokens, start: int) -> Array:
        """Read tokens (rows, new) that follow the first `start` ones."""
        assert self._states is not None
        opening = not start or not self.task.others
        bound, inputs, steps = self._ready(tokens.shape[1], opening=opening)
        assert steps is not None
        inputs[...] = tokens
        self._states.begin(start)
        bound.step()
        self._states.end(steps, bound.arrays, start)
        return bound.arrays[LOGITS].copy()

    def _read_again(self) -> Array:
        """Return what comes after the last tokens, of which as many are read as an example has."""
        bound, inputs, _ = self._ready(0, opening=True)
        missing = self.task.steps - self._last.shape[1]
        if missing:
            assert self._filling is not None, "a prompt has enough tokens"
            inputs[:, :missing] = self._filling
        inputs[:, missing:] = self._last
        bound.step()
        return bound.arrays[LOGITS].copy()

    def _ready(self, new: int, *, opening: bool) -> tuple[Bound, Array, StepsGraph | None]:
        key = new, opening
        if key not in self._bound:
            plans, rows = self._plans, self.rows
            steps = plans.steps(new, opening=opening) if new else None
            executable = plans.of_steps(new, rows, opening=opening) if new else plans.of_whole(rows)
            inputs: Tokens = np.zeros((rows, new or self.task.steps), np.int64)
            states = {} if self._states is None else self._states.arrays
            leaves = {**self._arrays, **states, self.task.array.name: inputs}
            self._bound[key] = executable.bind(rows, leaves), inputs, steps
        return self._bound[key]
