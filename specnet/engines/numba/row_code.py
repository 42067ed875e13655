"""The code of passes over rows of images, channel by channel, which depthwise convolutions are made of.

A pass goes over some rows of an image with up to three by three taps. It reads each number of a row once: what that is
a part of stays in registers, as do the taps, while the pass goes along the row. A convolution sends each place on to as
many sums as there are taps side by side, of which one is complete then:

    y[r][j] = start[r][j] + the sum over p and t of x[r * X_ROW + p * X_LINE + (j + t - LEAD) * X_COLUMN] * w[p][t]

A correlation adds to the taps what these products are with y in the kernel's place:

    w[p][t] += the sum over r and j of x[r * X_ROW + p * X_LINE + (j + t - LEAD) * X_COLUMN] * y[r][j]

Only the first COUNT places of a row of x are read. What lies before and behind them does not count.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from specnet.engines.numba.vector_code import VectorCode, constant, function_of

MOST_TAPS = 3
"""Taps of a pass side by side, and one below the other."""

(
    STRIPS,  # of rows, of which all channels are done before the next one: each is one row if there are several
    ROWS,  # of a strip
    COUNT,  # places of x along a row
    PLACES,  # of y along a row
    LEAD,  # the place of y whose first tap sees the first place of x
    X_ROW,  # bytes from what a row of y sees to what the next one sees
    X_LINE,  # from what a tap sees to what the tap below it sees
    X_COLUMN,
    Y_ROW,
    Y_COLUMN,
    W_LINE,
    W_COLUMN,
    START_ROW,  # of what sums begin with
    START_COLUMN,
    PASS,  # how many integers these are
) = range(15)


def row_function(
    module: Any, item: int, width: int, taps: tuple[int, int], *, correlates: bool, masked: bool
) -> Any:
    """Return the function for passes with so many taps; it may be `masked`, for a last vector that is not full.

    Its arguments are how many vectors of channels there are and how many channels, and addresses: of the table of the
    pass, and of the first place of x, w, y and what sums start with.
    """
    kind = _Correlation if correlates else _Convolution
    name = f"specnet_{kind.name}_{8 * item}_{width}_{taps[0]}_{taps[1]}_{masked:d}"
    return function_of(module, name, 7, lambda made: kind(made, item, width, taps, masked=masked).write())


class _RowCode(VectorCode):
    """Writes the function for passes with so many taps."""

    name: ClassVar[str]

    def __init__(self, function: Any, item: int, width: int, taps: tuple[int, int], *, masked: bool) -> None:
        super().__init__(function, item, width)
        self.lines, self.columns = taps
        self.masked, self.mask = masked, None
        table = function.args[2]
        self.numbers = [self.entry(table, place) for place in range(PASS)]

    def write(self) -> None:
        """Write it."""
        vectors, channels, _, *places = self.function.args
        x, w, y, start = map(self.address, places)
        step = constant(self.lanes * self.item)

        def strip(states: list[Any]) -> list[Any]:
            x, y, start = states
            self.loop(vectors, [channels, x, w, y, start], vector)
            return [self._next(x, X_ROW), self._next(y, Y_ROW), self._next(start, START_ROW)]

        def vector(states: list[Any]) -> list[Any]:
            left, *addresses = states
            self.mask = self.mask_of(left) if self.masked else None
            self._vector(*addresses)
            fewer = self.builder.sub(left, constant(self.lanes))
            return [fewer, *(self.builder.gep(address, [step]) for address in addresses)]

        self.loop(self.numbers[STRIPS], [x, y, start], strip)
        self.builder.ret_void()

    @abstractmethod
    def _vector(self, x: Any, w: Any, y: Any, start: Any) -> None:
        """Write what is done for a vector of channels."""

    def _seen(self, x: Any) -> list[Any]:
        """Return what the taps in a column see."""
        lines = [self._at(x, X_LINE, line) for line in range(self.lines)]
        # What the last taps of the next row see was not read yet.
        for line in lines[-2:]:
            self.prefetch(self._next(line, X_ROW), writes=False)
        return [self.read(line, self.mask) for line in lines]

    def _taps(self, w: Any) -> list[Any]:
        """Return the addresses of the taps, line by line."""
        lines = [self._at(w, W_LINE, line) for line in range(self.lines)]
        return [self._at(line, W_COLUMN, column) for line in lines for column in range(self.columns)]

    def _at(self, address: Any, step: int, count: int) -> Any:
        """Return an address so many steps further."""
        return self.builder.gep(address, [self.builder.mul(self.numbers[step], constant(count))])

    def _next(self, address: Any, step: int) -> Any:
        return self.builder.gep(address, [self.numbers[step]])

    def _is_place(self, j: Any) -> Any:
        """Return whether there is a place j of y in a row."""
        return self.builder.icmp_unsigned("<", j, self.numbers[PLACES])

    def _place(self, row: Any, address: Any, j: Any) -> Any:
        """Return the vector of place j of a row, or any if there is none."""
        return self.read(self.builder.select(self._is_place(j), address, row), self.mask)

    def _before(self, row: Any, step: int) -> list[Any]:
        """Return the vectors of the places before LEAD, the nearest one first."""
        found = []
        for back in range(1, self.columns):
            j = self.builder.sub(self.numbers[LEAD], constant(back))
            found.append(self._place(row, self._of(row, step, j), j))
        return found

    def _of(self, row: Any, step: int, j: Any) -> Any:
        """Return the address of place j of a row."""
        return self.builder.gep(row, [self.builder.mul(j, self.numbers[step])])


class _Convolution(_RowCode):
    name = "convolve_rows"

    def _vector(self, x: Any, w: Any, y: Any, start: Any) -> None:
        builder, last, lead = self.builder, self.columns - 1, self.numbers[LEAD]
        weights = [self.read(tap, self.mask) for tap in self._taps(w)]

        def row(states: list[Any]) -> list[Any]:
            x, y, start = states
            # The place that is complete with the first one that is read.
            complete = builder.sub(lead, constant(last))
            begin = [x, self._of(y, Y_COLUMN, complete), self._of(start, START_COLUMN, lead), lead]
            before = self._before(start, START_COLUMN)
            _, made_at, _, j, *sums = self.loop(
                self.numbers[COUNT], [*begin, *before], lambda states: column(start, states)
            )
            for left, number in zip(range(last, 0, -1), reversed(sums), strict=True):
                self._write_place(number, made_at, builder.sub(j, constant(left)))
                made_at = self._next(made_at, Y_COLUMN)
            return [self._next(x, X_ROW), self._next(y, Y_ROW), self._next(start, START_ROW)]

        def column(row: Any, states: list[Any]) -> list[Any]:
            seen_at, made_at, start_at, j, *sums = states
            sums = [self._place(row, start_at, j), *sums]
            self.prefetch(self._next(made_at, Y_ROW), writes=True)
            for line, seen in enumerate(self._seen(seen_at)):
                taps = weights[line * self.columns : (line + 1) * self.columns]
                sums = [self.plus(seen, tap, number) for tap, number in zip(taps, sums, strict=True)]
            self._write_place(sums.pop(), made_at, builder.sub(j, constant(last)))
            steps = (seen_at, X_COLUMN), (made_at, Y_COLUMN), (start_at, START_COLUMN)
            return [*(self._next(*each) for each in steps), builder.add(j, constant(1)), *sums]

        self.loop(self.numbers[ROWS], [x, y, start], row)

    def _write_place(self, vector: Any, address: Any, j: Any) -> None:
        with self.builder.if_then(self._is_place(j), likely=True):
            self.put(vector, address, self.mask)


class _Correlation(_RowCode):
    name = "correlate_rows"

    def _vector(self, x: Any, w: Any, y: Any, start: Any) -> None:
        builder, before, taps = self.builder, self.columns - 1, self._taps(w)

        def row(states: list[Any]) -> list[Any]:
            x, y, *sums = states
            begin = [x, self._of(y, Y_COLUMN, self.numbers[LEAD]), self.numbers[LEAD]]
            start = [*begin, *self._before(y, Y_COLUMN), *sums]
            _, _, _, *rest = self.loop(self.numbers[COUNT], start, lambda states: column(y, states))
            return [self._next(x, X_ROW), self._next(y, Y_ROW), *rest[before:]]

        def column(row: Any, states: list[Any]) -> list[Any]:
            seen_at, sent_at, j, *rest = states
            sent, sums = [self._place(row, sent_at, j), *rest[:before]], rest[before:]
            self.prefetch(self._next(sent_at, Y_ROW), writes=False)
            sums = self._added(self._seen(seen_at), sent, sums, j)
            steps = (seen_at, X_COLUMN), (sent_at, Y_COLUMN)
            return [
                *(self._next(*each) for each in steps),
                builder.add(j, constant(1)),
                *sent[:before],
                *sums,
            ]

        start = [x, y, *[self.zeros] * len(taps)]
        _, _, *sums = self.loop(self.numbers[ROWS], start, row)
        for tap, number in zip(taps, sums, strict=True):
            self.put(builder.fadd(self.read(tap, self.mask), number), tap, self.mask)

    def _added(self, seen: list[Any], sent: list[Any], sums: list[Any], j: Any) -> list[Any]:
        """Return the sums with the products of the places from j back; of the first and last ones, some are none."""
        builder = self.builder
        first = builder.sub(j, constant(self.columns - 1))
        inside = builder.and_(
            builder.icmp_signed(">=", first, constant(0)),
            builder.icmp_signed("<", j, self.numbers[PLACES]),
        )
        blocks = whole, partly, after = [self.new(name) for name in ("whole", "partly", "joined")]
        builder.cbranch(inside, whole, partly)
        ways: list[tuple[Any, Sequence[Any]]] = []
        for block in blocks[:2]:
            builder.position_at_end(block)
            new = []
            for number, total in enumerate(sums):
                line, column = divmod(number, self.columns)
                more = self.plus(seen[line], sent[column], total)
                if block is partly:
                    there = self._is_place(builder.sub(j, constant(column)))
                    more = builder.select(there, more, total)
                new.append(more)
            builder.branch(after)
            ways.append((block, new))
        builder.position_at_end(after)
        return self.joined(ways)
