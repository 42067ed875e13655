from __future__ import annotations

from specnet.data import Signature
from specnet.data.signature import only_array
from specnet.diagnostics import Diagnostic, Label, SpecError
from specnet.language.spec import Spec
from specnet.model.augmenting import shape_faults
from specnet.model.inputs import input_arrays
from specnet.model.layer_lowering import lower_layers
from specnet.model.memory import least_memory_fault
from specnet.model.network import Network
from specnet.model.setting_faults import initial_faults, unused_settings
from specnet.model.settings import check_training
from specnet.model.uncertainty_checks import check_uncertainty


def build(
    spec: Spec,
    signature: Signature,
    threads: int | None = None,
    engine: str | None = None,
    *,
    splits: bool = True,
) -> Network:
    """Return the network of a document over data of known shapes; raises SpecError with every fault.

    Without `splits`, it is not known which splits the data have, and what needs one of them is not checked.
    """
    pinned = pinned_fault(spec, signature)
    if pinned is not None:
        raise SpecError([pinned])
    network = Network(spec, signature, threads, engine)
    found = [d for d in check_training(network, measured=splits) if d.severity == "error"]
    found += check_uncertainty(network) if splits else ()
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


def layer_faults(spec: Spec, inputs: tuple[int, ...], signature: Signature | None = None) -> list[Diagnostic]:
    """Return what is wrong with a document's layers for inputs of a shape, without its loss.

    Without the signature of its data, what only these have is left open.
    """
    found = shape_faults(spec, inputs)
    if spec.inputs is not None and signature is None:  # columns, which only the data have
        return found
    try:
        arrays = only_array(inputs, spec.dtype) if signature is None else input_arrays(spec, signature)
        _, builder, layers = lower_layers(spec, arrays, training=False, unread=signature is None)
    except SpecError as error:
        return [*found, *error.diagnostics]
    found += unused_settings(layers, spec, builder.parameters)
    found += initial_faults(builder.parameters.values())
    return found or least_memory_fault(spec, inputs, tuple(builder.parameters.values()))
