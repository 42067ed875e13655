"""Planning: how much longer 1,000 dense layers take than 100."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from benchmarks.case import Case, Peer, Peers, Setting


def planned(setting: Setting) -> Peers:
    """Return the planning of both networks, from the document to the data that `specnet explain` shows."""
    from benchmarks import planning

    few, many = (planning.document("dense", layers, setting.folder) for layers in (100, 1_000))

    def measure(path: Path) -> float:
        return sum(planning.measure(path).values()) / 1e3

    return {"numpy": partial(measure, many), "100 layers": partial(measure, few)}


CASES = [
    Case(
        "planning",
        "planning 1,000 dense layers",
        (Peer("100 layers", 12.0, needs=""),),
        planned,
        unit="plan",
        longer=True,
        rounds=5,
        engines=("numpy",),
    )
]
