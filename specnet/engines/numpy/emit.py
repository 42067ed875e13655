from __future__ import annotations

from specnet.engines.numpy.statements import Statements
from specnet.engines.numpy.value_statements import WrittenStatements
from specnet.engines.operands import Operands, Tables
from specnet.engines.program import NumpyProgram
from specnet.passes.collecting import no_collection
from specnet.passes.plan import Plan


@no_collection()
def emit(plan: Plan, kind: type[Statements] = Statements) -> NumpyProgram:
    """Write a plan as one straight-line Python function over bound NumPy views, with statements of a kind.

    Where the plan's guard is not finite, the function returns before the backward pass, so that a step that has
    diverged leaves the parameters as they were.
    """
    outputs = plan.graph.outputs
    operands, written = Operands(plan.allocations, Tables()), WrittenStatements()
    tables = operands.tables
    results = ", ".join(operands.scalar(outputs[name]) for name in plan.scalars)
    result = f"return ({results},)" if results else "return ()"
    guard: list[str] = []
    if plan.guard is not None:
        loss = operands.scalar(outputs[plan.guard])
        guard = [f"if {loss} - {loss} != 0.0:", f"    {result}"]
    statements = kind(operands, plan.sizes, plan.workers, written, guard=guard)
    statements.write(plan.instructions)
    arrays = {name: operands.array(value) for name, value in plan.arrays.items()}
    return NumpyProgram(
        code=tuple(written.code),
        views=tuple(tables.views.values()),
        blocks=tuple(statements.blocks),
        loops=tuple(statements.loops),
        shards=tuple(statements.shards),
        calls=statements.calls,
        literals=tables.literals,
        factors=tables.factors,
        prepared=tables.prepared,
        streams=tables.streams,
        attributes=tables.attributes,
        functions=tuple(sorted(tables.functions)),
        numbers=plan.numbers,
        scalars=plan.scalars,
        arrays=arrays,
        compiled=tuple(tables.compiled),
        tables=statements.tables,
        source=_source(written.prologue, [*statements.lines, result], plan.numbers),
    )


def _source(prologue: list[str], lines: list[str], numbers: tuple[str, ...]) -> str:
    body = [f"def step({', '.join(numbers)}):", *(f"    {line}" for line in lines)]
    return "\n".join([*prologue, *([""] if prologue else []), *body]) + "\n"
