from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic_core import PydanticCustomError

from specnet.graph import ops
from specnet.graph.builder import Builder, MaskUse
from specnet.graph.graph import Value
from specnet.graph.sizes import static
from specnet.vocabulary.initializers import INITIALIZERS, Initializer
from specnet.vocabulary.kind import fault, table_check
from specnet.vocabulary.layers.columns import ColumnLayer, uniform_for, uniform_within


class PeriodicEmbedding(ColumnLayer):
    """Turn each column of numbers into features that oscillate with it, each column with waves of its own.

    x (batch, in) -> y (batch, columns * units + others), the features of a column next to each other, and behind them
    the columns that are not embedded. For each column of numbers, with trained frequencies f and a trained kernel,

        pbld: y = cos(2 pi f x + phases)·kernel + bias, with x itself as the last of the `units` features
        plr:  y = relu([cos(2 pi f x), sin(2 pi f x)]·kernel + bias)

    and `pl` is plr without relu. A network follows steep functions of a column far more easily so (Gorishniy et al.,
    2022, plr; Holzmüller et al., 2024, pbld). Columns should have a common scale of about 1. `frequencies` and `phases`
    are (columns, frequencies), the kernel (columns, waves, features) and the bias (columns, features). Frequencies
    start normally distributed, phases uniformly from -pi to pi, kernel and bias in ±1 / sqrt(waves).
    """

    type: Literal["periodic_embedding"] = "periodic_embedding"
    form: Literal["pbld", "plr", "pl"] = "pbld"
    """Which formula is computed."""
    frequency: PositiveFloat = 0.1
    """The standard deviation of initial frequencies, in periods for each unit of the column: the most important
    option, often between 0.01 and 1."""
    frequencies: PositiveInt = 16
    """The number of frequencies for each column."""
    units: Annotated[PositiveInt, Field(examples=[8])] = 4
    """The number of output features for each column."""

    masking: ClassVar[MaskUse] = "each"

    @table_check()
    def _beside_the_number(self) -> Iterator[PydanticCustomError]:
        if self.form == "pbld" and self.units < 2:
            message = "`pbld` gives the number itself and further features, so `units` is at least 2"
            yield fault(message, key="units", code="SN208")

    def lower(self, build: Builder, x: Value) -> Value:
        numbers, others = self.parted(build, x)
        count, with_phases = static(numbers.shape[1]), self.form == "pbld"
        waves = self.frequencies if with_phases else 2 * self.frequencies
        features = self.units - 1 if with_phases else self.units
        within = uniform_for(waves)

        def declared(name: str, size: int, initial: Initializer) -> Value:
            """Return a parameter (columns, size) as (columns, 1, size)."""
            each = build.parameter(name, (count, size), initial)
            return ops.reshape(each, shape=(count, 1, size))

        normal = INITIALIZERS.validate({"type": "normal", "stddev": self.frequency})
        each = ops.reshape(ops.transpose(numbers, axes=(1, 0)), shape=(count, x.shape[0], 1))
        angles = each * (declared("frequencies", self.frequencies, normal) * (2.0 * math.pi))
        if with_phases:
            wave = ops.cos(angles + declared("phases", self.frequencies, uniform_within(math.pi)))
        else:
            wave = ops.concat(ops.cos(angles), ops.sin(angles), axis=2)
        y = ops.MATMUL(wave, build.parameter("kernel", (count, waves, features), within))
        y = y + declared("bias", features, within)
        if self.form == "plr":
            y = ops.relu(y)
        if with_phases:
            y = ops.concat(y, each, axis=2)
        y = ops.reshape(ops.transpose(y, axes=(1, 0, 2)), shape=(x.shape[0], count * self.units))
        return y if others is None else ops.concat(y, others, axis=1)
