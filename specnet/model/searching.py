from __future__ import annotations

from collections.abc import Callable, Iterator

from specnet.diagnostics import Diagnostic, Edit, Fix, KeyPath, Label, Part
from specnet.language.training import Training
from specnet.model.network import Network
from specnet.model.topology import changed, every
from specnet.vocabulary.optimizers import Searching

OPTIMIZER: KeyPath = ("training", "optimizer")


def searching_checks(settings: Training) -> tuple[Callable[[Network, Training], Iterator[Diagnostic]], ...]:
    """Return what checks that an optimizer which compares losses along a line can do with the rest of the document."""
    if not isinstance(settings.optimizer, Searching):
        return ()
    return _part_of_the_rows, _unsteady_layers, _changing_rows, _idle_options


def _here(settings: Training) -> tuple[Label, ...]:
    return (Label(f"{settings.optimizer.type} is requested here", OPTIMIZER, "type"),)


def _part_of_the_rows(_: Network, settings: Training) -> Iterator[Diagnostic]:
    kind, size = settings.optimizer.type, settings.batch_size
    if size != "full":
        given = "batch_size" in settings.model_fields_set
        path: KeyPath = ("training", "batch_size") if given else OPTIMIZER
        yield Diagnostic(
            "SN606",
            f"{kind} compares losses along a line, over all rows at once, and a batch has {size}",
            path,
            part="value" if given else "type",
            help='batch_size = "full" under [training]',
            labels=_here(settings) if given else (),
            fix=Fix('write "full"', (Edit('"full"', path),)) if given else None,
        )
    if settings.accumulate > 1:
        yield Diagnostic(
            "SN606",
            f"{kind} sees all rows in each step, and {settings.accumulate} batches are to share one",
            ("training", "accumulate"),
            help="leave it out",
            labels=_here(settings),
        )


def _unsteady_layers(network: Network, settings: Training) -> Iterator[Diagnostic]:
    """Yield each layer whose values are others the next time that they are asked for."""
    lowered = network.lower(training=True)
    drawing = {value.key_path: "draws new random numbers" for value in lowered.graph if value.op.random}
    following = {each.statistic.key_path: "updates its statistics" for each in lowered.builder.followed}
    names = {info.path: info.name for info in network.layers}
    for path, what in sorted((following | drawing).items()):
        yield Diagnostic(
            "SN607",
            f"`{names.get(path, path[-1])}` {what} at each evaluation, and "
            f"{settings.optimizer.type} compares evaluations along a line",
            path,
            part="type",
            help="leave the layer out, or take another optimizer, such as adam",
            labels=_here(settings),
        )


def _changing_rows(network: Network, settings: Training) -> Iterator[Diagnostic]:
    for i, augmentation in enumerate(network.spec.data.augmentations):
        yield Diagnostic(
            "SN607",
            f"`{augmentation.type}` changes the rows from step to step, and {settings.optimizer.type} "
            "uses differences between steps",
            ("data", "augmentations", i),
            part="type",
            help="leave the augmentation out, or take another optimizer, such as adam",
            labels=_here(settings),
        )


def _idle_options(network: Network, settings: Training) -> Iterator[Diagnostic]:
    """Yield each option that says how far a step goes, or averages over steps that differ by chance."""
    schedule = settings.schedule
    found: list[tuple[KeyPath, Part]] = []
    if schedule.type != "constant" or schedule.warmup_steps or schedule.warmup_epochs:
        found.append((("training", "schedule"), "type"))
    found += [
        (("training", key), "value")
        for key in ("clip_norm", "clip_value", "ema_decay")
        if getattr(settings, key) is not None
    ]
    multiplier = "learning_rate_multiplier"
    found += [
        ((*path, multiplier), "value")
        for path, layer in every(network.spec.layers)
        if changed(layer, multiplier)
    ]
    for path, part in found:
        yield Diagnostic(
            "SN608",
            f"`{path[-1]}` has no effect with {settings.optimizer.type}, which chooses the length of each step",
            path,
            part=part,
            help="leave it out, or take another optimizer, such as adam",
            labels=_here(settings),
        )
