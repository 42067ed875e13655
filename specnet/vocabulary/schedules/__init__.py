"""How the learning rate changes from step to step."""

from __future__ import annotations

from specnet.vocabulary.family import Family
from specnet.vocabulary.schedules.schedule import RunLength, Schedule

SCHEDULES: Family[Schedule] = Family(
    "schedule",
    Schedule,
    __name__,
    {
        "constant": "staircases.Constant",
        "step": "staircases.StepDecay",
        "multistep": "staircases.MultiStep",
        "exponential": "staircases.Exponential",
        "cosine": "curves.Cosine",
        "flat_cosine": "curves.FlatCosine",
        "coslog": "curves.Coslog",
        "linear": "curves.Linear",
        "polynomial": "curves.Polynomial",
        "inverse_sqrt": "curves.InverseSqrt",
        "one_cycle": "curves.OneCycle",
        "plateau": "plateau.Plateau",
    },
)

__all__ = [
    "SCHEDULES",
    "RunLength",
    "Schedule",
]

__getattr__ = SCHEDULES.exported
