"""Peers timed in turn, so that whatever else the machine does falls on all of them alike."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path


def in_turn(peers: dict[str, Callable[[], float]], rounds: int, pause: float = 0.0) -> dict[str, list[float]]:
    """Call each peer once a round, for so many rounds after one that is thrown away; return what they give.

    In the seconds of a `pause` before each, threads that the peer before left waiting awake come to rest.
    """
    figures: dict[str, list[float]] = {name: [] for name in peers}
    for number in range(rounds + 1):
        for name, peer in peers.items():
            time.sleep(pause)
            figure = peer()
            if number:
                figures[name].append(figure)
    return figures


def table(title: str, figures: dict[str, list[float]], *, rates: str = "", times: str = "") -> str:
    """Write each peer's median and quartiles, and the median over the rounds of how it compares with the first.

    Figures are `rates`, of which more is better and the first peer's are divided by the others', or `times`, of
    which less is better and the others' are divided by the first peer's; the word is the figures' unit.
    """
    first = next(iter(figures))
    compared = f"{first} is" if rates else f"against {first}"
    lines = [f"| {title} | {rates or times} | quartiles | {compared} |", "| --- | ---: | ---: | ---: |"]
    for name, values in figures.items():
        low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
        pairs = zip(figures[first], values, strict=True)
        ratio = statistics.median(ours / theirs if rates else theirs / ours for ours, theirs in pairs)
        words = "" if name == first else f"{ratio:.2f} times as {'fast' if rates else 'long'}"
        lines.append(f"| {name} | {_number(middle)} | {_number(low)} to {_number(high)} | {words} |")
    return "\n".join(lines)


def machine(*modules: str) -> str:
    """Say what the figures were taken on."""
    from importlib.metadata import version

    from specnet.engines import blas

    parts = [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in modules)]
    parts += [library] if (library := blas.version()) is not None else []
    return f"{processor()}, {len(os.sched_getaffinity(0))} cores; {', '.join(parts)}; load {_load()}"


def _load() -> str:
    return " ".join(f"{load:.1f}" for load in os.getloadavg())


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.machine())


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
