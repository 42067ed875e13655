"""Layers against the layers beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from specnet.diagnostics import KeyPath, Label
from specnet.lint.chains import chains, ends
from specnet.lint.ending import PASSIVE, function_of, last_dense
from specnet.lint.rule import Finding, Subject, rule
from specnet.model.topology import Placed, dead_ends, every
from specnet.vocabulary.initializers import Initializer
from specnet.vocabulary.layers.dropping import value_of

if TYPE_CHECKING:
    from specnet.vocabulary.initializers.given import ConstantInitializer
    from specnet.vocabulary.layers import Layer
    from specnet.vocabulary.layers.basic import Dropout
    from specnet.vocabulary.layers.dense import Dense

MAXIMUM_DROPPED = 0.9


@rule("SN706")
def two_activations(subject: Subject) -> Iterator[Finding]:
    """An activation applied to what another one gives."""
    for chain in chains(subject.spec.layers):
        before: Placed | None = None
        for path, layer in chain:
            function = function_of(layer)
            if layer.type == "activation" and function is not None and before is not None:
                first = function_of(before[1])
                assert first is not None
                again = " again" if first.type == function.type else ""
                yield Finding(
                    f"{function.type} is applied{again} to the output of {first.type}, with no weights between",
                    (*path, "activation"),
                    "type",
                    "keep one of them",
                    (Label("the first activation", (*before[0], "activation"), "type"),),
                )
            if layer.type not in PASSIVE:
                kept = before if layer.type == "activation" else None
                before = (path, layer) if function is not None else kept


@rule("SN707")
def linear_stack(subject: Subject) -> Iterator[Finding]:
    """Two dense layers that are one linear map."""
    for chain in chains(subject.spec.layers):
        before: Placed | None = None
        for path, layer in chain:
            if layer.type == "dense":
                # Fewer units than what follows makes a map of lower rank, which may be meant.
                if before is not None and _units(before[1]) >= _units(layer):
                    yield Finding(
                        "two dense layers with no activation between them are equivalent to one",
                        before[0],
                        "type",
                        'give the first one an activation, such as activation = "relu"',
                        (Label("the second one", path, "type"),),
                    )
                before = (path, layer) if function_of(layer) is None else None
            elif layer.type not in PASSIVE:
                before = None


@rule("SN708")
def dropout_at_the_end(subject: Subject) -> Iterator[Finding]:
    """Dropout on the network's own results."""
    for path, layer in ends(subject.spec.layers):
        if layer.type == "dropout":
            if value_of(cast("Dropout", layer).rate) > 0 and path[-1] != 0:
                yield Finding(
                    "dropout on the last layer sets predictions to 0 in training, and no layer can compensate "
                    "for it",
                    path,
                    "type",
                    "put it before the last dense layer",
                )
        elif layer.type not in PASSIVE and layer.type != "activation":
            return


@rule("SN709")
def nearly_all_dropped(subject: Subject) -> Iterator[Finding]:
    """A dropout rate that looks like the share to keep."""
    for path, layer in every(subject.spec.layers):
        rate = value_of(cast("Dropout", layer).rate) if layer.type == "dropout" else 0.0
        if rate > MAXIMUM_DROPPED:
            yield Finding(
                f"`rate` is the share that is dropped: {rate:g} keeps one element in {1 / (1 - rate):.0f}",
                (*path, "rate"),
                help=f"rate = {1 - rate:.2g} keeps {rate:g} of them",
            )


@rule("SN710")
def units_alike(subject: Subject) -> Iterator[Finding]:
    """Units that start the same, and so stay the same."""
    last = last_dense(subject.spec)
    for path, layer in every(subject.spec.layers):
        if layer.type != "dense" or path == last or layer.share is not None:
            continue
        dense = cast("Dense", layer)
        if _units(dense) > 1 and _even(dense.kernel_init) and (not dense.use_bias or _even(dense.bias_init)):
            yield Finding(
                f"all {dense.units} units start the same, get the same gradient, and stay the same: they are "
                "equivalent to one",
                (*path, "kernel_init"),
                "type",
                "leave `kernel_init` out: by default it is drawn",
            )


@rule("SN716")
def dropout_before_batch_norm(subject: Subject) -> Iterator[Finding]:
    """Dropout whose noise is in the variances that batch_norm remembers."""
    for chain in chains(subject.spec.layers):
        before: KeyPath | None = None
        for path, layer in chain:
            if layer.type in ("dropout", "spatial_dropout") and value_of(cast("Dropout", layer).rate) > 0:
                before = path
            elif layer.type == "batch_norm" and before is not None:
                yield Finding(
                    "dropout before batch_norm makes variances larger in training than in evaluation, and "
                    "batch_norm keeps those of training",
                    before,
                    "type",
                    "put the dropout after the last batch_norm (Li et al., 2019)",
                    (Label("the batch_norm", path, "type"),),
                )
                before = None


@rule("SN715")
def dead_branch(subject: Subject) -> Iterator[Finding]:
    """A layer whose result nothing takes."""
    for name, path, passed in dead_ends(subject.spec.layers, subject.spec.needed):
        why = "it is not an output either" if passed is None else "the layer after it takes other inputs"
        yield Finding(
            f"the output of `{name}` is unused: {why}, and no other layer names it",
            path,
            "type",
            f'leave the layer out, or name it in `inputs`: ["{name}", ...]',
            () if passed is None else (Label("it is bypassed here", passed),),
        )


def _even(initial: Initializer) -> bool:
    """Say whether an initializer gives every element the same number."""
    if initial.type == "constant":
        return not isinstance(cast("ConstantInitializer", initial).value, tuple)
    return initial.type in ("zeros", "ones")


def _units(layer: Layer) -> float:
    """Return how many units a dense layer has; more than any number where the data or an embedding say how many."""
    units = cast("Dense", layer).units
    return units if isinstance(units, int) else float("inf")
