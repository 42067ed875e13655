"""`predict` as the mean of several models, and `spread`: each model is a function that holds its own arrays."""

from __future__ import annotations

from specnet.interchange.intervals import LOWER, SET, UPPER, fitted_intervals, named
from specnet.interchange.numpy.layout import indented, listed
from specnet.interchange.numpy.prediction import (
    WITH_INTERVALS,
    documented_shape,
    parameter_names,
    write_decide,
    write_predict,
)
from specnet.interchange.numpy.program import Program
from specnet.model.averaged import AveragedModel
from specnet.model.compiled import CompiledModel
from specnet.model.uncertainty import SetIntervals

MEAN = "np.mean({}, axis=0, dtype=float)"


def write_mean(model: AveragedModel, program: Program) -> None:
    """Write `predict` and `spread`, over functions `member_1`, `member_2` and so on, each of which returns its own."""
    names = [f"member_{number}" for number in range(1, len(model.compiled) + 1)]
    for number, (name, own) in enumerate(zip(names, model.compiled, strict=True), 1):
        member = Program(program.title, program.dtype, program.beside, prefix=f"{number}.")
        program.functions.append(_member(name, own, member))
        program.members.append(member)
        program.helpers |= member.helpers
        program.modules |= member.modules
        program.arrays |= member.arrays
    first = model.compiled[0]
    ends = _ends(first)
    cells = any(line == "def cells_to_numbers(rows):" for own in program.members[0].functions for line in own)
    shape = documented_shape(first, cells=cells)
    several = first.network.several
    for function, what, reduced in (
        ("predict", "mean", MEAN),
        ("spread", "standard deviation", "np.std({}, axis=0, ddof=1, dtype=float)"),
    ):
        outputs = "each[0]" if not ends else repr(list(first.network.outputs))
        result = (
            f"{{name: {reduced.format('[own[name] for own in each]')} for name in {outputs}}}"
            if several
            else reduced.format("each" if not ends else '[own["predictions"] for own in each]')
        )
        program.functions.append(
            [
                f"def {function}(inputs):",
                f'    """Return the {what} of the members\' predictions for raw inputs ({shape})."""',
                "    each = [member(inputs) for member in members]",
                f"    return {result}",
            ]
        )
    if ends:
        level = model.interval_level
        assert level is not None
        what = f"the mean of the members' predictions for raw inputs ({shape})"
        joins = {name or "predictions": MEAN for name in first.network.outputs} | ends
        parts = [
            f'        "{name}": {join.format(f"""[own["{name}"] for own in each]""")},'
            for name, join in joins.items()
        ]
        program.functions.append(
            [
                f"def {WITH_INTERVALS}(inputs):",
                f'    """Return {what}, with intervals or sets that hold each member\'s, of {100 * level:g}%."""',
                "    each = [member(inputs) for member in members]",
                "    return {",
                *parts,
                "    }",
            ]
        )
    write_decide(model.cutoffs, program)
    program.body += listed("members", [f"{name}()" for name in names])


def _member(name: str, model: CompiledModel, member: Program) -> list[str]:
    variables = parameter_names(model, member)
    held = {variables[own]: array for own, array in model.parameters.items()}
    member.hold(held, "Parameters after the training.")
    write_predict(model, member, variables, decides=False)
    blocks = [member.values, *member.functions]
    lines = [line for block in blocks for text in ["", *block] for line in text.split("\n")]
    lines = lines[next(n for n, line in enumerate(lines) if line) :]
    doc = f'"""Return the prediction of one member, `{model.network.spec.name}`, as a function."""'
    result = WITH_INTERVALS if _ends(model) else "predict"
    return [f"def {name}():", *indented([doc, *lines, "", f"return {result}"])]


def _ends(model: CompiledModel) -> dict[str, str]:
    """Return how the intervals and the sets of members become one that holds each of them, by name."""
    found = {}
    for name, own in fitted_intervals(model).items():
        if isinstance(own, SetIntervals):
            found[named(name, SET)] = "np.any({}, axis=0)"
        else:
            found[named(name, LOWER)] = "np.min({}, axis=0)"
            found[named(name, UPPER)] = "np.max({}, axis=0)"
    return found
