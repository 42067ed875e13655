from __future__ import annotations

from collections.abc import Iterator, Mapping

from specnet.data import Dataset
from specnet.data.streamed import Inputs, extent
from specnet.diagnostics import Diagnostic, KeyPath, SpecError
from specnet.model.outputs import INPUTS
from specnet.vocabulary.losses import Loss
from specnet.vocabulary.outputs import MultiOutput


def check_targets(loss: Loss, data: Dataset) -> None:
    """Raise SpecError where a loss makes no sense of some split's targets, such as probabilities above 1."""
    found = [
        Diagnostic("SN413", f"{problem} ({name})", path, part="type")
        for path, own, of_inputs in _losses(loss)
        for name, split in data.splits.items()
        if (problem := _problem(own, split.inputs if of_inputs else split.targets)) is not None
    ]
    if found:
        raise SpecError(found)


def _losses(loss: Loss) -> Iterator[tuple[KeyPath, Loss, bool]]:
    """Yield each loss, where the document names it, and whether it compares with the inputs."""
    if not isinstance(loss, MultiOutput):
        yield ("loss",), loss, False
        return
    for name, output in loss.outputs.items():
        yield ("outputs", name, "loss"), output.loss, output.target == INPUTS


def _problem(loss: Loss, targets: Inputs) -> str | None:
    if (loss.minimum is None and loss.maximum is None) or isinstance(targets, Mapping):
        return None  # several inputs are compared with nothing
    return loss.value_fault(*extent(targets))
