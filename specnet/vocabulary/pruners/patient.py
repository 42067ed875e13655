from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from specnet.vocabulary.pruners import PRUNERS
from specnet.vocabulary.pruners.pruner import Count, Pruner


class Patient(Pruner):
    """End a trial that another pruner would end, once its value has not improved for some epochs."""

    optuna: ClassVar[str] = "PatientPruner"

    type: Literal["patient"] = "patient"
    pruner: Annotated[Pruner, PRUNERS] | None = Field(default=None, examples=["median"])
    """The other pruner; by default the trial is ended whenever it has not improved."""
    patience: Count = 5
    """How many epochs without an improvement to wait."""
    min_delta: Annotated[float, Field(ge=0)] = 0.0
    """The minimum change that counts as an improvement."""
