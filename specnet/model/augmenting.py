"""What augmentations mean for a network: what they are called, and whether they fit its inputs and its loss."""

from __future__ import annotations

from collections.abc import Iterable

from specnet.data.transforms import TransformError
from specnet.diagnostics import Diagnostic, KeyPath, Label
from specnet.language.spec import Spec


def augmentation_names(spec: Spec) -> list[str]:
    """Return what each augmentation is called: its type and its place among its type, from 1."""
    types = [augmentation.type for augmentation in spec.data.augmentations]
    return [f"{name}_{types[: i + 1].count(name)}" for i, name in enumerate(types)]


def augments_by_row(spec: Spec) -> bool:
    """Return whether each row of a batch is augmented by itself, so that processes can share the work."""
    return all(augmentation.by_row for augmentation in spec.data.augmentations)


def is_mask(target: tuple[int, ...], image: tuple[int, ...]) -> bool:
    """Return whether a target of a shape has numbers for each pixel of an input that is an image."""
    return len(image) in (2, 3) and len(target) >= 2 and target[:2] == image[:2]


def outside_of_masks(spec: Spec) -> float:
    """Return what a mask holds where a moved image has no pixel: the index that the loss ignores, or else 0."""
    ignored = getattr(spec.loss, "ignore_index", None)
    return 0.0 if ignored is None else float(ignored)


def moving_faults(spec: Spec, targets: Iterable[tuple[int, ...]], image: tuple[int, ...]) -> list[Diagnostic]:
    """Return the finding that images move without the masks that are the targets of several outputs."""
    if not any(is_mask(target, image) for target in targets):
        return []
    return [
        Diagnostic(
            "SN581",
            f"{augmentation.type} moves the pixels of images, and masks of several outputs do not move with them",
            ("data", "augmentations", i),
            part="type",
            help="leave it out, or give the network one output",
        )
        for i, augmentation in enumerate(spec.data.augmentations)
        if augmentation.moves
    ]


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


def mixing_faults(
    spec: Spec, unspread: str | None, *, several: bool, weighted: bool = False
) -> list[Diagnostic]:
    """Return the finding that a loss makes no sense of the targets that a mixing augmentation gives it.

    `unspread` says why it cannot take rows of probabilities where it is to take them in the place of class indices,
    `several` whether there are several outputs with losses of their own, and `weighted` whether rows have weights.
    """
    for i, augmentation in enumerate(spec.data.augmentations):
        if not augmentation.mixes:
            continue
        problem = spec.loss.unmixable or unspread
        if problem is None and weighted:
            message = f"{augmentation.type} averages rows, and these rows have weights of their own"
            path: KeyPath = ("data", "augmentations", i)
            return [Diagnostic("SN581", message, path, part="type", help="leave one of them out")]
        if problem is not None:
            path = ("data", "augmentations", i)
            labels = (Label("the loss", ("loss",), "type"),) if not several else ()
            message = f"{augmentation.type} averages targets: {problem}"
            return [Diagnostic("SN581", message, path, part="type", labels=labels)]
    return []
