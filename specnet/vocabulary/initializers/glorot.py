from __future__ import annotations

from typing import Literal

from specnet.vocabulary.initializers.scaled import ScaledNormal, ScaledUniform


class GlorotUniform(ScaledUniform):
    """Uniform in ±sqrt(6 / (fan_in + fan_out)): for tanh and sigmoid (Glorot and Bengio, 2010)."""

    type: Literal["glorot_uniform"] = "glorot_uniform"

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2.0 / (fan_in + fan_out)


class GlorotNormal(ScaledNormal):
    """Normal with variance 2 / (fan_in + fan_out), truncated at two standard deviations (Glorot and Bengio, 2010).

    The normal distribution is widened so that this is the variance after truncation, as in Keras;
    PyTorch's `xavier_normal_` does not truncate.
    """

    type: Literal["glorot_normal"] = "glorot_normal"

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2.0 / (fan_in + fan_out)
