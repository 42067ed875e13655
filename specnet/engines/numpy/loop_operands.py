"""What the statements of a loop's body call what they read and write."""

from __future__ import annotations

from specnet.engines.operands import BodyOperands, Operands
from specnet.graph.graph import Node, Value
from specnet.graph.leaves import ARGUMENT
from specnet.graph.ops.scan import SCAN
from specnet.graph.sizes import Count, Shape
from specnet.passes.aliases import Start, root, start_in_root, unreshaped
from specnet.passes.allocations import LoopAllocations


class LoopOperands(BodyOperands):
    """Names within a loop's body: of arrays that stay the same, and of those that lie elsewhere at each step."""

    def __init__(self, around: Operands, node: Node, made: LoopAllocations, number: int) -> None:
        super().__init__(made.body, around.tables)
        self.around, self.node, self.made, self.loop = around, node, made, SCAN.of(node)
        self.prefix = f"{number}x"
        self.positions = {value.index: n for n, value in enumerate(self.loop.body.arguments)}
        self.slices: dict[str, str] = {}
        self.turns: dict[str, tuple[str, str]] = {}
        self.ahead: dict[str, tuple[str, str]] = {}
        self.before: dict[str, tuple[str, str]] = {}

    def scalar(self, value: Value) -> str:
        """Return the Python expression of a scalar; what the body is given is called as it is around it."""
        if value.op is ARGUMENT:
            return self.around.scalar(self._given(value))
        return super().scalar(value)

    def whole(self, name: str, made: Value, shape: Shape, form: str = "", start: Start = ()) -> str:
        """Return the name of an array, in a shape and a form; where it lies elsewhere at each step, a step's name."""
        made, start = self.joined(made, start)
        position = self.positions.get(made.index)
        if position is not None and position >= self.loop.states + self.loop.arrays:
            given = self._given(made)
            return self.around.whole(name, root(given), shape, form, (*start_in_root(given), *start))
        found = self._of_step(made, position)
        if found is None:
            return super().whole(name, made, shape, form, start)
        step, laid = found
        return self.formed(step, laid, name, shape, form, start)

    def result(self, number: int) -> str:
        """Return the name of what a step returns, where it must be at the end of the step."""
        value = self.loop.body.returns[number]
        if number in self.made.over:
            return self._result(number)
        at_home = self.made.slots.get(value.index) == number
        name = f"v{self.tag(value)}" if at_home else f"r{self.prefix}{number}"
        if number >= self.loop.states:
            self.slices[name] = self._result(number)
        elif number in self.made.ahead:
            self.ahead[name] = (self._result(self.made.ahead[number]), self._result(number))
        else:
            place = self.made.turns.get(number)
            if place is None:
                # The new state is one of the outputs, and is found there.
                return self.result(self.made.slots[unreshaped(value).index])
            turn = self.view(f"{name}_turn", place, value.shape, value.dtype)
            self.turns[name] = (turn, self._result(number))
        return name

    def first(self, number: int, state: Value) -> str:
        """Return the name around the loop of an output's slice of the step that comes first."""
        result = self.node.results[number]
        start = (result.count, state.count * Count(-1)) if self.loop.reverse else ()
        return self.around.whole(f"first_{self.prefix}{number}", result, state.shape, start=start)

    def _of_step(self, made: Value, position: int | None) -> tuple[str, Shape] | None:
        """Return the name and the shape of an array that does not lie in the scratch of a step, else None."""
        returns = self.loop.body.returns
        if position is None:
            over = next((n for n in self.made.over if unreshaped(returns[n]) is made), None)
            number = self.made.slots.get(made.index) if over is None else over
            return None if number is None else (self.result(number), returns[number].shape)
        if position in self.made.over:
            return self._result(position), made.shape
        name = f"v{self.tag(made)}"
        if position >= self.loop.states:
            self.slices[name] = self.around.array(self._given(made))
        elif name not in self.before:
            self.before[name] = (self.around.array(self._given(made)), self.result(position))
        return name, made.shape

    def _given(self, argument: Value) -> Value:
        return self.node.inputs[self.positions[argument.index]]

    def _result(self, number: int) -> str:
        """Return the name around the loop of one of its results."""
        return self.around.array(self.node.results[number])
