"""The samplers of Optuna, whose options have the names that they have there."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveFloat

from specnet.vocabulary.samplers.sampler import Sampler

Probability = Annotated[float, Field(ge=0, le=1)]


class TreeParzen(Sampler):
    """Model good and other values by densities, and try what is most likely good (Bergstra et al., 2011).

    It is the tree-structured Parzen estimator. With several objectives, it searches for their Pareto front.
    """

    optuna: ClassVar[str] = "TPESampler"

    type: Literal["tpe"] = "tpe"
    n_startup_trials: Annotated[int, Field(ge=0)] = 10
    """How many trials are drawn at random first."""
    n_ei_candidates: Annotated[int, Field(ge=1, le=10_000)] = 24
    """How many values are drawn from the density of the good ones, of which the best is tried."""


class RandomSearch(Sampler):
    """Draw every value at random, on the scale of its parameter (Bergstra and Bengio, 2012)."""

    optuna: ClassVar[str] = "RandomSampler"
    follows: ClassVar[bool] = False

    type: Literal["random"] = "random"


class GridSearch(Sampler):
    """Try every combination of values once, in random order.

    Each parameter needs `choices`, a `step`, or a range of whole numbers.
    """

    # The combinations are put into the queue of trials, where several processes take them one by one.
    optuna: ClassVar[str] = "RandomSampler"
    follows: ClassVar[bool] = False

    type: Literal["grid"] = "grid"


class QuasiMonteCarlo(Sampler):
    """Spread the trials more evenly than random ones, by a sequence of low discrepancy (Bergstra and Bengio, 2012).

    Parameters with `choices` are drawn at random.
    """

    optuna: ClassVar[str] = "QMCSampler"
    module: ClassVar[str | None] = "scipy"
    follows: ClassVar[bool] = False

    type: Literal["qmc"] = "qmc"
    qmc_type: Literal["sobol", "halton"] = "sobol"
    """The sequence."""
    scramble: bool = True
    """Whether the sequence is scrambled, by the document's seed."""


class CovarianceAdaptation(Sampler):
    """Draw values from a normal distribution that follows the better ones: CMA-ES (Hansen, 2016).

    It suits ranges of numbers, and more trials than the others; parameters with `choices` are drawn at random.
    """

    optuna: ClassVar[str] = "CmaEsSampler"
    module: ClassVar[str | None] = "cmaes"
    objectives: ClassVar[int | None] = 1

    type: Literal["cma_es"] = "cma_es"
    sigma0: PositiveFloat | None = Field(default=None, examples=[0.3])
    """The initial standard deviation; by default a sixth of the smallest range, each range counted as 1."""
    n_startup_trials: Annotated[int, Field(ge=0)] = 1
    """How many trials are drawn at random first."""
    popsize: Annotated[int, Field(ge=4, le=100_000)] | None = Field(default=None, examples=[8])
    """The number of trials of a generation; by default 4 + 3 ln n for n parameters."""


class GaussianProcess(Sampler):
    """Model the objective as a Gaussian process, and try what is expected to improve on the best (Jones et al., 1998).

    It suits few trials that take long: each new one is chosen in time that grows with the cube of those before. Optuna
    needs PyTorch for it. With several objectives, it searches for their Pareto front.
    """

    optuna: ClassVar[str] = "GPSampler"
    module: ClassVar[str | None] = "scipy"
    large_module: ClassVar[str | None] = "torch"

    type: Literal["gp"] = "gp"
    n_startup_trials: Annotated[int, Field(ge=0)] = 10
    """How many trials are drawn at random first."""
    deterministic_objective: bool = False
    """Whether the same values always give the same result, so that the model has no noise."""


class NonDominatedSorting(Sampler):
    """Breed each generation of trials from the best of the last one: NSGA-II (Deb et al., 2002).

    It is made for several objectives, and needs some generations.
    """

    optuna: ClassVar[str] = "NSGAIISampler"

    type: Literal["nsgaii"] = "nsgaii"
    population_size: Annotated[int, Field(ge=2)] = 50
    """The number of trials of a generation."""
    mutation_prob: Probability | None = Field(default=None, examples=[0.1])
    """The probability that a value is drawn again; by default 1 / n for n parameters."""
    crossover_prob: Probability = 0.9
    """The probability that a trial has two parents."""
    swapping_prob: Probability = 0.5
    """The probability that two parents' values of a parameter are swapped."""
