from __future__ import annotations

from dataclasses import dataclass

from specnet.diagnostics import KeyPath
from specnet.language.spec import Spec
from specnet.lint.chains import ends
from specnet.vocabulary.activations import Activation
from specnet.vocabulary.layers import Layer

NOISE = frozenset({"dropout", "spatial_dropout", "gaussian_noise", "stochastic_depth"})
"""Layers that change what they get in training alone."""

PASSIVE = NOISE | {"flatten", "reshape", "permute"}
"""Layers that hand on the values that they get, in evaluation at least."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The function that a network's last values come from, and where the document names it."""

    function: Activation
    path: KeyPath


def function_of(layer: Layer) -> Activation | None:
    """Return the activation that a layer applies to its result; None where it has none, or a linear one."""
    function = getattr(layer, "activation", None)
    return function if isinstance(function, Activation) and function.type != "linear" else None


def ending(spec: Spec) -> Ending | None:
    """Return the activation of the last layer that has one, or None where the last values are a plain sum."""
    for path, layer in ends(spec.layers):
        function = function_of(layer)
        if function is not None:
            return Ending(function, (*path, "activation"))
        if layer.type not in PASSIVE and layer.type != "activation":
            return None
    return None


def last_dense(spec: Spec) -> KeyPath | None:
    """Return the place of the dense layer that gives the network's last values, None where another kind does."""
    for path, layer in ends(spec.layers):
        if layer.type == "dense":
            return path
        if layer.type not in PASSIVE and layer.type != "activation":
            return None
    return None
