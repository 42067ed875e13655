"""How much work it is to validate a document: in proportion to its layers, and not to the sizes that it names."""

from __future__ import annotations

import sys
from typing import Any

import pytest

import specnet
from specnet.graph.builder import Builder

DATA = {"type": "synthetic", "kind": "blobs", "features": 4}
DENSE = {"type": "dense", "units": 4, "activation": "relu"}


def calls(document: dict[str, Any]) -> int:
    """Return how many functions are called to validate a document."""
    count = 0

    def note(_: Any, event: str, __: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        specnet.validate(document)
    finally:
        sys.setprofile(before)
    return count


def added(first: str, number: int) -> list[dict[str, Any]]:
    more = [{"type": "add", "name": f"a{i}", "inputs": [f"a{i - 1}", first]} for i in range(1, number)]
    return [{**DENSE, "name": "a0"}, *more]


NETWORKS = {
    "plain": lambda n: [DENSE] * n,
    "named": lambda n: [{**DENSE, "name": f"layer_{i}"} for i in range(n)],
    "inputs": lambda n: added("a0", n),
    "sequential": lambda n: [{"type": "sequential", "repeat": n, "layers": [DENSE]}],
    "nested": lambda n: [{"type": "residual", "layers": [DENSE]}] * n,
    "shared": lambda n: [{**DENSE, "name": "a"}, *[{**DENSE, "share": "a"}] * n],
    "faulty": lambda n: [{**DENSE, "units": 0}] * n,
    "misspelled key": lambda n: [{"type": "dense", "unit": 4}] * n,
    "misspelled kind": lambda n: [{"type": "dens", "units": 4}] * n,
    "same name": lambda n: [{**DENSE, "name": "a"}] * n,
    "unknown inputs": lambda n: [
        {"type": "add", "name": f"a{i}", "inputs": [f"b{i}", f"c{i}"]} for i in range(n)
    ],
}


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_work_grows_with_the_number_of_layers(network):
    def work(number: int) -> int:
        layers = [*network(number), {"type": "dense", "units": 3}]
        return calls({"specnet": 1, "data": DATA, "layers": layers, "loss": "cross_entropy"})

    work(5)  # imports what it needs
    few, more, most = map(work, (50, 100, 200))
    assert most - more < 1.3 * 2 * (more - few)


def test_repetitions_are_counted_before_layers_are_made(monkeypatch):
    made: list[object] = []
    plain = Builder._lower

    def counted(self, stage, *others):
        made.append(stage)
        return plain(self, stage, *others)

    monkeypatch.setattr(Builder, "_lower", counted)
    layers = [{"type": "sequential", "repeat": 10**400, "layers": [DENSE]}, {"type": "dense", "units": 3}]
    report = specnet.validate({"specnet": 1, "data": DATA, "layers": layers, "loss": "cross_entropy"})
    assert [d.code for d in report.diagnostics] == ["SN401"]
    assert len(made) < 5
