"""How the learning rate changes from step to step."""

from specnet.vocabulary.schedules.constant import Constant
from specnet.vocabulary.schedules.cosine import Cosine
from specnet.vocabulary.schedules.decays import InverseSqrt, Linear, Polynomial
from specnet.vocabulary.schedules.one_cycle import OneCycle
from specnet.vocabulary.schedules.plateau import Plateau
from specnet.vocabulary.schedules.run_length import RunLength
from specnet.vocabulary.schedules.schedule import SCHEDULES, Schedule
from specnet.vocabulary.schedules.source import RateSource
from specnet.vocabulary.schedules.staircases import Exponential, MultiStep, Step

SCHEDULES.add(
    Constant, Step, MultiStep, Exponential, Cosine, Linear, Polynomial, InverseSqrt, OneCycle, Plateau
)

__all__ = [
    "SCHEDULES",
    "Constant",
    "Cosine",
    "Exponential",
    "InverseSqrt",
    "Linear",
    "MultiStep",
    "OneCycle",
    "Plateau",
    "Polynomial",
    "RateSource",
    "RunLength",
    "Schedule",
    "Step",
]
