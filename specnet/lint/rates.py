"""The learning rate against what suits its optimizer."""

from __future__ import annotations

from collections.abc import Iterator

from specnet.lint.rule import Finding, Subject, rule

USUAL = {
    "sgd": (1e-5, 10.0),
    "adam": (1e-6, 0.3),
    "adamw": (1e-6, 0.3),
    "nadam": (1e-6, 0.3),
    "rmsprop": (1e-6, 0.3),
    "adagrad": (1e-5, 3.0),
    "adadelta": (1e-3, 100.0),
    "lion": (1e-7, 0.03),
}
"""The learning rates between which an optimizer is used, an order of magnitude to spare at either end."""


@rule("SN721")
def unusual_rate(subject: Subject) -> Iterator[Finding]:
    """A learning rate that is orders away from those in use."""
    optimizer = subject.spec.training.optimizer
    if optimizer.type not in USUAL or "learning_rate" not in optimizer.model_fields_set:
        return
    low, high = USUAL[optimizer.type]
    rate = optimizer.learning_rate
    if low <= rate <= high:
        return
    what = "so large that it hardly converges" if rate > high else "so small that it hardly moves"
    usual = type(optimizer).model_fields["learning_rate"].default
    yield Finding(
        f"a learning rate of {rate:g} is {what} with {optimizer.type}",
        ("training", "optimizer", "learning_rate"),
        help=f"learning_rate = {usual:g} is the default; {low:g} to {high:g} are common",
    )
