from __future__ import annotations

from specnet.data import Dataset
from specnet.diagnostics import Diagnostic, SpecError
from specnet.vocabulary.losses import Loss


def check_targets(loss: Loss, data: Dataset) -> None:
    """Raise SpecError where a loss makes no sense of some split's targets, such as probabilities above 1."""
    found = []
    for name, split in data.splits.items():
        problem = loss.value_fault(float(split.targets.min()), float(split.targets.max()))
        if problem is not None:
            found.append(Diagnostic("SN413", f"{problem} ({name})", ("loss",), part="type"))
    if found:
        raise SpecError(found)
