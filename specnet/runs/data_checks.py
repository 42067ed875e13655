"""What a run would refuse in its data before the first step, found by reading them as it does."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from specnet.data import OpenedData
from specnet.diagnostics import Diagnostic, SpecError
from specnet.language.spec import Spec
from specnet.vocabulary.losses import Loss
from specnet.vocabulary.outputs import MultiOutput

if TYPE_CHECKING:
    from specnet.model.network import Network

MOST = 1 << 24
"""How many numbers are read to be checked: that takes a fraction of a second."""

KEEPING = ("standardize", "minmax", "robust_scale", "smooth_clip", "flatten", "reshape")
"""Transforms that take any finite numbers, and keep them finite."""


def value_faults(
    spec: Spec, opened: OpenedData, network: Network | None = None, loss: Loss | None = None
) -> list[Diagnostic]:
    """Return what is wrong with the values of data of at most MOST numbers.

    They are read, split, transformed and compared with the domain of the `loss` as a run does it, as the arrays that
    the `network` takes where it is known.
    """
    if numbers_of(opened) > MOST or _is_sound(spec, opened, loss):
        return []
    from specnet.data.dataset import read_data
    from specnet.model.empty_rows import check_steps
    from specnet.model.indices import check_indices
    from specnet.model.measuring_lengths import check_lengths
    from specnet.model.targets import check_targets

    try:
        arrays, target, outputs = (
            ((), None, {})
            if network is None
            else (network.inputs, network.fed_targets.array, network.outputs)
        )
        data = read_data(opened, seed=spec.seed, dtype=spec.dtype, arrays=arrays, target=target)
        if loss is not None:
            check_targets(loss, data, outputs)
        if network is not None:
            check_indices(network, data)
            check_steps(network, data)
            check_lengths(network, data)
    except SpecError as error:
        return list(error.diagnostics)
    return []


def _is_sound(spec: Spec, opened: OpenedData, loss: Loss | None) -> bool:
    """Return whether nothing can be wrong with the values of data that are made up or come with specnet."""
    finite = all(t.on == "inputs" and t.type in KEEPING for t in spec.data.transforms)
    if not opened.source.is_sound() or not finite:
        return False
    if loss is None or (loss.minimum is None and loss.maximum is None and not isinstance(loss, MultiOutput)):
        return True
    # The least and the largest class index are known.
    signature = opened.signature
    highest = (signature.class_count or 1) - 1
    return signature.integers and not isinstance(loss, MultiOutput) and loss.value_fault(0, highest) is None


def unchecked(opened: OpenedData) -> str | None:
    """Return a sentence on data that have too many values for all to be checked; None where all are."""
    count = numbers_of(opened)
    if count <= MOST or opened.source.is_sound():
        return None
    return f"the data hold {count:,} numbers, of which only a sample was checked; a run checks all before it starts"


def numbers_of(opened: OpenedData) -> int:
    """Return how many numbers are gone through to read all rows and to transform them."""
    raw, made = opened.source.description, opened.signature
    each = max(prod(raw.inputs) + prod(raw.target), prod(made.inputs) + prod(made.target))
    return max(sum(raw.rows.values()) * each, opened.source.decoded())
