from __future__ import annotations

from specnet.compiler.lint import Subject, lint
from specnet.compiler.memory import memory_fault
from specnet.compiler.network import Network, initial_faults, lower_layers
from specnet.compiler.settings import check_training
from specnet.data import Signature, open_data
from specnet.diagnostics import Diagnostic, SpecError
from specnet.language.spec import Spec


def study(spec: Spec, *, data: bool = True) -> list[Diagnostic]:
    """Return everything that is wrong with a valid document's graph, shapes, data and training settings.

    Nothing is trained and no array allocated. Of the data only what shapes need is read; without `data`,
    nothing is, and the layers are checked where `input_shape` pins what they get.
    """
    found: list[Diagnostic] = []
    if not data:
        found += _layers_alone(spec, spec.input_shape) if spec.input_shape is not None else []
        return [*found, *lint(Subject(spec))]
    try:
        signature, source = open_data(spec.data, spec.origin.folder)
    except SpecError as error:
        found += error.diagnostics
        return found + (_layers_alone(spec, spec.input_shape) if spec.input_shape is not None else [])
    pinned = pinned_fault(spec, signature)
    if pinned is not None:
        return [pinned, *_layers_alone(spec, spec.input_shape or ())]
    try:
        network = Network(spec, signature)
        found += check_training(network)
        if not any(d.severity == "error" for d in found):
            found += memory_fault(network)
        found += lint(Subject(spec, network, source))
    except SpecError as error:
        found += error.diagnostics
    return found


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
    )


def _layers_alone(spec: Spec, inputs: tuple[int, ...]) -> list[Diagnostic]:
    try:
        _, builder, _ = lower_layers(spec, inputs, training=False)
    except SpecError as error:
        return list(error.diagnostics)
    return initial_faults(builder.parameters.values())
