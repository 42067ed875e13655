"""How long messages between processes take, by a model of the network between them.

A message takes a latency, alpha, and a time for each byte, beta (Hockney, 1994). Collectives are those that MPI
libraries choose (Thakur, Rabenseifner and Gropp, 2005): a sum of n bytes over P processes takes
log2(P) * (alpha + n * beta) by recursive doubling, or 2 * log2(P) * alpha + 2 * n * (P - 1) / P * beta as a
scattered sum that is gathered, whichever is faster; gathering n bytes takes log2(P) * alpha + n * (P - 1) / P * beta.
Portions of a vector are passed on pair by pair, which takes (P - 1) * alpha + n * (P - 1) / P * beta.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2

from specnet.graph import ops


@dataclass(frozen=True, slots=True)
class Link:
    """What connects processes."""

    name: str
    latency: float
    """Seconds that a message takes, however short it is."""
    bandwidth: float
    """Bytes per second."""


LINKS = (
    Link("one machine, 5 GB/s", 2e-6, 5e9),
    Link("InfiniBand, 100 Gbit/s", 2e-6, 12e9),
    Link("Ethernet, 10 Gbit/s", 30e-6, 1.1e9),
    Link("Ethernet, 1 Gbit/s", 50e-6, 0.11e9),
)
"""Typical numbers; the first ones were measured with MPICH on one machine."""

SUMS = (ops.all_reduce.name, ops.add_portions.name)
PORTIONS = (ops.reduce_scatter.name, ops.join_portions.name)
MESSAGES = (*SUMS, *PORTIONS, ops.all_gather.name)
"""The names of the ops that send something."""

UPDATING = 15e9
"""Bytes per second that one thread reads and writes in an update of vectors that no cache holds, as measured."""


def sent(op: str, size: int, ranks: int) -> int:
    """Return the bytes that each process sends for a long collective of `size` bytes."""
    times = 2 if op in SUMS else 1
    return times * size * (ranks - 1) // ranks


def seconds(op: str, size: int, ranks: int, link: Link) -> float:
    """Return how long a collective of `size` bytes takes: those of the whole vector, or of all rows."""
    rounds, share = ceil(log2(ranks)), (ranks - 1) / ranks
    if op in PORTIONS:
        return (ranks - 1) * link.latency + share * size / link.bandwidth
    if op == ops.all_gather.name:
        return rounds * link.latency + share * size / link.bandwidth
    return min(
        rounds * (link.latency + size / link.bandwidth),
        2 * rounds * link.latency + 2 * share * size / link.bandwidth,
    )


def sharing_pays(size: int, slots: int, item: int, ranks: int) -> bool:
    """Return whether processes save time, whichever link connects them, if each updates its portion of the parameters.

    `size` is the number of parameters, `slots` how many arrays of that size the optimizer keeps, and `item` the bytes
    of an element. An update reads gradient, parameters and slots, and writes the latter two.
    """
    whole = size * item
    saved = (1 - 1 / ranks) * (3 + 2 * slots) * whole / UPDATING

    def lost(link: Link) -> float:
        return sum(seconds(op, whole, ranks, link) for op in PORTIONS) - seconds(
            ops.all_reduce.name, whole, ranks, link
        )

    return max(map(lost, LINKS)) < saved
