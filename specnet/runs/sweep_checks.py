"""What is wrong with a document's sweep, beyond what its fields and types say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from specnet.diagnostics import Diagnostic, KeyPath, SpecError
from specnet.model.memory import memory_fault
from specnet.model.settings import check_training
from specnet.model.sweep_objective import objective_faults

if TYPE_CHECKING:
    from specnet.language.spec import Spec
    from specnet.model.network import Network


def sweep_faults(spec: Spec, network: Network | None) -> list[Diagnostic]:
    """Return what is wrong with a valid document's sweep, if it has one.

    Without `network`, the document's own, objectives and shapes are not checked. What is varied must fit: each end of
    a range and each choice is put into the document, validated, and its network built for the data that the document
    itself has.
    """
    sweep = spec.sweep
    if sweep is None:
        return []
    from specnet.language.sweep_points import point_faults

    if network is None:
        return [*_fold_faults(spec), *point_faults(spec)]
    from specnet.model.network import Network

    signature = network.signature
    # Of a document that is itself too large, that is all there is to say.
    fits = not memory_fault(network)

    def check(made: Spec) -> list[Diagnostic]:
        if made.data != spec.data or made.seed != spec.seed:
            return []  # other rows, or another split of them, have another description
        found: list[Diagnostic] = []
        try:
            theirs = Network(made, signature, found=found)
        except SpecError as error:
            return list(error.diagnostics)
        found += check_training(theirs)
        if not fits or any(d.severity == "error" for d in found):
            return found
        return memory_fault(theirs)

    return [*objective_faults(network, sweep), *_fold_faults(spec), *point_faults(spec, check)]


def _fold_faults(spec: Spec) -> Iterator[Diagnostic]:
    """Yield that there are no folds, or fewer than a trial is to train."""
    here: KeyPath = ("sweep", "folds")
    sweep, split = spec.sweep, spec.data.split
    if sweep is None or sweep.folds is None:
        return
    if split is None or not split.is_whole:
        message = "`folds` would be ignored: the split of the data has none to choose from"
        help = "leave it out, or give `[data.split]` the number of its `folds`"
        yield Diagnostic("SN242", message, here, "key", help=help)
    elif sweep.folds > split.fold_count:
        message = f"`folds` is {sweep.folds}, and the split has {split.fold_count}"
        yield Diagnostic("SN242", message, here)
