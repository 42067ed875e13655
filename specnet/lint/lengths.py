"""Counts of rows, batches and epochs against each other."""

from __future__ import annotations

from collections.abc import Iterator

from specnet.lint.rule import Finding, Subject, rule
from specnet.model.settings import batch_rows, validations

HUGE_SUM = 10_000
"""Terms from which on a sum in float32 loses digits that matter, and its gradient suits no usual rate."""


@rule("SN722", "network")
def batch_above_split(subject: Subject) -> Iterator[Finding]:
    """A batch that the training split cannot fill."""
    training, rows = subject.spec.training, subject.network.signature.rows["train"]
    size = training.batch_size
    if "batch_size" not in training.model_fields_set or not isinstance(size, int) or training.drop_last:
        return
    if size > rows:
        yield Finding(
            f"a batch of {size} rows is never full: the training split has {rows}",
            ("training", "batch_size"),
            help=f'batch_size = "full" if the whole split in a step is meant, or less than {rows}',
        )


@rule("SN723", "network")
def accumulate_above_epoch(subject: Subject) -> Iterator[Finding]:
    """More batches to a step than an epoch has."""
    training, rows = subject.spec.training, subject.network.signature.rows["train"]
    batches = -(-rows // batch_rows(subject.spec, rows))
    if training.batch_size is not None and training.accumulate > batches:
        yield Finding(
            f"{training.accumulate} batches are to share a step, but an epoch has {batches}",
            ("training", "accumulate"),
            help=f"at most {batches}, or a smaller batch_size",
        )


@rule("SN724")
def patience_above_epochs(subject: Subject) -> Iterator[Finding]:
    """Early stopping that cannot come before the end."""
    training = subject.spec.training
    stopping = training.early_stopping
    if stopping is None or "patience" not in stopping.model_fields_set:
        return
    count = validations(training)
    if count is not None and stopping.patience >= count:
        yield Finding(
            f"early stopping waits for {stopping.patience} validations without improvement, and the training "
            f"has {count}: it never triggers",
            ("training", "early_stopping", "patience"),
            help=f"a patience well below {count}, or more {training.unit}s",
        )


@rule("SN725")
def validated_once(subject: Subject) -> Iterator[Finding]:
    """Validations further apart than the training is long."""
    training = subject.spec.training
    length = training.epochs or training.steps
    if training.validate_every is not None and length is not None and training.validate_every > length:
        yield Finding(
            f"a validation every {training.validate_every} {training.unit}s comes only at the end: the training has "
            f"{length}",
            ("training", "validate_every"),
            help=f"at most {length}",
        )


@rule("SN726")
def stopping_on_train(subject: Subject) -> Iterator[Finding]:
    """Early stopping by what every step makes better."""
    stopping = subject.spec.training.early_stopping
    if stopping is not None and stopping.monitor.partition(".")[0] == "train":
        yield Finding(
            "the training split keeps improving while the model overfits, so this rarely stops it",
            ("training", "early_stopping", "monitor"),
            help='monitor = "validation.loss", with a validation split',
        )


@rule("SN727", "network")
def huge_sum(subject: Subject) -> Iterator[Finding]:
    """A loss that sums very many costs in float32."""
    spec, network = subject.spec, subject.network
    if spec.loss.reduction != "sum" or spec.dtype != "float32" or spec.training.batch_size is None:
        return
    terms = batch_rows(spec, network.signature.rows["train"]) * network.elements_per_row
    if terms >= HUGE_SUM and spec.loss.scale * terms >= HUGE_SUM:
        yield Finding(
            f"the loss sums {terms} terms per step in float32: its gradient is as many times that of the mean, and "
            "its last digits are lost",
            ("loss", "reduction"),
            help='reduction = "mean", a smaller batch, or a `scale`',
        )


@rule("SN728", "network")
def batch_of_one_row(subject: Subject) -> Iterator[Finding]:
    """A batch of one row, whose mean is that row and whose variance is 0, in front of batch_norm."""
    network, training = subject.network, subject.spec.training
    rows = network.signature.rows["train"]
    size = batch_rows(subject.spec, rows)
    if training.batch_size is None or (size > 1 and (training.drop_last or rows % size != 1)):
        return
    seen = network.forward(training=True).builder.followed
    paths = {each.observed.key_path: None for each in seen if each.values.each == 1 and each.values.powers}
    if not paths:
        return
    which = f"of {rows} rows, the last batch has one row" if size > 1 else "each batch has one row"
    drop = "" if size == 1 else "drop_last = true, or "
    yield Finding(
        f"{which}: batch_norm makes a constant of it, whatever it holds",
        next(iter(paths)),
        "type",
        f"{drop}a batch_size that leaves more rows to each batch",
    )
