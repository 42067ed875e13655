from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from specnet.data import OpenedData, open_data
from specnet.data.confine import Confine
from specnet.diagnostics import Diagnostic, KeyPath, Position, Report, SpecError
from specnet.language.partial import SPLIT, PartialSpec
from specnet.language.spec import Spec
from specnet.lint import Subject, lint
from specnet.lint.ignoring import not_suppressed
from specnet.model.building import layer_faults, pinned_fault
from specnet.model.memory import memory_fault
from specnet.model.network import Network
from specnet.model.settings import check_training
from specnet.model.uncertainty_checks import check_uncertainty
from specnet.runs.data_checks import unchecked, value_faults
from specnet.runs.starting import start_faults
from specnet.runs.sweep_checks import sweep_faults


@dataclass(slots=True)
class Checked:
    """What was found in a document, and what was not looked at."""

    found: list[Diagnostic] = field(default_factory=list)
    unchecked: tuple[str, ...] = ()
    """What could not be checked in reasonable time, in sentences."""


def full_report(
    spec: Spec,
    report: Report,
    sound: PartialSpec | None,
    *,
    data: bool,
    ignore: Collection[str],
    confine: Confine | None,
) -> Report:
    """Return the report on a document's text and fields, with what is wrong with all that it says.

    `sound` is what is sound of a document that has faults: it is checked as far as these allow, for errors alone.
    """
    skipped: tuple[str, ...] = ()
    if sound is None:
        checked = validate_spec(spec, data=data, confine=confine)
        found, skipped = (
            not_suppressed(spec, spec.source.place(checked.found), ignore, whole=data),
            checked.unchecked,
        )
    else:
        found = [d for d in validate_partial(sound, data=data, confine=confine) if d.severity == "error"]
    return replace(
        report,
        diagnostics=_in_order((*report.diagnostics, *spec.source.place(found)), report.documents),
        sources={**report.sources, **spec.source.texts},
        unchecked=tuple(f"{name}: {sentence}" for name in report.documents[:1] for sentence in skipped),
    )


def _in_order(found: Iterable[Diagnostic], documents: tuple[str, ...]) -> tuple[Diagnostic, ...]:
    """Return findings in the order of their lines, followed by those about flags as they were given."""
    start = Position(0, 0)

    def place(finding: Diagnostic) -> tuple[bool, bool, Position]:
        elsewhere = finding.file not in documents
        return (
            elsewhere,
            finding.counts_others,
            start if elsewhere or finding.span is None else finding.span.start,
        )

    return tuple(sorted(found, key=place))


def validate_spec(
    spec: Spec,
    *,
    data: bool = True,
    confine: Confine | None = None,
) -> Checked:
    """Return everything that is wrong with a valid document's graph, shapes, data and training settings.

    Nothing is trained. Data are read as a run reads them before its first step, if there are at most `MOST` numbers
    (`runs/data_checks.py`); of others, only what shapes need and a sample. Without `data`, nothing is read, and the
    layers are checked where `input_shape` pins what they get. With `confine`, no path that the document names may
    lead out of a folder.
    """
    if not data or spec.data.passed:
        found = layer_faults(spec, spec.input_shape) if spec.input_shape is not None else []
        return Checked([*found, *sweep_faults(spec, None), *lint(Subject(spec))])
    try:
        opened = open_data(spec.data, spec.source.folder, seed=spec.seed, confine=confine)
    except SpecError as error:
        layers = layer_faults(spec, spec.input_shape) if spec.input_shape is not None else []
        return Checked([*error.diagnostics, *layers, *sweep_faults(spec, None)])
    return _with_data(spec, opened, confine)


def _with_data(spec: Spec, opened: OpenedData, confine: Confine | None) -> Checked:
    """Return what is wrong with a document whose data could be opened."""
    pinned = pinned_fault(spec, opened.signature)
    if pinned is not None:
        return Checked([pinned, *layer_faults(spec, spec.input_shape or ())])
    found: list[Diagnostic] = []
    try:
        network = Network(spec, opened.signature, found=found)
    except SpecError as error:
        return Checked([*error.diagnostics, *value_faults(spec, opened)])
    found += [*check_training(network), *check_uncertainty(network), *start_faults(network, confine)]
    if not any(d.severity == "error" for d in found):
        found += sweep_faults(spec, network)
    excess = [] if any(d.severity == "error" for d in found) else memory_fault(network)
    if excess:
        # Rows that memory cannot hold are not looked at.
        return Checked([*found, *excess, *lint(Subject(spec, network))])
    faults = value_faults(spec, opened, network, spec.loss)
    source = None if faults else opened.source
    skipped = unchecked(opened)
    try:
        warnings = list(lint(Subject(spec, network, source)))
    except SpecError as error:  # in the sample of data that are not read
        warnings = list(error.diagnostics)
    return Checked([*found, *faults, *warnings], () if skipped is None else (skipped,))


def validate_partial(
    partial_spec: PartialSpec, *, data: bool = True, confine: Confine | None = None
) -> list[Diagnostic]:
    """Return what is wrong with the sound parts of a document that has faults of language in others.

    The data, unless a fault leaves open how they are read; the layers before the first whose shape a fault leaves
    open; the loss and the metrics where all layers are known; the training settings that are valid. Warnings wait for
    a sound document.
    """
    spec, faulty, beside = partial_spec.spec, partial_spec.faulty, partial_spec.data
    found: list[Diagnostic] = []
    opened: OpenedData | None = None
    if data and "data" not in faulty and not spec.data.passed:
        try:
            opened = open_data(spec.data, spec.source.folder, seed=spec.seed, confine=confine)
        except SpecError as error:
            found += error.diagnostics
    if "transforms" in beside:  # the numbers that they would make are not known
        opened = None
    if opened is not None:
        found += value_faults(spec, opened, loss=None if "loss" in faulty else spec.loss)
    inputs = spec.input_shape or (opened.signature.inputs if opened is not None else None)
    pinned = pinned_fault(spec, opened.signature) if opened is not None else None
    if pinned is not None:
        found.append(pinned)
    if inputs is None or "input_shape" in faulty or not partial_spec.layers:
        return found
    if pinned is not None or opened is None or faulty & {"layers", "loss", "outputs"}:
        known = opened.signature if opened is not None and pinned is None else None
        return found + layer_faults(spec, inputs, known)
    return found + _of_network(partial_spec, opened)


def _of_network(partial_spec: PartialSpec, opened: OpenedData) -> list[Diagnostic]:
    """Return what is wrong with the network of a document whose layers and loss are known, and with its training."""
    settings, places = partial_spec.training, partial_spec.metrics
    found: list[Diagnostic] = []
    try:
        network = Network(partial_spec.spec, opened.signature, found=found)
    except SpecError as error:
        return list(error.diagnostics)
    if places is not None:
        found = [_at_metric(finding, places) for finding in found]
    if settings is not None and not partial_spec.data & SPLIT:  # the rows of each split are known
        found += check_training(network, settings, measured=places is None)
    if not partial_spec.data & SPLIT:
        found += check_uncertainty(network)
    return found


def _at_metric(finding: Diagnostic, places: tuple[int, ...]) -> Diagnostic:
    """Return a finding at the index that a metric has in the document."""

    def moved(path: KeyPath) -> KeyPath:
        here = path[:1] == ("metrics",) and len(path) > 1
        return ("metrics", places[int(path[1])], *path[2:]) if here else path

    labels = tuple(replace(label, path=moved(label.path)) for label in finding.labels)
    return replace(finding, path=moved(finding.path), labels=labels)
