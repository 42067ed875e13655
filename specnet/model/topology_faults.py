"""Names of layers that are used twice, and inputs and shared parameters that do not exist or do not fit."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from specnet.diagnostics import Diagnostic, KeyPath, Label, SpecError
from specnet.diagnostics.text import listed
from specnet.graph.builder import INPUT, stage_names
from specnet.language.suggestions import unknown_name
from specnet.model.topology import changed, taken_names
from specnet.vocabulary.layers import Layer

SEARCHES = 50
"""For how many unknown names of a document similar ones are searched, which takes time for each known name."""


def check_topology(layers: Sequence[Layer], given: Collection[str] = (INPUT,)) -> None:
    """Raise SpecError with everything that is wrong with the names of layers, and with what they name.

    `given` is what the document's own list of layers gets.
    """
    found = list(_faults(layers, ("layers",), [], given, count()))
    named = taken_names(layers)
    found += [
        Diagnostic(
            "SN309", f"no layer takes the input `{name}`", ("inputs", name), part="key", help="leave it out"
        )
        for name in given
        if len(given) > 1 and name not in named
    ]
    if found:
        raise SpecError(found)


@dataclass(frozen=True, slots=True)
class _Named:
    """A layer that a name stands for."""

    path: KeyPath
    type: str
    tied: str | None
    """The embedding whose table is its kernel."""


_Scope = Mapping[str, _Named | None]
"""What names stand for: a layer, or what comes from outside."""


@dataclass(slots=True)
class _Later:
    """The layers of a list that come after what is known so far, by their names."""

    path: KeyPath
    places: Mapping[str, int]
    """Where in the list the last layer of each name stands."""
    known: Collection[str]
    searches: Iterator[int]
    """Counts the names that are compared with all known ones."""
    index: int = 0
    """Where the layer stands that asks."""

    def path_of(self, name: str) -> KeyPath | None:
        """Return the place of the layer of a name if it comes here or later, and no earlier one is called so."""
        place = self.places.get(name, -1)
        return None if place < self.index or name in self.known else (*self.path, place)


def _faults(
    layers: Sequence[Layer],
    path: KeyPath,
    outer: list[_Scope],
    given: Collection[str],
    searches: Iterator[int],
    is_parallel: bool = False,
    shared: str | None = None,
) -> Iterator[Diagnostic]:
    names = stage_names(layers)
    own: dict[str, _Named | None] = dict.fromkeys(given)
    scopes = [*outer, own]
    later = _Later(path, {name: place for place, name in enumerate(names)}, own, searches)
    for index, (name, layer) in enumerate(zip(names, layers, strict=True)):
        here, later.index = (*path, index), index
        yield from _inputs(layer, name, here, scopes, later)
        if not is_parallel and layer.inputs is None and index == 0 and INPUT not in own and len(own) > 1:
            yield _no_inputs(given, here)
        yield from _share(layer, name, here, scopes, later)
        yield from _tied(layer, name, here, scopes, later)
        owner = layer.share or shared
        if owner is not None:
            yield from _ignored(layer, owner, here)
        for key, sublayers in layer.sublayers.items():
            yield from _faults(sublayers, (*here, key), scopes, (INPUT,), searches, layer.is_parallel, owner)
        if name in own:
            yield _taken(name, layer, here, own[name])
        own.setdefault(name, _Named(here, layer.type, layer.tied))


def _taken(name: str, layer: Layer, here: KeyPath, first: _Named | None) -> Diagnostic:
    label = () if first is None else (Label(f"the first `{name}` is here", first.path, "table"),)
    return Diagnostic(
        "SN301",
        f"`{name}` names the network's input, so no layer can be called that"
        if first is None
        else f"two layers are named `{name}`",
        (*here, "name") if layer.name else here,
        part="value" if layer.name else "table",
        help="give each layer a name of its own",
        labels=label,
    )


def _no_inputs(given: Collection[str], here: KeyPath) -> Diagnostic:
    return Diagnostic(
        "SN305",
        f"the first layer does not say which of the {len(given)} inputs it takes",
        here,
        part="type",
        help=f'inputs = ["{next(iter(given))}"]',
    )


def _inputs(
    layer: Layer, name: str, here: KeyPath, scopes: list[_Scope], later: _Later
) -> Iterator[Diagnostic]:
    minimum, maximum = layer.takes
    count = 1 if layer.inputs is None else len(layer.inputs)
    if not minimum <= count and maximum != 1:
        path, part = ((*here, "inputs"), "value") if layer.inputs is not None else (here, "type")
        yield Diagnostic(
            "SN305",
            f"{layer.type} takes {_amount(minimum, maximum)}, got {count}",
            path,
            part=part,  # type: ignore[arg-type]
            help=f'name them: inputs = ["a", "b"]; `"{INPUT}"` is the input of the list of layers',
        )
    elif maximum is not None and count > maximum:
        yield Diagnostic(
            "SN305",
            f"{layer.type} takes {_amount(minimum, maximum)}, got {count}",
            (*here, "inputs"),
            help="a layer that joins them, such as `concat` or `add`, can come before it"
            if maximum == 1
            else None,
        )
    for place, wanted in enumerate(layer.inputs or ()):
        if not any(wanted in scope for scope in scopes):
            yield _unknown(wanted, name, (*here, "inputs", place), scopes, later)


def _share(
    layer: Layer, name: str, here: KeyPath, scopes: list[_Scope], later: _Later
) -> Iterator[Diagnostic]:
    if layer.share is None:
        return
    path = (*here, "share")
    found = next((scope[layer.share] for scope in reversed(scopes) if layer.share in scope), None)
    if not any(layer.share in scope for scope in scopes):
        yield _unknown(layer.share, name, path, scopes, later)
    elif found is None:
        yield Diagnostic(
            "SN306", f"`{layer.share}` is the network's input, which has no parameters to share", path
        )
    elif found.tied is not None or layer.tied is not None:
        yield Diagnostic(
            "SN306",
            f"`share` would be ignored: the kernel is the table of `{layer.tied or found.tied}`",
            path,
            part="key",
            help=f'tie = "{layer.tied or found.tied}" alone uses the same table',
        )
    elif found.type != layer.type:
        yield Diagnostic(
            "SN306",
            f"a {layer.type} layer cannot use the parameters of `{layer.share}`, which is {found.type}",
            path,
            help=f'tie = "{layer.share}" makes its table, transposed, the kernel'
            if (layer.type, found.type) == ("dense", "embedding")
            else None,
            labels=(Label(f"`{layer.share}` is here", found.path, "type"),),
        )


def _tied(
    layer: Layer, name: str, here: KeyPath, scopes: list[_Scope], later: _Later
) -> Iterator[Diagnostic]:
    if layer.tied is None:
        return
    path = (*here, "tie")
    found = next((scope[layer.tied] for scope in reversed(scopes) if layer.tied in scope), None)
    if not any(layer.tied in scope for scope in scopes):
        yield _unknown(layer.tied, name, path, scopes, later)
    elif found is None:
        yield Diagnostic("SN306", f"`{layer.tied}` is the network's input, which has no table to tie", path)
    elif found.type != "embedding":
        yield Diagnostic(
            "SN306",
            f"only the table of an embedding can be tied, and `{layer.tied}` is {found.type}",
            path,
            labels=(Label(f"`{layer.tied}` is here", found.path, "type"),),
        )


def _ignored(layer: Layer, owner: str, here: KeyPath) -> Iterator[Diagnostic]:
    """Yield what a layer says about parameters that are another's."""
    for key in type(layer).model_fields:
        if key.endswith(("_init", "_regularizer")) or key in ("trainable", "learning_rate_multiplier"):
            if not changed(layer, key):
                continue
            yield Diagnostic(
                "SN306",
                f"`{key}` would be ignored: the parameters are those of `{owner}`",
                (*here, key),
                part="key",
                help=f"leave it out here, and set it on `{owner}`",
            )


def _unknown(wanted: str, name: str, path: KeyPath, scopes: list[_Scope], later: _Later) -> Diagnostic:
    place = later.path_of(wanted)
    if place is not None:
        own = wanted == name and place == path[: len(place)]
        message = (
            f"`{name}` cannot take its own output"
            if own
            else f"`{name}` cannot take the output of `{wanted}`, which comes after it"
        )
        labels = () if own else (Label(f"`{wanted}` is here", place, "type"),)
        return Diagnostic("SN304", message, path, labels=labels)
    message = f"no layer before `{name}` is called `{wanted}`"
    if next(later.searches) >= SEARCHES:
        return Diagnostic("SN303", message, path)
    known = list(dict.fromkeys(n for scope in reversed(scopes) for n in scope))
    are = "is" if len(known) == 1 else "are"
    help = f"there {are} {listed(known)}; the layers of a container can only be named inside it"
    return unknown_name("SN303", message, wanted, known, path, help)


def _amount(minimum: int, maximum: int | None) -> str:
    if maximum == 1:
        return "one input"
    return f"{minimum} inputs" if minimum == maximum else f"{minimum} inputs or more"
