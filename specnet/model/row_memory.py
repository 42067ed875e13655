"""The memory that rows of a data set take where plans read them, and what augmentations of them take."""

from __future__ import annotations

from math import prod

from specnet.data.augmentation import Sizes, scratch_bytes
from specnet.graph.sizes import ITEM_BYTES
from specnet.model.network import Network


def augmentation_sizes(network: Network, rows: int) -> Sizes:
    """Return the sizes of batches of so many rows that augmentations change."""
    spec = network.spec
    masks = None
    if network.fed_targets.masks:
        masks = spec.dtype if network.fed_targets.spread else network.outputs[""].target_dtype
    return Sizes(rows, network.signature.inputs, network.fed_targets.shape, spec.dtype, masks)


def augmentation_bytes(network: Network, rows: int) -> dict[str, int]:
    """Return the sizes of the arrays that augmentations of batches of so many rows need, each shared by all of them."""
    shared, sizes = dict[str, int](), augmentation_sizes(network, rows)
    for augmentation in network.spec.data.augmentations:
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
    if held and network.weighted:
        sizes["weights"] = ITEM_BYTES[spec.dtype]
    return sum(sizes.values())


def augmentation_memory(network: Network, rows: int, own: int | None = None) -> int:
    """Return the bytes that augmentations of batches of so many rows take beside what batches take without them.

    So many of the rows are a process's `own`; all of them if left out.
    """
    own = rows if own is None else own
    spec, signature = network.spec, network.signature
    if not spec.data.augmentations:
        return 0
    item = ITEM_BYTES[spec.dtype]
    needed = sum(augmentation_bytes(network, own).values())
    if network.fed_targets.spread:
        needed += own * item * prod(network.fed_targets.shape)
    if rows >= signature.rows["train"]:
        # A full batch is a copy of the split, in an order of its own; of what stays in files it always was one.
        copied = row_bytes(network, apart=True) - row_bytes(network, held=False)
        needed += own * copied + rows * 8
    return needed
