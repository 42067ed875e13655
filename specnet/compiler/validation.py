from __future__ import annotations

from collections.abc import Callable, Iterable

from specnet.compiler.augmenting import shape_faults
from specnet.compiler.lint import Subject, lint
from specnet.compiler.memory import memory_fault
from specnet.compiler.network import Network, initial_faults, lower_layers, unused_settings
from specnet.compiler.settings import check_training
from specnet.data import Signature, open_data
from specnet.data.confine import Confine
from specnet.data.signature import only_array
from specnet.diagnostics import Diagnostic, Label, SpecError
from specnet.language.partial import PartialSpec
from specnet.language.spec import Spec


def validate_spec(
    spec: Spec,
    *,
    data: bool = True,
    beyond: Callable[[Network], Iterable[Diagnostic]] = lambda _: (),
    confine: Confine | None = None,
) -> list[Diagnostic]:
    """Return everything that is wrong with a valid document's graph, shapes, data and training settings.

    Nothing is trained and no array allocated. Of the data only what shapes need is read; without `data`,
    nothing is, and the layers are checked where `input_shape` pins what they get. `beyond` finds what else
    is wrong with a sound network. With `confine`, no path of the data may lead out of a folder.
    """
    found: list[Diagnostic] = []
    if not data:
        found += _layers_alone(spec, spec.input_shape) if spec.input_shape is not None else []
        return [*found, *lint(Subject(spec))]
    try:
        signature, source = open_data(spec.data, spec.source.folder, confine=confine)
    except SpecError as error:
        found += error.diagnostics
        return found + (_layers_alone(spec, spec.input_shape) if spec.input_shape is not None else [])
    pinned = pinned_fault(spec, signature)
    if pinned is not None:
        return [pinned, *_layers_alone(spec, spec.input_shape or ())]
    try:
        network = Network(spec, signature)
        found += check_training(network)
        found += beyond(network)
        if not any(d.severity == "error" for d in found):
            found += memory_fault(network)
        found += lint(Subject(spec, network, source))
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
    if data and "data" not in faulty:
        try:
            signature = open_data(spec.data, spec.source.folder, confine=confine)[0]
        except SpecError as error:
            found += error.diagnostics
    inputs = spec.input_shape or (signature.inputs if signature is not None else None)
    pinned = pinned_fault(spec, signature) if signature is not None else None
    if pinned is not None:
        found.append(pinned)
    if inputs is None or "input_shape" in faulty or not partial_spec.layers:
        return found
    if pinned is not None or signature is None or faulty & {"layers", "loss"}:
        return found + _layers_alone(spec, inputs)
    try:
        network = Network(spec, signature)
        return found + ([] if "training" in faulty else list(check_training(network)))
    except SpecError as error:
        return [*found, *error.diagnostics]


def build(spec: Spec, signature: Signature) -> Network:
    """Return the network of a document over data of known shapes; raises SpecError with every fault."""
    pinned = pinned_fault(spec, signature)
    if pinned is not None:
        raise SpecError([pinned])
    network = Network(spec, signature)
    found = [d for d in check_training(network) if d.severity == "error"]
    if found:
        raise SpecError(found)
    return network


def pinned_fault(spec: Spec, signature: Signature) -> Diagnostic | None:
    """Return the finding that the data's inputs have another shape than the document pins."""
    if spec.input_shape is None or spec.input_shape == signature.inputs:
        return None
    return Diagnostic(
        "SN402",
        f"`input_shape` is {list(spec.input_shape)}, and the data's inputs are {list(signature.inputs)}",
        ("input_shape",),
        help=f"input_shape = {list(signature.inputs)}, or a `reshape` transform",
        labels=(Label(f"this gives {list(signature.inputs)}", ("data",), "type"),),
    )


def _layers_alone(spec: Spec, inputs: tuple[int, ...]) -> list[Diagnostic]:
    found = shape_faults(spec, inputs)
    if spec.inputs is not None:  # columns, which only the data have
        return found
    try:
        _, builder, layers = lower_layers(spec, only_array(inputs, spec.dtype), training=False)
    except SpecError as error:
        return [*found, *error.diagnostics]
    found += unused_settings(layers, spec, builder.parameters)
    return found + initial_faults(builder.parameters.values())
