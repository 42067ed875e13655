from __future__ import annotations

from typing import Literal

from specnet.vocabulary.initializers.scaled import ScaledNormal, ScaledUniform


class HeUniform(ScaledUniform):
    """Uniform in ±sqrt(6 / fan_in): for relu and its variants (He et al., 2015)."""

    type: Literal["he_uniform"] = "he_uniform"

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2.0 / fan_in


class HeNormal(ScaledNormal):
    """Normal with variance 2 / fan_in, truncated at two standard deviations (He et al., 2015).

    The normal distribution is widened so that this is the variance after truncation, as in Keras;
    PyTorch's `kaiming_normal_` does not truncate.
    """

    type: Literal["he_normal"] = "he_normal"

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2.0 / fan_in
