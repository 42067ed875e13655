"""The layer that gives an output, and the target that the output is compared with."""

from __future__ import annotations

from specnet.data import Signature
from specnet.diagnostics import Diagnostic, SpecError
from specnet.diagnostics.spelling import closest
from specnet.graph.builder import Builder
from specnet.graph.graph import Value
from specnet.graph.sizes import DType, at
from specnet.language.spec import Spec
from specnet.vocabulary.outputs import NamedOutput

INPUTS = "inputs"
"""The target that stands for what the network gets."""

MAXIMUM_COLUMNS = 100
"""Columns of a target up to which each has figures of its own."""


def layer_value(name: str, asked: NamedOutput, builder: Builder) -> Value:
    """Return the value of the layer that gives an output."""
    wanted = asked.layer or name
    if wanted in builder.outputs:
        return builder.outputs[wanted]
    meant = closest(wanted, builder.outputs)
    message = f"no layer is called `{wanted}`, which is to give the output `{name}`"
    raise SpecError(
        [
            Diagnostic(
                "SN303",
                f"{message}; did you mean `{meant}`?" if meant else message,
                ("outputs", name, "layer") if asked.layer else ("outputs", name),
                part="value" if asked.layer else "table",
                help="`layer` names the layer that gives an output; without it, it is the one of the output's name",
            )
        ]
    )


def target_form(
    name: str, asked: NamedOutput, signature: Signature, value: Value
) -> tuple[tuple[int, ...], DType]:
    """Return the shape of one target of an output whose layer gives `value`, and its dtype: int64 for class indices."""
    dtype = value.graph.dtype
    if asked.target == INPUTS:
        return signature.inputs, dtype
    if asked.target is None:
        if asked.loss.targets in ("classes", "groups") and signature.integers:
            return (), "int64"
        # A number for each place where the last layer gives one for each class: these can only be class indices.
        places, classes = at(value.shape[1:-1], 1), value.shape[-1]
        if not asked.loss.by_step and asked.loss.targets == "classes" and len(signature.target) == 1:
            return signature.target, "int64"
        masks = asked.loss.targets == "classes" and places and classes != 1
        if masks and signature.target in (places, (*places, 1)):
            return places, "int64"
        return signature.target or (1,), dtype
    raise SpecError(
        [
            Diagnostic(
                "SN303",
                f"the data's targets have no column `{asked.target}`",
                ("outputs", name, "target"),
                help='leave it out for the data\'s whole target, or write "inputs"',
            )
        ]
    )


def target_columns(
    spec: Spec, asked: NamedOutput, signature: Signature, shape: tuple[int, ...]
) -> tuple[str, ...]:
    """Return the names of target columns that are measured one by one: numbers or labels, and not too many to read."""
    apart = asked.target is None and not spec.data.reproduces and signature.class_count is None
    if not apart or asked.loss.targets not in ("real", "binary") or len(shape) != 1:
        return ()
    (count,) = shape
    if not 1 < count <= MAXIMUM_COLUMNS:
        return ()
    names = spec.data.target_columns
    return names if names is not None and len(names) == count else tuple(map(str, range(count)))
