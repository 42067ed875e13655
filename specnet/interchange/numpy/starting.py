"""Initial parameters as lines that draw them, where the document says no more than how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from specnet.engines.random import stream, words
from specnet.graph.parameter import Parameter
from specnet.interchange.numpy.program import Program, with_shape
from specnet.interchange.numpy.sources import Sources
from specnet.model.compiled import CompiledModel
from specnet.vocabulary.initializers import DrawnValues, Initializer

Array = np.ndarray[Any, Any]

ULPS = 4
"""Units in the last place by which a formula may differ from the array that it stands for."""


def write_start(model: CompiledModel, program: Program, variables: Mapping[str, str]) -> list[str]:
    """Write the initial parameters that are given as arrays; return the lines that draw the others."""
    drawings = {p.name: _drawing(model, p) for p in model.network.arrays}
    given = {
        variables[name]: model.parameters[name].copy() for name, found in drawings.items() if found is None
    }
    program.hold(given, "Initial parameters.")
    lines: list[str] = []
    sources, seed, dtype = Sources(program), model.network.spec.seed, model.network.spec.dtype
    for parameter in model.network.arrays:
        drawing = drawings[parameter.name]
        if drawing is None:
            continue
        for function in drawing.uses:
            sources.copy(function)
        if _draws(drawing):
            use = f"initial/{parameter.name}"
            lines.append(f"rng = np.random.default_rng({[seed, *words(use)]})  # stream {use!r}")
        lines += drawing.before
        lines.append(
            with_shape(f"{variables[parameter.name]} = {_typed(drawing.value, dtype)}", parameter.shape)
        )
    return ["# Initial parameters.", *lines, ""] if lines else []


def _drawing(model: CompiledModel, parameter: Parameter) -> DrawnValues | None:
    """Return how a parameter's array is drawn; None where it is what the document or a file gives."""
    array, network = model.parameters[parameter.name], model.network
    drawing = cast("Initializer", parameter.initial).drawing(parameter.shape)
    if drawing is None:
        return None
    scope: dict[str, Any] = {function.__name__: function for function in drawing.uses}
    scope |= {"np": np, "rng": stream(network.spec.seed, f"initial/{parameter.name}")}
    exec("\n".join([*drawing.before, f"value = {drawing.value}"]), scope)  # noqa: S102 (our own lines)
    made: Array = scope["value"].astype(array.dtype)
    near = ULPS * np.finfo(array.dtype).eps
    return drawing if np.allclose(made, array, rtol=near, atol=0.0) else None


def _draws(drawing: DrawnValues) -> bool:
    return any("rng" in line for line in (*drawing.before, drawing.value))


def _typed(value: str, dtype: str) -> str:
    """Return the expression of an array of float64 in a program's dtype."""
    if dtype == "float64":
        return value
    if value.startswith(("np.zeros(", "np.ones(")):
        return f"{value[:-1]}, np.{dtype})"
    operators = " + " in value or " * " in value
    return f"({value}).astype(np.{dtype})" if operators else f"{value}.astype(np.{dtype})"
