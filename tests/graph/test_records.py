"""Every op's record says all that there is to say of it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from specnet.graph import graph, ops
from specnet.graph.graph import OPS, Op

PLACED = {"constant", "pack", "scan", "shard"}
"""What has no kernel: a plan writes numbers, lays arrays out, and runs bodies by itself."""

LOOPS = {"scan"}
"""What is written as a statement around the lines of its body, not as an expression."""

PLANNED = {"shard"}
"""What plans alone are made of, and no program that is written for people."""


def lacking(op):
    """Return what a record does not say."""
    if op.leaf:
        return []
    written = {
        "noun": op.noun,
        "kernel": op.kernel or op.alias or op.name in PLACED,
        "printed form": op.printed or op.helper or op.name in LOOPS | PLANNED,
        "ONNX, or the reason why not": op.onnx or op.name in LOOPS,
        "formula": op.formula or not op.elementwise,
    }
    return [f"{op}: {what}" for what, said in written.items() if not said]


def test_no_record_lacks_anything():
    assert not [lack for op in OPS.values() for lack in lacking(op)]


def test_what_a_record_lacks_is_named(monkeypatch):
    monkeypatch.setattr(graph, "OPS", {})
    empty = replace(ops.gather, noun="", kernel="", printed="", onnx="", elementwise=True)
    assert lacking(empty) == [
        "gather: noun",
        "gather: kernel",
        "gather: printed form",
        "gather: ONNX, or the reason why not",
        "gather: formula",
    ]


def test_two_ops_cannot_have_one_name():
    with pytest.raises(AssertionError, match="two ops are called gather"):
        replace(ops.gather)


def test_all_ops_enter_themselves():
    assert {op.name for op in vars(ops).values() if isinstance(op, Op)} <= OPS.keys()


def test_a_function_comes_after_those_that_it_calls():
    sources = [source for op in OPS.values() for source in op.helpers]
    names = {source[4 : source.index("(")] for source in sources}
    for op in OPS.values():
        known = set()
        for source in op.helpers:
            name = source[4 : source.index("(")]
            called = {word for word in re.findall(r"\b\w+\b", source.partition("\n")[2]) if word in names}
            assert called - {name} <= known | variables(source), f"{name} calls {called - known}"
            known.add(name)
        assert not op.helpers or op.printed or name == op.name


def variables(source):
    return set(re.findall(r"^ +(\w+) = ", source, re.MULTILINE)) | set(
        re.findall(r"\w+", source.partition("\n")[0])
    )
