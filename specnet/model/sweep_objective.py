"""What a sweep improves: figures of a network's splits, and in which direction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from specnet.diagnostics import Diagnostic, KeyPath
from specnet.diagnostics.text import listed
from specnet.language.suggestions import unknown_name

if TYPE_CHECKING:
    from specnet.language.sweep import Sweep
    from specnet.model.network import Network

PARAMETERS = "parameters"
"""The objective that is no figure of a split: the number of parameters."""

SPLITS = ("train", "validation", "test")


def objective_faults(network: Network, sweep: Sweep) -> Iterator[Diagnostic]:
    """Yield the objectives of a sweep that are not measured at the end of a training."""
    directions = objective_directions(network)
    tables = {figure.label for figure in network.figures if not figure.is_number}
    for place, name in enumerate(sweep.objectives):
        path: KeyPath = ("sweep", "objective")
        if not isinstance(sweep.objective, str):
            path = (*path, place)
        split, _, figure = name.partition(".")
        if name in directions:
            continue
        if split in SPLITS and split not in network.signature.rows and figure:
            message = f"`{name}` is a figure of the {split} split, and there is none"
            help = f"the splits are {listed(list(network.signature.rows))}"
            yield Diagnostic("SN640", message, path, help=help)
        elif figure in tables:
            message = f"`{figure}` is a table, and an objective is a single number"
            yield Diagnostic("SN640", message, path, help=f"one of {listed(list(directions))}")
        else:
            message = f"`{name}` is not measured"
            known = list(directions)
            yield unknown_name("SN640", message, name, known, path, f"one of {listed(known)}")


def objective_directions(network: Network) -> dict[str, Literal["minimize", "maximize"]]:
    """Return what can be an objective, with the direction that is an improvement."""
    found: dict[str, Literal["minimize", "maximize"]] = {}
    for split in network.signature.rows:
        found[f"{split}.loss"] = "minimize"
        for figure in network.figures:
            if figure.is_number:
                found[f"{split}.{figure.label}"] = "maximize" if figure.better == "higher" else "minimize"
    return {**found, PARAMETERS: "minimize"}
