from __future__ import annotations

from specnet.data import Signature, inspect_data, open_data
from specnet.data.confine import Confine
from specnet.diagnostics import Diagnostic, SpecError
from specnet.language.partial import PartialSpec
from specnet.language.spec import Spec
from specnet.lint import Subject, lint
from specnet.model.building import layer_faults, pinned_fault
from specnet.model.memory import memory_fault
from specnet.model.network import Network
from specnet.model.settings import check_training
from specnet.runs.starting import start_faults


def validate_spec(
    spec: Spec,
    *,
    data: bool = True,
    confine: Confine | None = None,
) -> list[Diagnostic]:
    """Return everything that is wrong with a valid document's graph, shapes, data and training settings.

    Nothing is trained and no array allocated. Of the data only what shapes need is read; without `data`,
    nothing is, and the layers are checked where `input_shape` pins what they get. With `confine`, no path that the
    document names may lead out of a folder.
    """
    found: list[Diagnostic] = []
    if not data or spec.data.passed:
        found += layer_faults(spec, spec.input_shape) if spec.input_shape is not None else []
        return [*found, *lint(Subject(spec))]
    try:
        opened = open_data(spec.data, spec.source.folder, confine=confine)
    except SpecError as error:
        found += error.diagnostics
        return found + (layer_faults(spec, spec.input_shape) if spec.input_shape is not None else [])
    pinned = pinned_fault(spec, opened.signature)
    if pinned is not None:
        return [pinned, *layer_faults(spec, spec.input_shape or ())]
    try:
        network = Network(spec, opened.signature)
        found += check_training(network)
        found += start_faults(network, confine)
        if not any(d.severity == "error" for d in found):
            found += memory_fault(network)
        found += lint(Subject(spec, network, opened.source))
    except SpecError as error:
        found += error.diagnostics
    return found


def validate_partial(
    partial_spec: PartialSpec, *, data: bool = True, confine: Confine | None = None
) -> list[Diagnostic]:
    """Return what is wrong with the sound parts of a document that has faults of language in others.

    The data, if their table is sound; the layers before the first faulty one; the loss and the metrics where
    all layers are sound; the training settings where all of these are. Warnings wait for a sound document.
    """
    spec, faulty = partial_spec.spec, partial_spec.faulty
    found: list[Diagnostic] = []
    signature: Signature | None = None
    if data and "data" not in faulty and not spec.data.passed:
        try:
            signature = inspect_data(spec.data, spec.source.folder, confine=confine)
        except SpecError as error:
            found += error.diagnostics
    inputs = spec.input_shape or (signature.inputs if signature is not None else None)
    pinned = pinned_fault(spec, signature) if signature is not None else None
    if pinned is not None:
        found.append(pinned)
    if inputs is None or "input_shape" in faulty or not partial_spec.layers:
        return found
    if pinned is not None or signature is None or faulty & {"layers", "loss"}:
        return found + layer_faults(spec, inputs)
    try:
        network = Network(spec, signature)
        return found + ([] if "training" in faulty else list(check_training(network)))
    except SpecError as error:
        return [*found, *error.diagnostics]
