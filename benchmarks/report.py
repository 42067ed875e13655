"""What was measured, as a table, as data and as a chart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from textwrap import fill
from typing import Any

from benchmarks.case import PROCESSES, Case, Peer

Figures = dict[str, list[float]]
"""The seconds of each peer, round by round."""


@dataclass(frozen=True)
class Row:
    """How an engine compares with a peer: by medians over the rounds, and by the least times."""

    case: str
    work: str
    engine: str
    peer: str
    ratio: float | None
    of_minima: float | None
    wanted: float | None
    longer: bool
    seconds: float
    unit: str
    note: str

    @property
    def rate(self) -> float | None:
        """The engine's rate over the peer's."""
        return self.ratio if self.ratio is None or not self.longer else 1 / self.ratio

    @property
    def wanted_rate(self) -> float | None:
        """The rate that is wanted."""
        return self.wanted if self.wanted is None or not self.longer else 1 / self.wanted


def rows(case: Case, figures: Figures) -> Iterator[Row]:
    """Yield the rows of a case: for each engine, one for each peer."""
    for engine in (name for name in case.engines if name in figures):
        for peer in [peer for peer in case.peers if peer.is_installed] or [None]:
            yield _row(case, engine, peer, figures)


def _row(case: Case, engine: str, peer: Peer | None, figures: Figures) -> Row:
    ours = figures[engine]
    shared = {
        "case": case.name,
        "work": case.work,
        "engine": engine,
        "longer": case.longer,
        "seconds": median(ours),
        "unit": case.unit,
        "note": case.notes.get(engine, ""),
    }
    if peer is None:
        return Row(**shared, peer="", ratio=None, of_minima=None, wanted=None)
    name = peer.name.format(engine=engine)
    variants = {key: times for key, times in figures.items() if key == name or key.startswith(f"{name}, ")}
    best = min(variants.values(), key=median)
    ratio, least = median(ours) / median(best), min(ours) / min(min(each) for each in variants.values())
    if not case.longer:
        ratio, least = 1 / ratio, 1 / least
    return Row(**shared, peer=name, ratio=ratio, of_minima=least, wanted=peer.wanted(engine))


def table(found: list[Row]) -> str:
    """Write rows as a table of Markdown."""
    lines = [
        "| case | work | engine | takes | compared with | ratio | of minima | wanted |",
        "| --- | --- | --- | ---: | --- | ---: | ---: | ---: |",
    ]
    for row in found:
        sign = ("≤ " if row.longer else "≥ ") if row.wanted is not None else ""
        note = f" ({row.note})" if row.note else ""
        wanted = f"{sign}{_number(row.wanted)}"
        takes = f"{_duration(row.seconds)} per {row.unit}{note}"
        ratio = f"{_number(row.ratio)}{' times as long' if row.longer and row.ratio is not None else ''}"
        lines.append(
            f"| {row.case} | {row.work} | {row.engine} | {takes} | {row.peer} "
            f"| {ratio} | {_number(row.of_minima)} | {wanted} |"
        )
    return "\n".join(lines)


def data(found: list[Row], figures: dict[str, Figures], machine: str) -> dict[str, Any]:
    """Return rows and all figures as plain data."""
    return {"machine": machine, "rows": [asdict(row) for row in found], "seconds": figures}


def chart(found: list[Row], machine: str, path: Path) -> None:
    """Draw each row's rate over its peer's, with what is wanted of it, to a PNG file; without peers there is none."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    drawn = [row for row in reversed(found) if row.rate is not None]
    if not drawn:
        return
    colours = {"numpy": "#4477aa", PROCESSES: "#66ccee", "numba": "#ee6677"}
    with mpl.rc_context({"font.size": 9}):
        figure = Figure(figsize=(9, 1.2 + 0.24 * len(drawn)), layout="constrained")
        axes = figure.subplots()
        axes.axvline(1, color="#555555", linewidth=1)
        for place, row in enumerate(drawn):
            colour = colours.get(row.engine, "#ccbb44")
            axes.barh(place, row.rate - 1, left=1, height=0.7, color=colour)
            if row.wanted_rate is not None:
                axes.plot([row.wanted_rate] * 2, [place - 0.4, place + 0.4], color="black", linewidth=1.5)
        axes.set_xscale("log")
        axes.set_yticks(
            range(len(drawn)), [f"{row.case}, {row.engine} / {row.peer}" for row in drawn], fontsize=8
        )
        ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500) if _within(t, drawn)]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_ylim(-0.6, len(drawn) - 0.4)
        axes.set_xlabel("how many times as fast as its peer; a line marks what is wanted")
        axes.set_title(fill(machine, 80), fontsize=8, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(path, metadata={"Software": None}, dpi=150)


def _within(tick: float, drawn: list[Row]) -> bool:
    rates = [rate for row in drawn for rate in (row.rate, row.wanted_rate, 1.0) if rate is not None]
    return min(rates) / 1.5 <= tick <= max(rates) * 1.5


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _duration(seconds: float) -> str:
    for factor, unit in ((1, "s"), (1e3, "ms")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"
