"""What layers share that multiply by a kernel, and add a bias."""

from __future__ import annotations

from typing import Annotated

from specnet.graph.builder import Builder
from specnet.graph.graph import Value
from specnet.graph.parameter import Initial
from specnet.graph.scopes import ObservedValue
from specnet.vocabulary.initializers import INITIALIZERS, Initializer
from specnet.vocabulary.layers import Layer
from specnet.vocabulary.regularizers import REGULARIZERS, Regularizer


class Kernelled(Layer):
    """Base of layers that multiply by a kernel."""

    kernel_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("glorot_uniform")
    """Initializer of the kernel."""
    kernel_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """Penalty on the kernel that is added to the loss."""

    def kernel(self, build: Builder, *shape: int) -> Value:
        """Declare the kernel."""
        return build.parameter("kernel", shape, self.kernel_init, self.kernel_regularizer)


class Biased(Layer):
    """Base of layers that may add a bias."""

    use_bias: bool = True
    """Whether to add a bias."""
    bias_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("zeros")
    """Initializer of the bias."""
    bias_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """Penalty on the bias that is added to the loss."""

    def biases(self, build: Builder, features: int, observed: ObservedValue | None = None) -> list[Value]:
        """Declare the bias (features,), where there is one."""
        if not self.use_bias:
            return []
        return [build.parameter("bias", (features,), self.initial_bias, self.bias_regularizer, observed)]

    @property
    def initial_bias(self) -> Initial:
        """Where the bias starts."""
        return self.bias_init

    def biased(self, build: Builder, y: Value, features: int) -> Value:
        """Return y (batch, ..., features) plus the bias, where there is one."""
        for bias in self.biases(build, features):
            y = y + bias
        return y


class Weighted(Biased, Kernelled):
    """Base of layers that multiply rows by a kernel, and may add a bias."""

    def linear(self, build: Builder, x: Value, units: int) -> Value:
        """Return x·kernel, plus the bias where there is one: x (batch, ..., in) to (batch, ..., units)."""
        y = x @ self.kernel(build, self.features(x), units)
        return self.biased(build, y, units)
