"""What it takes for several processes to train together, by the model of the network in `passes/links.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from specnet.analysis.explanation import OF_DATA, Explanation
from specnet.graph.graph import Node
from specnet.graph.ops import reduce_scatter
from specnet.graph.sizes import ITEM_BYTES, Count, Shape
from specnet.model.plans import plan_training
from specnet.model.training_memory import memory, shared_memory
from specnet.passes.links import LINKS, MESSAGES, Link, seconds, sent
from specnet.passes.plan import Plan, Step

if TYPE_CHECKING:
    from specnet.analysis.cost_model import CostModel
    from specnet.analysis.profiling import Times

Source = Literal["measured", "predicted", "estimated"]

AGREEMENT = 16
"""Bytes by which processes agree after a step on the time, and on whether to go on."""

HIDDEN = 0.1
"""The share of a step that messages are said to take more than in a slow network."""

FLOPS, BYTES = 20e9, 10e9
"""Operations, and bytes of results, that a process is taken to compute in a second where nothing was measured."""


@dataclass(frozen=True, slots=True)
class Message:
    """A collective of a step."""

    op: str
    """`all_reduce`, say, or `reduce_scatter`."""
    phase: str
    shape: Shape
    size: int
    """Bytes of the whole that processes make up."""

    def sent(self, ranks: int) -> int:
        """Return the bytes that each process sends, where the message is long."""
        return sent(self.op, self.size, ranks)

    def seconds(self, ranks: int, link: Link) -> float:
        """Return how long it takes."""
        return seconds(self.op, self.size, ranks, link)


@dataclass(frozen=True, slots=True)
class ScalingEstimate:
    """What several processes send, hold and gain."""

    ranks: int
    batch: int
    """Rows of a whole batch."""
    rows: int
    """The most rows of a process."""
    messages: tuple[Message, ...]
    memory: dict[str, int]
    """Bytes that a process holds, by what they are for."""
    together: int
    """How many of these, those of rows, processes on one machine hold together."""
    alone: float
    """Seconds of a step of one process."""
    shared: float
    """Seconds of that which processes share."""
    computing: float
    """Seconds that a process computes in a step; the one with the most rows takes the longest."""
    source: Source
    """Where these come from."""

    @property
    def sent(self) -> int:
        """Bytes that each process sends in a step."""
        return sum(message.sent(self.ranks) for message in self.messages)

    @property
    def bandwidth(self) -> float:
        """Bytes per second below which a step's messages take more than a tenth of what it computes.

        So much is there to be gained at most where messages travel while the backward pass is computed.
        """
        return self.sent / (HIDDEN * self.computing) if self.computing else 0.0

    def messaging(self, link: Link) -> float:
        """Return the seconds of a step's messages."""
        return sum(message.seconds(self.ranks, link) for message in self.messages)

    def speedup(self, link: Link) -> float:
        """Return how much faster a step is than by one process."""
        return self.alone / (self.computing + self.messaging(link))

    def efficiency(self, link: Link) -> float:
        """Return the speedup as a share of the number of processes."""
        return self.speedup(link) / self.ranks

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        return {
            "ranks": self.ranks,
            "batch": self.batch,
            "rows": self.rows,
            "messages": [
                {"op": m.op, "phase": m.phase, "output": [str(dim) for dim in m.shape], "bytes": m.size}
                for m in self.messages
            ],
            "sent": self.sent,
            "bandwidth": self.bandwidth,
            "memory": {**self.memory, "total": sum(self.memory.values()), "together": self.together},
            "step": {
                "seconds": self.alone,
                "shared": self.shared,
                "each": self.computing,
                "source": self.source,
            },
            "links": [
                {
                    "name": link.name,
                    "latency": link.latency,
                    "bandwidth": link.bandwidth,
                    "messages": self.messaging(link),
                    "seconds": self.computing + self.messaging(link),
                    "speedup": self.speedup(link),
                    "efficiency": self.efficiency(link),
                }
                for link in LINKS
            ],
        }


def scaling(
    explanation: Explanation, ranks: int, times: Times | None = None, costs: CostModel | None = None
) -> ScalingEstimate:
    """Return what so many processes take for a step, given what one executes.

    `times` are those measured of its step; without them, `costs` predict times of both plans, and without these, they
    are estimated from operations and bytes. Where several batches share a step, times are those of one of them, and
    messages those of the last.
    """
    network, alone = explanation.network, explanation.plans
    rows = network.signature.rows
    plans = plan_training(network, rows, units=False, batches=alone.batches, ranks=ranks)
    steps = alone.step.steps
    rows_of_each, batch = plans.own(plans.step.batch), plans.step.batch
    parts = _parts(alone.step, costs) if times is None else times.steps
    total = sum(parts)
    whole = total if times is None else times.whole
    scale = whole / total if total else 1.0
    by_rows = scale * sum(part for step, part in zip(steps, parts, strict=True) if _is_by_rows(step))
    updating = scale * sum(part for step, part in zip(steps, parts, strict=True) if step.phase == "update")
    shared = by_rows if plans.portion is None else by_rows + updating
    each = whole - shared + by_rows * rows_of_each / batch
    if plans.portion is not None:
        each += updating / ranks
    if times is None and costs is not None:
        each = sum(_parts(plans.step, costs))
    return ScalingEstimate(
        ranks,
        batch,
        rows_of_each,
        (
            *_messages(plans.step),
            *(() if plans.update is None else _messages(plans.update)),
            Message("all_reduce", "update", (), AGREEMENT),
        ),
        {
            name: size
            for name, size in memory(network, plans, rows).items()
            if explanation.data or name not in OF_DATA
        },
        shared_memory(network, rows) if explanation.data else 0,
        whole,
        shared,
        each,
        "measured" if times is not None else "estimated" if costs is None else "predicted",
    )


def _messages(plan: Plan) -> tuple[Message, ...]:
    return tuple(_message(node, plan) for node in plan.graph if node.op.name in MESSAGES)


def _message(node: Node, plan: Plan) -> Message:
    whole = node.inputs[0] if node.op is reduce_scatter else node.value
    return Message(node.op.name, node.phase, whole.shape, _bytes(whole.count, whole.dtype, plan))


def _bytes(count: Count, dtype: Any, plan: Plan) -> int:
    # A number is sent as one of Python's.
    return count.at(plan.sizes) * (ITEM_BYTES[dtype] if count != Count(1) else 8)


def _is_by_rows(step: Step) -> bool:
    """Whether each process does its rows' part of a step: not of the update of parameters, nor of normal noise."""
    return step.phase != "update" and step.op != "normal_noise"


def _parts(plan: Plan, costs: CostModel | None) -> list[float]:
    """Return the seconds of each step of a plan, without messages."""
    if costs is None:
        return [_estimated(step, plan) for step in plan.steps]
    found = costs.steps(plan)
    return [0.0 if step.op in MESSAGES else found.get(number, 0.0) for number, step in enumerate(plan.steps)]


def _estimated(step: Step, plan: Plan) -> float:
    if step.prologue:
        return 0.0
    return max(step.flops.at(plan.sizes) / FLOPS, step.size * step.times.at(plan.sizes) / BYTES)
