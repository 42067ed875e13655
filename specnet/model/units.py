"""The units of a last layer that says `units = "auto"`: as many as the loss and the targets need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from specnet.data import Signature
from specnet.diagnostics import Diagnostic, KeyPath, SpecError
from specnet.graph.builder import stage_names
from specnet.language.spec import Spec
from specnet.model.output_targets import INPUTS
from specnet.model.topology import every
from specnet.vocabulary.layers import Layer
from specnet.vocabulary.losses import Loss
from specnet.vocabulary.outputs import MultiOutput

AUTO = "auto"

KEEPING = frozenset({"activation", "dropout", "gaussian_dropout", "gaussian_noise", "spatial_dropout"})
"""Layers that give as many values as they get, and may stand after the last one with units."""

Asked = tuple[Loss, bool]
"""A loss, and whether its targets are the network's inputs."""


def settled(spec: Spec, signature: Signature | None) -> Spec:
    """Return a document in which every `units = "auto"` is a number; without a signature any, of which no fault speaks.

    Raises SpecError where the loss and the targets do not say how many, or a layer gives no output of the network.
    """
    asking = [path for path, layer in every(spec.layers) if getattr(layer, "units", None) == AUTO]
    if not asking:
        return spec
    wanted = dict(_last_layers(spec))
    found: list[Diagnostic] = []
    layers: Sequence[Layer] = spec.layers
    for path in asking:
        if path not in wanted:
            message = '`units = "auto"` is for a layer that gives an output of the network: a loss says what it needs'
            found.append(Diagnostic("SN311", message, (*path, "units"), help="give a number"))
            continue
        units = 1 if signature is None else _needed(*wanted[path], signature)
        if isinstance(units, str):
            found.append(Diagnostic("SN311", units, (*path, "units"), help="give a number"))
        else:
            layers = _replaced(layers, path[1:], units)
    if found:
        raise SpecError(found)
    return spec.model_copy(update={"layers": tuple(layers)})


def _last_layers(spec: Spec) -> Iterator[tuple[KeyPath, Asked]]:
    """Yield the layers that give outputs, with what is asked of these."""
    if not isinstance(spec.loss, MultiOutput):
        last = _source(spec.layers, len(spec.layers) - 1, ("layers",))
        if last is not None:
            yield last, (spec.loss, spec.data.reproduces)
        return
    names = stage_names(spec.layers)
    for name, output in spec.loss.outputs.items():
        if (output.layer or name) in names:
            last = _source(spec.layers, names.index(output.layer or name), ("layers",))
            if last is not None:
                yield last, (output.loss, output.target == INPUTS)


def _source(layers: Sequence[Layer], index: int, path: KeyPath) -> KeyPath | None:
    """Return the layer with units that what a layer of a list gives comes from; None where there is none."""
    while index >= 0:
        layer, here = layers[index], (*path, index)
        if layer.type in ("sequential", "ensemble"):
            inner = cast("Sequence[Layer]", layer.sublayers["layers"])
            return _source(inner, len(inner) - 1, (*here, "layers"))
        if layer.type not in KEEPING or layer.inputs is not None:
            return here
        index -= 1
    return None


def _needed(loss: Loss, of_inputs: bool, signature: Signature) -> int | str:
    """Return how many values a loss needs along the last axis of its outputs, or why nobody knows."""
    if loss.targets == "groups":
        return f"{loss.type} takes outputs of any size, so the number of units cannot follow from the data"
    target = signature.inputs if of_inputs else signature.target
    if loss.targets == "classes":
        if not of_inputs and signature.class_count is not None:
            return max(2, signature.class_count)
        if target and target[-1] > 1:
            return target[-1]
        return f"{loss.type} needs a value for each class, and the targets do not say how many there are"
    return (target[-1] if target else 1) * loss.outputs_per_target


def _replaced(layers: Sequence[Layer], path: KeyPath, units: int) -> Sequence[Layer]:
    """Return layers of which the one at a path, which goes through containers, has a number of units."""
    index, *rest = cast("tuple[Any, ...]", path)
    if rest:
        key, *inner = rest
        changed: dict[str, Any] = {key: tuple(_replaced(getattr(layers[index], key), tuple(inner), units))}
    else:
        changed = {"units": units}
    return [
        layer.model_copy(update=changed) if place == index else layer for place, layer in enumerate(layers)
    ]
