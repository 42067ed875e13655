"""When a sweep ends a trial early."""

from __future__ import annotations

from specnet.vocabulary.family import Family
from specnet.vocabulary.pruners.pruner import Pruner

PRUNERS: Family[Pruner] = Family(
    "pruner",
    Pruner,
    __name__,
    {
        "none": "rules.Never",
        "median": "rules.Median",
        "percentile": "rules.Percentile",
        "successive_halving": "rules.SuccessiveHalving",
        "hyperband": "rules.Hyperband",
        "threshold": "rules.Bounds",
        "patient": "patient.Patient",
    },
)

__all__ = ["PRUNERS", "Pruner"]

__getattr__ = PRUNERS.exported
