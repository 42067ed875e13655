from __future__ import annotations

from collections.abc import Iterator, Mapping

from specnet.data import Dataset
from specnet.data.streamed import Inputs, extent
from specnet.diagnostics import Diagnostic, KeyPath, SpecError
from specnet.model.output_targets import INPUTS
from specnet.model.outputs import NetworkOutput
from specnet.vocabulary.losses import Loss
from specnet.vocabulary.outputs import MultiOutput


def check_targets(loss: Loss, data: Dataset, outputs: Mapping[str, NetworkOutput]) -> None:
    """Raise SpecError where a loss makes no sense of some split's targets, such as probabilities above 1.

    `outputs` are those of the network, as far as it is known.
    """
    found = [
        Diagnostic("SN413", f"{problem} ({name})", path, part="type")
        for path, own, output, of_inputs in _losses(loss)
        for name, split in data.splits.items()
        if (problem := _problem(own, outputs.get(output), split.inputs if of_inputs else split.targets))
        is not None
    ]
    if found:
        raise SpecError(found)


def _losses(loss: Loss) -> Iterator[tuple[KeyPath, Loss, str, bool]]:
    """Yield each loss, where the document names it, the name of its output, and whether it compares with the inputs."""
    if not isinstance(loss, MultiOutput):
        yield ("loss",), loss, "", False
        return
    for name, output in loss.outputs.items():
        yield ("outputs", name, "loss"), output.loss, name, output.target == INPUTS


def _problem(loss: Loss, output: NetworkOutput | None, targets: Inputs) -> str | None:
    if (loss.minimum is None and loss.maximum is None) or isinstance(targets, Mapping):
        return None  # several inputs are compared with nothing
    low, high = extent(targets, loss.ignored)
    problem = loss.value_fault(low, high)
    if problem is not None or output is None or loss.targets != "classes" or output.target_dtype != "int64":
        return problem
    classes = output.shape[-1]
    return (
        f"the last layer gives {classes} values, and the data has a class index {high:g}"
        if high >= classes
        else None
    )
