from __future__ import annotations

from typing import Literal

from specnet.graph.graph import Value
from specnet.vocabulary.activations import Activation


class LinearActivation(Activation):
    """y = x."""

    type: Literal["linear"] = "linear"

    def lower(self, x: Value) -> Value:
        return x
