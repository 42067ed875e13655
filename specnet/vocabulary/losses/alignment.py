"""The probability that a network's steps spell a sequence, over all ways of aligning the two."""

from __future__ import annotations

from collections.abc import Sequence

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.leaves import constant
from specnet.graph.sizes import static

NEVER = -1e30
"""The logarithm of a probability of 0: finite, so that differences are numbers, and far below any other."""


def alignment_costs(
    logp: Value, labels: Value, there: Value, blank: int, exists: Value | None = None
) -> tuple[Value, Value]:
    """Return -log of the probability of each row's labels, and whether they fit into its steps: (batch,) each.

    `logp` (batch, steps, classes) are logarithms of probabilities, `labels` (batch, length) class indices, of which
    those exist where `there` is 1 and not 0, and `exists` (batch, steps) is 1 for steps that do. A step that is not a
    label is the blank, and a label may take several steps (Graves et al., 2006). The states are the labels with a
    blank before, between and after them; the loop goes over the steps and adds up the ways that lead to each.
    """
    batch, steps, classes = logp.shape
    length = static(labels.shape[1])
    size = 2 * length + 1
    dtype = logp.dtype
    own = ops.cast(labels, to=dtype) * there + float(blank) * (1.0 - there)
    spread = ops.expand(constant(logp.graph, float(blank)), shape=(batch, length))
    states = _between(spread, own)
    shown = ops.one_hot(ops.cast(states, to="int64"), classes=static(classes))
    emitted = ops.transpose(ops.MATMUL(logp, shown, b_t=True), axes=(1, 0, 2))
    # A label may follow the one before it without a blank, unless it is the same.
    before = ops.pad(ops.crop(own, margins=((0, 0), (0, 1))), margins=((0, 0), (1, 0)))
    repeated = ops.where(ops.equal(own, before), NEVER, 0.0)
    leap = _between(ops.expand(constant(logp.graph, NEVER), shape=(batch, length)), repeated)
    first, second = (ops.fixed(logp.graph, [NEVER] * n + [0.0] * (size - n)) for n in (1, 2))
    start = ops.fixed(logp.graph, [0.0] + [NEVER] * (size - 1))
    begin = ops.expand(start, shape=(batch, size))

    def step(now: Sequence[Value], given: Sequence[Value]) -> tuple[list[Value], list[Value]]:
        (reached,), emission = now, given[0]
        ways = [reached, _moved(reached, 1) + first, _moved(reached, 2) + second + leap]
        after = _log_sum(ways) + emission
        return [after if exists is None else ops.where(given[1], after, reached)], []

    slices = [emitted]
    if exists is not None:
        shape = (steps, batch, 1)
        slices.append(ops.greater(ops.reshape(ops.transpose(exists, axes=(1, 0)), shape=shape), 0.0))
    (reached,), _ = ops.scan(step, [begin], slices, length=steps)
    # The last label, or the blank after it: states 2n - 1 and 2n of n labels.
    count = ops.reshape(ops.reduce_sum(there, axes=(1,)), shape=(batch, 1)) * 2.0
    behind = count - ops.fixed(logp.graph, range(size))
    ending = ops.where(ops.equal(behind, 0.0), 0.0, ops.where(ops.equal(behind, 1.0), 0.0, NEVER))
    total = reached + ending
    top = ops.reduce_max(total, axis=1)
    cost = ops.reshape(-(top + ops.log(ops.sum_last(ops.exp(total - top)))), shape=(batch,))
    return cost, ops.less(cost, -NEVER / 2.0)


def _between(blanks: Value, labels: Value) -> Value:
    """Return a blank before each label, and one at the end: (batch, length) to (batch, 2 * length + 1)."""
    batch, length = labels.shape
    pairs = ops.concat(*(ops.reshape(each, shape=(batch, length, 1)) for each in (blanks, labels)), axis=2)
    last = ops.crop(blanks, margins=((0, 0), (static(length) - 1, 0)))
    return ops.concat(ops.reshape(pairs, shape=(batch, 2 * static(length))), last, axis=1)


def _moved(x: Value, by: int) -> Value:
    """Return what is in the state so many places before, and 0 where there is none."""
    return ops.pad(ops.crop(x, margins=((0, 0), (0, by))), margins=((0, 0), (by, 0)))


def _log_sum(ways: Sequence[Value]) -> Value:
    """Return the logarithm of the sum of exp(ways)."""
    top = ways[0]
    for way in ways[1:]:
        top = ops.maximum(top, way)
    total = ops.exp(ways[0] - top)
    for way in ways[1:]:
        total = total + ops.exp(way - top)
    return top + ops.log(total)
