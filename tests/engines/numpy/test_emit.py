"""The source of small plans, as it is written, and run."""

from __future__ import annotations

from specnet.engines.numpy.emit import emit
from specnet.graph import ops
from specnet.graph.leaves import number
from specnet.graph.sizes import BATCH
from specnet.passes.pipeline import plan
from tests.support.graphs import graph_of


def made(**options):
    graph, leaves = graph_of({"x": (BATCH, 2), "K": (2,)})
    rate = number(graph, "rate")
    graph.outputs = {"loss": ops.sum_all(leaves["x"] * leaves["K"])}
    graph.phase = "update"
    graph.assign(leaves["K"], leaves["K"] - rate)
    return emit(plan(graph, 4, optimise=False, **options))


def test_a_plan_is_one_function_of_straight_lines():
    program = made()
    head, *lines = program.source.splitlines()
    assert head == "def step(rate):"
    assert all(line.startswith("    ") and not line.startswith("     ") for line in lines)
    assert lines[-1].startswith("    return (")
    assert [
        name for name in program.functions if name not in ("multiply", "subtract", "add_reduce", "float")
    ] == []
    assert (program.numbers, program.scalars) == (("rate",), ("loss",))
    compile(program.source, "<plan>", "exec")


def test_a_guard_returns_before_anything_is_updated():
    lines = [line.strip() for line in made(guard="loss").source.splitlines()]
    (guard,) = (n for n, line in enumerate(lines) if line.startswith("if "))
    assert lines[guard].endswith(" != 0.0:")
    assert lines[guard + 1].startswith("return (")
    assert any("subtract" in line for line in lines[guard + 2 :])
    assert not any("subtract" in line for line in lines[:guard])


def test_steps_have_the_lines_that_compute_them():
    graph, leaves = graph_of({"x": (BATCH, 2)})
    graph.outputs = {"y": ops.exp(ops.tanh(leaves["x"]))}
    compiled = plan(graph, 4)
    program = emit(compiled)
    for step, code in zip(compiled.steps, program.code, strict=True):
        assert code
        assert all(line in program.source for line in code)
        assert any(step.op in line for line in code)
