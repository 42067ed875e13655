from __future__ import annotations

from specnet.graph.graph import Graph
from specnet.graph.op import name_of
from specnet.graph.sizes import Sizes, named
from specnet.passes.fuse import Group
from specnet.passes.placement import Placement
from specnet.runtime.operands import Operands, Tables
from specnet.runtime.plan import Plan
from specnet.runtime.statements import Statements, Written


def emit(
    graph: Graph, groups: list[Group], placement: Placement, sizes: Sizes, guard: str | None, workers: int = 0
) -> Plan:
    """Write placed groups as one straight-line Python function over bound NumPy views.

    `guard` names a scalar output: where it is not finite, the function returns before the backward pass, so
    that a step that has diverged leaves the parameters as they were. `workers` share the batch, where there are any.
    """
    operands, written = Operands(placement, Tables()), Written()
    tables = operands.tables
    statements = Statements(graph, operands, sizes, workers, written)
    scalars = tuple(name for name, v in graph.outputs.items() if not v.shape)
    results = ", ".join(operands.scalar(graph.outputs[name]) for name in scalars)
    result = f"return ({results},)" if results else "return ()"
    guarded = guard is None
    for number, group in enumerate(groups):
        if not guarded and group.values[0].phase != "forward" and not group.once:
            loss = operands.scalar(graph.outputs[guard or ""])
            statements.lines += [f"if {loss} - {loss} != 0.0:", f"    {result}"]
            guarded = True
        statements.group(number, group)
    for leaf, value in placement.copies:
        code = (f"copyto({operands.array(leaf)}, {operands.operand(value, leaf.dtype)})",)
        statements.finish(statements.step(leaf, "assign", code), code)
    leaves = [value for value in graph.values if value.op.leaf]
    numbers = tuple(name_of(v) for v in leaves if not v.shape)
    arrays = {name: operands.array(v) for name, v in graph.outputs.items() if v.shape}
    return Plan(
        steps=tuple(written.steps),
        views=tuple(tables.views.values()),
        blocks=tuple(statements.blocks),
        loops=tuple(statements.loops),
        calls=statements.calls,
        literals=tables.literals,
        factors=tables.factors,
        prepared=tables.prepared,
        streams=tables.streams,
        attributes=tables.attributes,
        functions=tuple(sorted(tables.functions)),
        numbers=numbers,
        scalars=scalars,
        arrays=arrays,
        leaves={name_of(v): (v.shape, v.dtype) for v in leaves if v.shape},
        sizes=named(sizes),
        arena=placement.arena,
        once=placement.once,
        workers=workers,
        source=_source(written.once, [*statements.lines, result], numbers),
    )


def _source(once: list[str], lines: list[str], numbers: tuple[str, ...]) -> str:
    body = [f"def step({', '.join(numbers)}):", *(f"    {line}" for line in lines)]
    return "\n".join([*once, *([""] if once else []), *body]) + "\n"
