"""Layers against the layers beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from specnet.compiler.lint.ending import PASSIVE, function_of
from specnet.compiler.lint.rule import Found, Subject, rule
from specnet.diagnostics import Label
from specnet.vocabulary.initializers import Initializer

if TYPE_CHECKING:
    from specnet.vocabulary.initializers.given import Constant
    from specnet.vocabulary.layers.basic import Dropout
    from specnet.vocabulary.layers.dense import Dense

MOST_DROPPED = 0.9


@rule("SN706")
def two_activations(subject: Subject) -> Iterator[Found]:
    """An activation applied to what another one gives."""
    layers = subject.spec.layers
    before: int | None = None
    for index, layer in enumerate(layers):
        function = function_of(layer)
        if layer.type == "activation" and function is not None and before is not None:
            first = function_of(layers[before])
            assert first is not None
            again = " again" if first.type == function.type else ""
            yield Found(
                f"{function.type} is applied{again} to what {first.type} gives, with no weights between",
                ("layers", index, "activation"),
                "type",
                "keep one of them",
                (Label("the first activation", ("layers", before, "activation"), "type"),),
            )
        if layer.type not in PASSIVE:
            before = index if function is not None else before if layer.type == "activation" else None


@rule("SN707")
def linear_stack(subject: Subject) -> Iterator[Found]:
    """Two dense layers that are one linear map."""
    before: int | None = None
    for index, layer in enumerate(subject.spec.layers):
        if layer.type == "dense":
            first = subject.spec.layers[before] if before is not None else None
            # Fewer units than what follows makes a map of lower rank, which may be meant.
            if first is not None and cast("Dense", first).units >= cast("Dense", layer).units:
                yield Found(
                    "two dense layers with no activation between them can do no more than one",
                    ("layers", before or 0),
                    "type",
                    'give the first one an activation, such as activation = "relu"',
                    (Label("the second one", ("layers", index), "type"),),
                )
            before = index if function_of(layer) is None else None
        elif layer.type not in PASSIVE:
            before = None


@rule("SN708")
def dropout_at_the_end(subject: Subject) -> Iterator[Found]:
    """Dropout on the network's own results."""
    for index in reversed(range(len(subject.spec.layers))):
        layer = subject.spec.layers[index]
        if layer.type == "dropout":
            if cast("Dropout", layer).rate > 0 and index > 0:
                yield Found(
                    "dropout on the last layer sets predictions to 0 while training, and no layer can make up "
                    "for it",
                    ("layers", index),
                    "type",
                    "put it before the last dense layer",
                )
        elif layer.type not in PASSIVE and layer.type != "activation":
            return


@rule("SN709")
def nearly_all_dropped(subject: Subject) -> Iterator[Found]:
    """A dropout rate that looks like the share to keep."""
    for index, layer in enumerate(subject.spec.layers):
        rate = cast("Dropout", layer).rate if layer.type == "dropout" else 0.0
        if rate > MOST_DROPPED:
            yield Found(
                f"`rate` is the share that is dropped: {rate:g} keeps one element in {1 / (1 - rate):.0f}",
                ("layers", index, "rate"),
                help=f"rate = {1 - rate:.2g} keeps {rate:g} of them",
            )


@rule("SN710")
def units_alike(subject: Subject) -> Iterator[Found]:
    """Units that start the same, and so stay the same."""
    layers = subject.spec.layers
    dense = [index for index, layer in enumerate(layers) if layer.type == "dense"]
    for index in dense[:-1]:
        layer = cast("Dense", layers[index])
        if layer.units > 1 and _even(layer.kernel_init) and (not layer.use_bias or _even(layer.bias_init)):
            yield Found(
                f"all {layer.units} units start the same, get the same gradient, and stay the same: they can do no "
                "more than one",
                ("layers", index, "kernel_init"),
                "type",
                "leave `kernel_init` out: by default it is drawn",
            )


def _even(initial: Initializer) -> bool:
    """Say whether an initializer gives every element the same number."""
    if initial.type == "constant":
        return not isinstance(cast("Constant", initial).value, tuple)
    return initial.type in ("zeros", "ones")
