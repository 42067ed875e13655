"""Parameters that start where an earlier run ended (`init_from`, for fine-tuning), or as the data say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specnet.data.access import UNQUOTED, Access
from specnet.diagnostics import Diagnostic, KeyPath, RunError, SpecError
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import listed
from specnet.language.training import InitFrom

if TYPE_CHECKING:
    import numpy as np

    from specnet.data import Dataset
    from specnet.data.confine import Confine
    from specnet.model.compiled import CompiledModel
    from specnet.model.network import Network

    Array = np.ndarray[Any, Any]

PATH: KeyPath = ("training", "init_from")


def start_faults(network: Network, confine: Confine | None = None) -> list[Diagnostic]:
    """Return what is wrong with the run that a document starts from; nothing where it starts from scratch.

    With `confine`, the run may not lie outside of a folder.
    """
    if network.spec.training.init_from is None:
        return []
    try:
        _chosen(network, confine)
    except SpecError as error:
        return list(error.diagnostics)
    return []


def initialise(model: CompiledModel, data: Dataset) -> None:
    """Put the parameters where a document starts that depend on more than the seed: on the data, or on another run.

    Raises SpecError where there is no such run, or its parameters do not fit.
    """
    known: Mapping[str, Array] = {}
    if model.network.spec.training.init_from is not None:
        known = _chosen(model.network)
        for name, array in known.items():
            model.parameters[name][...] = array
    if any(parameter.initial.of_rows for parameter in model.network.arrays):
        from specnet.model.observing import fit_initial

        fit_initial(model, data, known)


def _chosen(network: Network, confine: Confine | None = None) -> Mapping[str, Array]:
    """Return the parameters, and running statistics, that are taken over."""
    spec = network.spec
    given = spec.training.init_from
    assert given is not None
    wanted = InitFrom(run=given) if isinstance(given, str) else given
    where = PATH if isinstance(given, str) else (*PATH, "run")
    access = Access(spec.source.folder, confine)
    path = _found(access, spec.source.folder, wanted.run, where)
    quotable = access.quotes(path)
    stored = _stored(path, wanted.run, where, quotable=quotable)
    mine = {parameter.name: parameter.shape for parameter in network.arrays}
    found: list[Diagnostic] = []
    taken = {name: array for name, array in stored.items() if name in mine}
    if wanted.layers is not None:
        taken = {}
        for place, layer in enumerate(wanted.layers):
            own = {name: array for name, array in stored.items() if _of(name, layer) and name in mine}
            if not own:
                found.append(_no_layer(layer, (*PATH, "layers", place), stored, mine))
            taken |= own
    elif not taken:
        message = f"`{wanted.run}` has no parameter that this network has"
        there = f"it has {listed(list(stored), 6)}, and the network" if quotable else "the network has"
        help = f"{there} {listed(list(mine), 6)}"
        found.append(Diagnostic("SN610", message, where, help=help))
    found += _misfits({name: array.shape for name, array in taken.items()}, mine, where)
    if found:
        raise SpecError(found)
    return taken


def _misfits(
    taken: Mapping[str, tuple[int, ...]], mine: Mapping[str, tuple[int, ...]], where: KeyPath
) -> list[Diagnostic]:
    """Return the finding that parameters have other shapes in the run than here, or nothing."""
    misfits = {name: there for name, there in taken.items() if there != mine[name]}
    if not misfits:
        return []
    shown = (
        f"`{name}` is {_shape(there)} there and {_shape(mine[name])} here" for name, there in misfits.items()
    )
    fitting = sorted({_layer(name) for name in taken} - {_layer(name) for name in misfits})
    help = ", ".join(f'"{layer}"' for layer in fitting)
    return [
        Diagnostic(
            "SN610",
            f"not all parameters fit: {'; '.join(shown)}",
            where,
            help=f"layers = [{help}] takes those that fit" if fitting else None,
        )
    ]


def _found(access: Access, base: Path, text: str, where: KeyPath) -> Path:
    """Return where the run lies that a document names; raises SpecError where there is none that may be read."""
    from specnet.runs.directory import MODEL, RESOLVED

    folders = [Path()] if Path(text).is_absolute() else [base, Path()]
    for folder in folders:
        # The files of a run may be links, too.
        for way in (text, f"{text}/{RESOLVED}", f"{text}/{MODEL}"):
            refusal = access.refusal(way, folder)
            if refusal is not None:
                raise SpecError([Diagnostic(refusal.code, refusal.message, where, help=refusal.help)])
        if _exists(folder / text):
            return folder / text
    looked = " and in ".join(dict.fromkeys(str(folder.absolute()) for folder in folders))
    places = "" if Path(text).is_absolute() else f": looked in {looked}"
    message = f"there is no run `{text}`{places}"
    raise SpecError([Diagnostic("SN609", message, where, help="`specnet runs` lists those in a folder")])


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # no file's name
        return False


def _stored(path: Path, text: str, where: KeyPath, *, quotable: bool) -> Mapping[str, Array]:
    from specnet.runs.loading import load_model

    try:
        return load_model(path).parameters
    except RunError as error:
        # What is wrong with it reveals what is in it.
        message = str(error) if quotable else f"`{text}` holds no valid run; {UNQUOTED}"
        raise SpecError([Diagnostic("SN609", message, where)]) from error


def _no_layer(
    layer: str, path: KeyPath, stored: Mapping[str, Array], mine: Mapping[str, tuple[int, ...]]
) -> Diagnostic:
    here, there = {_layer(name) for name in mine}, {_layer(name) for name in stored}
    lacks = "the run" if layer in here else "this network"
    meant = closest(layer, sorted(here & there))
    message = f"{lacks} has no layer `{layer}` with parameters"
    return Diagnostic("SN610", f"{message}; did you mean `{meant}`?" if meant else message, path)


def _of(name: str, layer: str) -> bool:
    return name.startswith(f"{layer}.")


def _layer(name: str) -> str:
    return name.rpartition(".")[0]


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
