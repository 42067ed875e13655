"""From a document's sweep to Optuna's search space, and from Optuna's values to the document's."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from specnet.diagnostics import RunError
from specnet.language.sweep_parameter import in_order, is_set, overrides_of
from specnet.runs.extras import needed

if TYPE_CHECKING:
    from specnet.language.sweep import Sweep
    from specnet.language.sweep_parameter import SweepParameter
    from specnet.vocabulary.pruners import Pruner

SCALAR = (str, int, float, bool, type(None))


def suggested(trial: Any, sweep: Sweep) -> dict[str, Any]:
    """Return the values of a trial by the keys that they set, as overrides; raises RunError for foreign ones."""
    chosen: dict[str, Any] = {}
    for name in in_order(sweep.parameters):
        parameter = sweep.parameters[name]
        if is_set(parameter, chosen):
            try:
                chosen[name] = _suggest(trial, name, parameter)
            except ValueError as error:  # of a trial that another program has put into the queue
                raise RunError(f"the storage has a value for {name} that it cannot have: {error}") from error
    return overrides_of(chosen)


def values_of(stored: Mapping[str, Any], sweep: Sweep) -> dict[str, Any]:
    """Return the values of a trial that is stored."""
    return {
        name: from_label(name, sweep.parameters[name], stored[name])
        for name in sweep.parameters
        if name in stored
    }


def labels(parameter: SweepParameter) -> tuple[Any, ...]:
    """Return what stands for the choices in the database: themselves, or JSON where they are no plain values."""
    choices = parameter.choices or ()
    # 1, 1.0 and true are the same to Python, and so to Optuna.
    plain = all(isinstance(each, SCALAR) for each in choices) and len(set(choices)) == len(choices)
    return choices if plain else tuple(json.dumps(each, sort_keys=True, default=str) for each in choices)


def from_label(name: str, parameter: SweepParameter, label: Any) -> Any:
    """Return the value that a label stands for."""
    if parameter.choices is None:
        return int(label) if parameter.integer else float(label)
    for own, choice in zip(labels(parameter), parameter.choices, strict=True):
        if own == label and type(own) is type(label):
            return choice
    raise RunError(f"the storage has {label!r} for {name}, which is none of its choices")


def _suggest(trial: Any, name: str, parameter: SweepParameter) -> Any:
    if parameter.choices is not None:
        return from_label(name, parameter, trial.suggest_categorical(name, labels(parameter)))
    low, high = parameter.low, parameter.high
    assert low is not None
    assert high is not None
    if parameter.integer:
        step = 1 if parameter.step is None else int(parameter.step)
        return int(trial.suggest_int(name, int(low), int(high), step=step, log=parameter.log))
    return float(trial.suggest_float(name, low, high, step=parameter.step, log=parameter.log))


def grid(sweep: Sweep, seed: int) -> list[dict[str, Any]]:
    """Return the combinations of a grid as they are stored, in random order: as many as there are to be trials."""
    import numpy as np

    columns = [
        labels(parameter) if parameter.choices is not None else parameter.values or ()
        for parameter in sweep.parameters.values()
    ]
    every = [dict(zip(sweep.parameters, row, strict=True)) for row in itertools.product(*columns)]
    order = np.random.default_rng([seed, 1]).permutation(len(every))
    return [every[place] for place in order[: sweep.budget]]


def made_sampler(sweep: Sweep, seed: int, salt: int) -> Any:
    """Return Optuna's sampler; processes that share a search have different salts, but for sequences they share."""
    import numpy as np

    kind = sweep.sampler
    entropy = [seed] if kind.type == "qmc" else [seed, salt]
    number = int(np.random.SeedSequence([*entropy, 2]).generate_state(1)[0])
    options = kind.options
    if kind.type == "qmc":
        options |= {"warn_asynchronous_seeding": False, "warn_independent_sampling": False}
    if kind.type == "cma_es":
        options |= {"warn_independent_sampling": False}
    return getattr(needed("optuna.samplers", "sweep", "a sweep"), kind.optuna)(**options, seed=number)


def made_pruner(kind: Pruner) -> Any:
    """Return Optuna's pruner."""
    options = kind.options
    if kind.type == "patient":
        inner = options.pop("pruner", None)
        options["wrapped_pruner"] = None if inner is None else made_pruner(inner)
    return getattr(needed("optuna.pruners", "sweep", "a sweep"), kind.optuna)(**options)
