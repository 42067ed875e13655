from __future__ import annotations

from collections.abc import Iterator

from specnet.diagnostics import Diagnostic, KeyPath
from specnet.language.spec import Spec
from specnet.language.suggestions import unknown_name
from specnet.language.training import Training
from specnet.model.groups import GROUP_CHECKS
from specnet.model.network import Network
from specnet.model.run_length import length_of
from specnet.model.searching import searching_checks
from specnet.model.topology import every
from specnet.vocabulary.kind import sound_part
from specnet.vocabulary.optimizers import Searching
from specnet.vocabulary.schedules import RunLength
from specnet.vocabulary.schedules.scheduled import ScheduledNumber

EVALUATION_ROWS = 1024
"""The most rows that are evaluated at once."""

EVALUATION_NUMBERS = 1 << 22
"""About how many numbers the widest layer may give for them, 16 MiB of float32: more gains nothing."""


UNEVEN = "SN611"
"""The code of what is wrong with batches by length."""


def check_training(
    network: Network, settings: Training | None = None, *, measured: bool = True
) -> Iterator[Diagnostic]:
    """Yield what is wrong with a document's training settings, given the network and how many rows there are.

    `settings` replaces those of the network's document where some of these have no valid value: what needs one of
    them is not checked. Without `measured`, it is not known what is measured, and what is monitored is not checked.
    """
    given = settings or network.spec.training
    monitors = (_stopping, _best_checkpoint, _watched, _thresholds, _padded) if measured else ()
    for check in (
        _searching,
        *GROUP_CHECKS,
        *monitors,
        _batches,
        _streams,
        _by_length,
        _scheduled,
        _schedule,
    ):
        yield from sound_part(check, network, given)


def _streams(network: Network, settings: Training) -> Iterator[Diagnostic]:
    """Yield the stateful layers where rows of the data do not continue each other, or batches are no part of them."""
    if not network.keeps_states:
        return
    searching = isinstance(settings.optimizer, Searching)
    if network.spec.data.continues and not searching:
        return
    message = "`stateful` needs data whose rows continue each other: text without `lines`, or arrays without `split`"
    help = "leave `stateful` out"
    if searching:
        message = (
            f"`stateful` needs an optimizer that takes a step a batch, and {settings.optimizer.type} searches"
        )
    for path, layer in every(network.spec.layers):
        if layer.keeps_states:
            yield Diagnostic("SN210", message, (*path, "stateful"), part="key", help=help)


def _by_length(network: Network, settings: Training) -> Iterator[Diagnostic]:
    """Yield why batches cannot be made by length, or need not."""
    if not (settings.by_length and network.spec.training.by_length):
        return  # or the network is that of a document whose settings are not all valid
    here: KeyPath = ("training", "batch_by")
    if network.keeps_states:
        message = "`stateful` needs rows in their order, and `batch_by` puts rows of similar length together"
        yield Diagnostic("SN210", message, here, part="key", help="leave one of them out")
    elif network.spec.data.augmentations:
        message = "augmentations change rows of one length, and batches by length have others in each batch"
        yield Diagnostic(UNEVEN, message, here, part="key", help="leave one of them out")
    elif network.signature.batches and network.signature.passing:
        message = "`batch_by` needs rows in any order, and these are read in the order of their file"
        yield Diagnostic(UNEVEN, message, here, part="key", help="leave it out, or read the data into memory")


def _scheduled(network: Network, settings: Training) -> Iterator[Diagnostic]:
    """Yield the numbers that change over the training where it is not known ahead how many steps that has."""
    if not settings.by_length:
        return
    found: list[KeyPath] = [
        (*path, "rate")
        for path, layer in every(network.spec.layers)
        if isinstance(getattr(layer, "rate", None), ScheduledNumber)
    ]
    if isinstance(getattr(settings.optimizer, "weight_decay", None), ScheduledNumber):
        found.append(("training", "optimizer", "weight_decay"))
    for path in found:
        message = f"`{path[-1]}` cannot follow a schedule: batches by length are as many as the rows turn out to need"
        yield Diagnostic(UNEVEN, message, path, help="a number, or no `batch_by`")


def _padded(network: Network, settings: Training) -> Iterator[Diagnostic]:
    """Yield that no input has padding, so that all rows are of one length."""
    if settings.by_length and network.spec.training.by_length and not network.lengths:
        message = "`batch_by` would be ignored: no input is a sequence with padding"
        help = "a `masking` layer, or `padding_index` of an embedding, says which steps are padding"
        yield Diagnostic(UNEVEN, message, ("training", "batch_by"), part="key", help=help)


def _searching(network: Network, settings: Training) -> Iterator[Diagnostic]:
    for check in searching_checks(settings):
        yield from sound_part(check, network, settings)


def _stopping(network: Network, settings: Training) -> Iterator[Diagnostic]:
    if settings.early_stopping is not None:
        path: KeyPath = ("training", "early_stopping", "monitor")
        yield from _monitor(network, settings.early_stopping.monitor, path)


def _best_checkpoint(network: Network, settings: Training) -> Iterator[Diagnostic]:
    if settings.checkpoint is not None and settings.checkpoint.best is not None:
        yield from _monitor(network, settings.checkpoint.best, ("training", "checkpoint", "best"))


def _watched(network: Network, settings: Training) -> Iterator[Diagnostic]:
    if settings.schedule.watched is not None:
        yield from _monitor(network, settings.schedule.watched, ("training", "schedule", "monitor"))


def _thresholds(network: Network, _: Training) -> Iterator[Diagnostic]:
    for output in network.outputs.values():
        if output.threshold is not None and output.is_chosen and "validation" not in network.signature.rows:
            yield Diagnostic(
                "SN321",
                f"the threshold that maximizes {output.threshold.maximized} is chosen on the validation split, and "
                "there is none",
                output.threshold.path,
                help="give `[data.split]` a `validation` fraction, or `threshold` a number",
            )


def _batches(network: Network, settings: Training) -> Iterator[Diagnostic]:
    rows = network.signature.rows.get("train")
    if (
        rows is not None
        and settings.batch_size is not None
        and length_of(settings, rows).steps_per_epoch == 0
    ):
        yield Diagnostic(
            "SN602",
            f"`drop_last` leaves no batch: the training split has {rows} rows, fewer than the "
            f"batch size {settings.batch_size}",
            ("training", "batch_size"),
            help=f"a batch size of at most {rows}, or no `drop_last`",
        )


def _schedule(network: Network, settings: Training) -> Iterator[Diagnostic]:
    rows = network.signature.rows.get("train")
    # How many batches there are of so many tokens is known once the rows have been read.
    length = None if rows is None or settings.batch_size is None else length_of(settings, rows)
    if length is not None and length.steps_per_epoch:
        yield from settings.schedule.findings(settings.optimizer.learning_rate, length)


def batch_rows(spec: Spec, rows: int) -> int:
    """Return how many rows a full batch has, of so many that there are; with `batch_tokens`, the most."""
    size = spec.training.batch_size or spec.training.batch_tokens
    return rows if size == "full" or size is None else min(size, rows)


def evaluation_rows(network: Network, rows: int) -> int:
    """Return how many rows are evaluated at once, of so many that there are.

    They are as many as a training step has where a row's cost depends on who shares its batch, or on the batch before.
    Otherwise the widest layer may give more than `EVALUATION_NUMBERS` if there are many parameters, since all of them
    are read for each batch: a quarter of their number.
    """
    if network.spec.loss.targets == "groups" or network.keeps_states:
        return batch_rows(network.spec, rows)
    numbers = max(EVALUATION_NUMBERS, network.size // 4)
    return max(1, min(rows, EVALUATION_ROWS, numbers // network.widest))


def validation_interval(settings: Training, length: RunLength) -> int:
    """Return the epochs from one validation to the next; steps where the training is counted in steps."""
    return settings.validate_every or (1 if settings.steps is None else length.steps_per_epoch)


def validations(settings: Training, length: RunLength | None = None) -> int | None:
    """Return how many validations a training comes to; None where that depends on a length that is not known."""
    if settings.steps is not None and settings.validate_every is None and length is None:
        return None
    whole = settings.epochs if settings.steps is None else settings.steps
    assert whole is not None, "a training has a length"
    every = settings.validate_every or (validation_interval(settings, length) if length is not None else 1)
    return -(-whole // every)


def _monitor(network: Network, monitor: str, path: KeyPath) -> Iterator[Diagnostic]:
    split, _, figure = monitor.partition(".")
    figures = ["loss", *(figure.label for figure in network.figures if figure.is_number)]
    known = [*(f"validation.{name}" for name in figures), "train.loss"]
    others = {each.label for each in network.figures} - {*figures}
    if split == "validation" and figure in others:
        message = f"`{figure}` is a table, and only a single number can be monitored"
        yield Diagnostic("SN603", message, path, help=f"one of {', '.join(known)}")
    elif monitor not in known:
        message = f"`{monitor}` is not measured during training"
        yield unknown_name("SN603", message, monitor, known, path, f"one of {', '.join(known)}")
    elif split == "validation" and "validation" not in network.signature.rows:
        yield Diagnostic(
            "SN604",
            f"`{figure}` is monitored on the validation split, and there is none",
            path,
            help="give `[data.split]` a `validation` fraction, or monitor train.loss",
        )
