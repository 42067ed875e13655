"""What the statements of a body call what they read and write that each worker runs on its rows."""

from __future__ import annotations

from dataclasses import replace

from specnet.engines.operands import BodyOperands, Operands
from specnet.graph.graph import Node, Value
from specnet.graph.leaves import ARGUMENT, scalar_of
from specnet.graph.ops.shard import SHARD
from specnet.graph.sizes import Shape
from specnet.passes.aliases import Start, root, start_in_root
from specnet.passes.allocations import ShardAllocations


class ShardOperands(BodyOperands):
    """Names within a body that each worker runs: what all read is called as it is around the body.

    Constants, functions and streams are those of the whole plan; views, and what is prepared for a number of rows, are
    each worker's own.
    """

    def __init__(self, around: Operands, node: Node, made: ShardAllocations, number: int) -> None:
        super().__init__(made.body, replace(around.tables, views={}, prepared={}))
        self.around, self.node, self.made, self.shard = around, node, made, SHARD.of(node)
        self.prefix = f"{number}x"
        self.positions = {value.index: n for n, value in enumerate(self.shard.body.arguments)}
        self.rows: dict[str, str] = {}
        self.numbers: dict[str, None] = {}
        """The scalars that the body is given, in order."""

    def scalar(self, value: Value) -> str:
        """Return the Python expression of a scalar."""
        if value.op is not ARGUMENT:
            return super().scalar(value)
        given = self._given(value)
        expression = self.around.scalar(given)
        if scalar_of(given) is None:
            self.numbers[expression] = None
        return expression

    def whole(self, name: str, made: Value, shape: Shape, form: str = "", start: Start = ()) -> str:
        """Return the name of an array, in a shape and a form."""
        made, start = self.joined(made, start)
        position = self.positions.get(made.index)
        if position is not None and position >= self.shard.arrays:
            given = self._given(made)
            return self.around.whole(name, root(given), shape, form, (*start_in_root(given), *start))
        if position is not None:
            rows, laid = self._rows(f"a{self.prefix}{position}", self._given(made)), made.shape
        elif made.index in self.made.slots:
            number = self.made.slots[made.index]
            rows, laid = self.result(number), self.shard.body.returns[number].shape
        else:
            return super().whole(name, made, shape, form, start)
        return self.formed(rows, laid, name, shape, form, start)

    def result(self, number: int) -> str:
        """Return the name of a worker's rows of a result."""
        return self._rows(f"r{self.prefix}{number}", self.node.results[number])

    def _rows(self, name: str, value: Value) -> str:
        self.rows[name] = self.around.array(value)
        return name

    def _given(self, value: Value) -> Value:
        return self.node.inputs[self.positions[value.index]]
