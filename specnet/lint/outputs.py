"""The last layer against the loss."""

from __future__ import annotations

from collections.abc import Iterator

from specnet.diagnostics import Label
from specnet.lint.ending import ending, last_dense
from specnet.lint.rule import Finding, Subject, rule
from specnet.model.topology import every
from specnet.vocabulary.losses import NUMBERS

APPLIED = {
    "softmax": ("softmax", "log_softmax"),
    "sigmoid": ("sigmoid",),
    "exp": (),
    "mean": (),
    "median": (),
}
"""The last activations that a loss on logits takes away again, by the function that it applies."""


@rule("SN701")
def softmax_with_numbers(subject: Subject) -> Iterator[Finding]:
    """Softmax before a loss that compares numbers."""
    spec, last = subject.spec, ending(subject.spec)
    if last is None or spec.loss.targets != "real" or last.function.type not in ("softmax", "log_softmax"):
        return
    if spec.loss.output_activation in NUMBERS:
        yield Finding(
            f"{last.function.type} computes class probabilities, and {spec.loss.type} compares numbers: its "
            "gradient nearly vanishes where the network is confidently wrong",
            ("loss",),
            "type",
            'loss = "cross_entropy" for classes, or a linear last layer for numbers',
            (Label("the last activation", last.path, "type"),),
        )


@rule("SN702")
def sigmoid_with_cross_entropy(subject: Subject) -> Iterator[Finding]:
    """Sigmoid before a loss that applies softmax."""
    spec, last = subject.spec, ending(subject.spec)
    if last is None or spec.loss.output_activation != "softmax" or last.function.type != "sigmoid":
        return
    yield Finding(
        f"{spec.loss.type} takes the output of sigmoid as logits: these are between 0 and 1, so no class "
        "can get a probability near 1",
        last.path,
        "type",
        'leave the activation out, or write "softmax"; for labels that do not exclude each other, loss = '
        '"binary_cross_entropy"',
        (Label("softmax is applied here", ("loss",), "type"),),
    )


@rule("SN703")
def bounded_logits(subject: Subject) -> Iterator[Finding]:
    """An activation on what a loss takes for logits."""
    spec, last = subject.spec, ending(subject.spec)
    activation = spec.loss.output_activation
    if last is None or activation not in APPLIED or last.function.type in APPLIED[activation]:
        return
    name = last.function.type
    if activation == "softmax" and name == "sigmoid":
        return  # SN702 says more of it
    if activation == "exp" and name != "relu":
        return
    made = {"exp": "counts", "mean": "means and variances", "median": "quantiles"}
    what = made.get(activation, "probabilities")
    known = APPLIED[activation]
    applied = "the loss" if activation in NUMBERS else f"{activation} is applied here"
    yield Finding(
        f"{spec.loss.type} computes {what} from the last layer's values, and {name} has already transformed them",
        last.path,
        "type",
        f"leave the activation out{f', or write {chr(34)}{known[0]}{chr(34)}' if known else ''}",
        (Label(applied, ("loss",), "type"),),
    )


@rule("SN704", "network")
def more_units_than_classes(subject: Subject) -> Iterator[Finding]:
    """Outputs that stand for no class."""
    spec, network = subject.spec, subject.network
    classes, place = network.signature.class_count, last_dense(spec)
    if spec.loss.targets != "classes" or classes is None or place is None:
        return
    if dict(every(spec.layers))[place].tied is not None:
        return  # there are as many as there are indices
    output = network.outputs[""]
    if output.target_dtype != "int64":
        return
    units = output.shape[-1] if output.shape else 1
    if units > classes:
        yield Finding(
            f"the last layer gives {units} values, and the data has {classes} classes: no row belongs to "
            f"the others",
            (*place, "units"),
            help=f"units = {classes}",
        )


@rule("SN705", "network")
def softmax_of_one(subject: Subject) -> Iterator[Finding]:
    """Softmax along an axis of one."""
    layers = {info.path: info for info in subject.network.layers}
    for path, layer in every(subject.spec.layers):
        function = getattr(layer, "activation", None)
        if getattr(function, "type", None) not in ("softmax", "log_softmax"):
            continue
        if layers[path].output[-1] == 1:
            yield Finding(
                f"{function.type} over a single value is always {1 if function.type == 'softmax' else 0}",  # type: ignore[union-attr]
                (*path, "activation"),
                "type",
                'activation = "sigmoid" for a yes or no, or a value for each class',
            )
