"""What augmentations mean for a network: whether they fit it, what they are called, and the memory that they take."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from specnet.data.augmentation import Sizes, scratch_bytes
from specnet.data.transforms import TransformError
from specnet.diagnostics import Diagnostic, KeyPath, Label
from specnet.graph.sizes import ITEM_BYTES
from specnet.language.spec import Spec

if TYPE_CHECKING:
    from specnet.model.network import Network


def augmentation_names(spec: Spec) -> list[str]:
    """Return what each augmentation is called: its type and its place among its type, from 1."""
    types = [augmentation.type for augmentation in spec.data.augmentations]
    return [f"{name}_{types[: i + 1].count(name)}" for i, name in enumerate(types)]


def shape_faults(spec: Spec, inputs: tuple[int, ...]) -> list[Diagnostic]:
    """Return what is wrong with augmentations of inputs of a shape, each at its lines."""
    found = []
    source: KeyPath = ("input_shape",) if spec.input_shape is not None else ("data",)
    for i, augmentation in enumerate(spec.data.augmentations):
        try:
            augmentation.check(inputs)
        except TransformError as error:
            path: KeyPath = ("data", "augmentations", i)
            key = error.key is not None and error.key in augmentation.model_fields_set
            found.append(
                Diagnostic(
                    "SN580",
                    str(error),
                    (*path, str(error.key)) if key else path,
                    part="value" if key else "type",
                    help=error.help,
                    labels=(
                        Label(
                            f"this gives {list(inputs)}", source, "value" if source[0] != "data" else "type"
                        ),
                    ),
                )
            )
    return found


def mixing_faults(network: Network) -> list[Diagnostic]:
    """Return the finding that a loss makes no sense of the targets that a mixing augmentation gives it."""
    spec, loss = network.spec, network.spec.loss
    for i, augmentation in enumerate(spec.data.augmentations):
        if not augmentation.mixes:
            continue
        problem = loss.unmixable or (network.spread_fault() if network.spreads else None)
        if problem is not None:
            path: KeyPath = ("data", "augmentations", i)
            labels = (Label("the loss", ("loss",), "type"),) if not network.several else ()
            message = f"{augmentation.type} averages targets: {problem}"
            return [Diagnostic("SN581", message, path, part="type", labels=labels)]
    return []


def augmentation_bytes(network: Network, rows: int) -> dict[str, int]:
    """Return the sizes of the arrays that augmentations of batches of so many rows need, each shared by all of them."""
    spec, shared = network.spec, dict[str, int]()
    sizes = Sizes(rows, network.signature.inputs, network.fed_shape, spec.dtype)
    for augmentation in spec.data.augmentations:
        for name, size in scratch_bytes(augmentation.scratch(sizes)).items():
            shared[name] = max(size, shared.get(name, 0))
    return shared


def row_bytes(network: Network, *, apart: bool = False, held: bool = True) -> int:
    """Return the bytes that one row of inputs and targets takes where plans read it.

    Targets that are the same array count once, unless each has memory `apart`; without what is `held` in arrays, only
    those count that stay in files.
    """
    signature, spec = network.signature, network.spec
    sizes: dict[object, int] = {}
    if held or "inputs" in signature.batches:
        sizes |= {array.name: ITEM_BYTES[array.dtype] * prod(array.shape) for array in network.inputs}
    for output in network.outputs.values():
        of_inputs = output.of_inputs or spec.data.reproduces
        if held or (of_inputs and "inputs" in signature.batches) or "targets" in signature.batches:
            key: object = output.name + "/" if apart else "inputs" if of_inputs else output.target_dtype
            sizes[key] = ITEM_BYTES[output.target_dtype] * prod(output.target_shape)
    return sum(sizes.values())


def augmentation_memory(network: Network, rows: int) -> int:
    """Return the bytes that augmentations of batches of so many rows take beside what batches take without them."""
    spec, signature = network.spec, network.signature
    if not spec.data.augmentations:
        return 0
    item = ITEM_BYTES[spec.dtype]
    needed = sum(augmentation_bytes(network, rows).values())
    if network.spreads:
        needed += rows * item * prod(network.fed_shape)
    if rows >= signature.rows["train"]:
        # A full batch is a copy of the split, in an order of its own; of what stays in files it always was one.
        copied = row_bytes(network, apart=True) - row_bytes(network, held=False)
        needed += rows * (copied + 8)
    return needed
