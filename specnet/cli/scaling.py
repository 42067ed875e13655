"""What several processes send, hold and gain, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from specnet.cli.tables import TextTable, section
from specnet.cli.terminal import line
from specnet.diagnostics.text import counted, sized

if TYPE_CHECKING:
    from specnet.analysis.scaling import Message, ScalingEstimate
    from specnet.passes.links import Link


HOW = {
    "measured": "measured",
    "predicted": "predicted by what this machine was measured to take",
    "estimated": "estimated from FLOPs and bytes (--profile measures it)",
}
"""Where the time of a step comes from."""


def show_scaling(console: Console, found: ScalingEstimate) -> None:
    """Print what processes that train together send in a step, and how much faster they are than one."""
    from specnet.passes.links import LINKS

    section(
        console, f"{found.ranks:,} processes, each with up to {counted(found.rows, 'row')} of {found.batch:,}"
    )
    _messages(found).show(console)
    each = f"each process sends about {sized(found.sent)} per step, and holds {sized(sum(found.memory.values()))}"
    line(console, f" {each}")
    if found.together:
        line(console, f" processes on one machine hold {sized(found.together)} of that together: the rows")
    how = HOW[found.source]
    part = found.shared / found.alone if found.alone else 0.0
    section(console, f"a step of one process: {_milli(found.alone)}, {how}; {part:.0%} of it is shared")
    table = TextTable(["network", "latency", "messages", "step", "faster", "efficiency"], "<>>>>>")
    table.rows += [_row(found, link) for link in LINKS]
    table.show(console)
    line(
        console,
        f" apart from latency, messages take a tenth of a step at {found.bandwidth * 8e-9:.2g} Gbit/s",
    )


def _messages(found: ScalingEstimate) -> TextTable:
    """Return a row for each kind of message of a step."""
    from specnet.graph.sizes import show

    counts: dict[Message, int] = {}
    for message in found.messages:
        counts[message] = counts.get(message, 0) + 1
    table = TextTable(["message", "phase", "of", "bytes", "per step"], "<<<>>")
    for message, count in counts.items():
        of = show(message.shape) if message.shape else "number"
        if message is found.messages[-1]:
            of = "time and whether to stop"
        table.rows.append([message.op, message.phase, of, sized(message.size), str(count)])
    return table


def _row(found: ScalingEstimate, link: Link) -> list[str]:
    messages = found.messaging(link)
    return [
        link.name,
        f"{link.latency * 1e6:.0f} us",
        _milli(messages),
        _milli(found.computing + messages),
        f"{found.speedup(link):.2f}x",
        f"{found.efficiency(link):.0%}",
    ]


def _milli(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} us" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"
