from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from specnet.data.pipeline import Pipeline
from specnet.engines.use import ModelUse
from specnet.model.calibrators import Calibrators
from specnet.model.network import Network
from specnet.model.outputs import NetworkOutput
from specnet.model.uncertainty import Uncertainty

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class FittedModel(Protocol):
    """What calibrations and intervals need of a model: it is made of what they give, so they cannot name it."""

    @property
    def network(self) -> Network:
        """Its network."""

    @property
    def use(self) -> ModelUse:
        """Who uses it."""

    @property
    def uncertainty(self) -> Uncertainty | None:
        """Its calibration and its intervals, if it has some."""

    @property
    def calibrators(self) -> Calibrators:
        """What calibrates its outputs."""

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The names of the classes, if the data name them."""

    def leaves(self, **arrays: Array) -> dict[str, Array]:
        """Return what a program over its parameters is bound to, and some other arrays."""

    def way_back(self, output: NetworkOutput) -> Pipeline | None:
        """Return the transforms that lead from an output back to the units of the data."""

    def predictions(self, inputs: Any) -> dict[str, Array]:
        """Return predictions in the units of the data by output."""

    def deviations(self, inputs: Any) -> dict[str, Array]:
        """Return how far the members of ensembles are apart, by the outputs that ensembles give."""

    def uncalibrated(self, inputs: Any) -> dict[str, Array]:
        """Return what the network itself gives by output."""
