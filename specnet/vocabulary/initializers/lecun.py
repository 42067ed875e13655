from __future__ import annotations

from typing import Literal

from specnet.vocabulary.initializers.scaled import ScaledNormal, ScaledUniform


class LecunUniform(ScaledUniform):
    """Uniform in ±sqrt(3 / fan_in) (LeCun et al., 1998)."""

    type: Literal["lecun_uniform"] = "lecun_uniform"

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 1.0 / fan_in


class LecunNormal(ScaledNormal):
    """Normal with variance 1 / fan_in, truncated at two standard deviations: for selu (LeCun et al., 1998).

    The normal distribution is widened so that this is the variance after truncation, as in Keras.
    """

    type: Literal["lecun_normal"] = "lecun_normal"

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 1.0 / fan_in
