"""How the learning rate changes from step to step."""

from __future__ import annotations

from typing import Any

from specnet.vocabulary.kind import Family
from specnet.vocabulary.schedules.run_length import RunLength
from specnet.vocabulary.schedules.schedule import Schedule
from specnet.vocabulary.schedules.source import RateSource

SCHEDULES: Family[Schedule] = Family(
    "schedule",
    __name__,
    {
        "constant": "constant.Constant",
        "step": "staircases.Step",
        "multistep": "staircases.MultiStep",
        "exponential": "staircases.Exponential",
        "cosine": "cosine.Cosine",
        "linear": "decays.Linear",
        "polynomial": "decays.Polynomial",
        "inverse_sqrt": "decays.InverseSqrt",
        "one_cycle": "one_cycle.OneCycle",
        "plateau": "plateau.Plateau",
    },
)

__all__ = [
    "SCHEDULES",
    "RateSource",
    "RunLength",
    "Schedule",
]


def __getattr__(name: str) -> Any:
    """Return a kind's class, imported when it is first asked for."""
    return SCHEDULES.exported(name)
