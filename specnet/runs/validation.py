from __future__ import annotations

from dataclasses import dataclass, field

from specnet.data import OpenedData, open_data
from specnet.data.confine import Confine
from specnet.diagnostics import Diagnostic, SpecError
from specnet.language.partial import PartialSpec
from specnet.language.spec import Spec
from specnet.lint import Subject, lint
from specnet.model.building import layer_faults, pinned_fault
from specnet.model.memory import memory_fault
from specnet.model.network import Network
from specnet.model.settings import check_training
from specnet.runs.data_checks import unchecked, value_faults
from specnet.runs.starting import start_faults


@dataclass(slots=True)
class Checked:
    """What was found in a document, and what was not looked at."""

    found: list[Diagnostic] = field(default_factory=list)
    unchecked: tuple[str, ...] = ()
    """What could not be checked in reasonable time, in sentences."""


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
        return Checked([*found, *lint(Subject(spec))])
    try:
        opened = open_data(spec.data, spec.source.folder, confine=confine)
    except SpecError as error:
        layers = layer_faults(spec, spec.input_shape) if spec.input_shape is not None else []
        return Checked([*error.diagnostics, *layers])
    return _with_data(spec, opened, confine)


def _with_data(spec: Spec, opened: OpenedData, confine: Confine | None) -> Checked:
    """Return what is wrong with a document whose data could be opened."""
    pinned = pinned_fault(spec, opened.signature)
    if pinned is not None:
        return Checked([pinned, *layer_faults(spec, spec.input_shape or ())])
    try:
        network = Network(spec, opened.signature)
    except SpecError as error:
        return Checked([*error.diagnostics, *value_faults(spec, opened)])
    found = [*check_training(network), *start_faults(network, confine)]
    excess = [] if any(d.severity == "error" for d in found) else memory_fault(network)
    if excess:
        # Rows that memory cannot hold are not looked at.
        return Checked([*found, *excess, *lint(Subject(spec, network))])
    faults = value_faults(spec, opened, network.inputs, spec.loss)
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

    The data, if their table is sound; the layers before the first faulty one; the loss and the metrics where
    all layers are sound; the training settings where all of these are. Warnings wait for a sound document.
    """
    spec, faulty = partial_spec.spec, partial_spec.faulty
    found: list[Diagnostic] = []
    opened: OpenedData | None = None
    if data and "data" not in faulty and not spec.data.passed:
        try:
            opened = open_data(spec.data, spec.source.folder, confine=confine)
        except SpecError as error:
            found += error.diagnostics
    if opened is not None:
        found += value_faults(spec, opened, loss=None if "loss" in faulty else spec.loss)
    inputs = spec.input_shape or (opened.signature.inputs if opened is not None else None)
    pinned = pinned_fault(spec, opened.signature) if opened is not None else None
    if pinned is not None:
        found.append(pinned)
    if inputs is None or "input_shape" in faulty or not partial_spec.layers:
        return found
    if pinned is not None or opened is None or faulty & {"layers", "loss"}:
        return found + layer_faults(spec, inputs)
    try:
        network = Network(spec, opened.signature)
        return found + ([] if "training" in faulty else list(check_training(network)))
    except SpecError as error:
        return [*found, *error.diagnostics]
