"""How a sweep chooses the values of its next trial."""

from __future__ import annotations

from specnet.vocabulary.family import Family
from specnet.vocabulary.samplers.sampler import Sampler

SAMPLERS: Family[Sampler] = Family(
    "sampler",
    Sampler,
    __name__,
    {
        "tpe": "searches.TreeParzen",
        "random": "searches.RandomSearch",
        "grid": "searches.GridSearch",
        "qmc": "searches.QuasiMonteCarlo",
        "cma_es": "searches.CovarianceAdaptation",
        "gp": "searches.GaussianProcess",
        "nsgaii": "searches.NonDominatedSorting",
    },
)

__all__ = ["SAMPLERS", "Sampler"]

__getattr__ = SAMPLERS.exported
