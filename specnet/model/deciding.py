"""From which values of an output its labels are predicted, as a document says."""

from __future__ import annotations

from dataclasses import dataclass

from specnet.diagnostics import Diagnostic, KeyPath, Label, SpecError
from specnet.diagnostics.text import counted
from specnet.vocabulary.losses import Loss
from specnet.vocabulary.outputs import NamedOutput
from specnet.vocabulary.thresholds import Measure


@dataclass(frozen=True, slots=True)
class DecisionThreshold:
    """The thresholds of an output that a document gives, or lets a run choose."""

    values: tuple[float, ...]
    """One for each label; before a run has chosen them, those of the loss."""
    maximized: Measure | None
    """What they are chosen for on the validation split; None if the document gives numbers."""
    path: KeyPath


def threshold_path(output: str) -> KeyPath:
    """Return where a document sets the threshold of an output; the only one has no name."""
    return ("outputs", output, "threshold") if output else ("output", "threshold")


def decision_threshold(
    name: str, asked: NamedOutput, shape: tuple[int, ...], *, of_inputs: bool
) -> DecisionThreshold | None:
    """Return the thresholds of an output whose predictions have a shape; None if the document sets none.

    Raises SpecError for an output without labels, and for numbers that do not fit it.
    """
    given, loss, path = asked.threshold, asked.loss, threshold_path(name)
    if given is None:
        return None
    if loss.targets != "binary" or of_inputs:
        raise _without_labels(name, loss, path, of_inputs=of_inputs)
    labels = shape[-1] if shape else 1
    one = not isinstance(given, tuple | str)
    if not one and len(shape) > 1 and labels > 1:
        message = f"one threshold is for all places of an image, and the output is {list(shape)}"
        raise SpecError([Diagnostic("SN320", message, path, help="give one number")])
    if isinstance(given, str):
        return DecisionThreshold((loss.threshold,) * labels, given, path)
    values = tuple(map(float, given)) if isinstance(given, tuple) else (float(given),) * labels
    if len(values) != labels:
        message = (
            f"there are {counted(len(values), 'threshold')}, and the output has {counted(labels, 'label')}"
        )
        help = "give one number for all labels, or one for each, in the order of the target's columns"
        raise SpecError([Diagnostic("SN320", message, path, help=help)])
    outside = next((n for n, value in enumerate(values) if not 0.0 <= value <= 1.0), None)
    if loss.output_activation == "sigmoid" and outside is not None:
        message = f"a probability is from 0 to 1, and the threshold is {values[outside]:g}"
        raise SpecError([Diagnostic("SN320", message, path if one else (*path, outside))])
    return DecisionThreshold(values, None, path)


def _without_labels(name: str, loss: Loss, path: KeyPath, *, of_inputs: bool) -> SpecError:
    where = Label("the loss", ("outputs", name, "loss") if name else ("loss",), "type")
    message = f"`threshold` is for binary labels, and {loss.type} has none"
    help = "leave `threshold` out"
    if of_inputs:
        message = "`threshold` is for binary labels, and the targets are the inputs"
    elif loss.targets == "classes":
        message = f"`threshold` is for binary labels, and {loss.type} predicts the most probable class"
        help = f'for two classes, one unit and loss = "{loss.binary}"'
    return SpecError([Diagnostic("SN320", message, path, help=help, labels=(where,))])
