"""Faults of a layer's settings that show once its parameters are known."""

from __future__ import annotations

from collections.abc import Iterable

from specnet.diagnostics import Diagnostic, KeyPath
from specnet.graph.parameter import Parameter
from specnet.graph.scopes import LayerInfo
from specnet.language.spec import Spec
from specnet.model.topology import changed, every
from specnet.vocabulary.initializers import RowInitializer
from specnet.vocabulary.initializers.given import ConstantInitializer


def unused_settings(layers: Iterable[LayerInfo], spec: Spec, known: Iterable[str]) -> list[Diagnostic]:
    """Return the settings about parameters of layers that have none; `known` names all arrays of the model."""
    scopes = {info.path: info.scope for info in layers}
    owners = {name[:end] for name in known for end, letter in enumerate(name) if letter == "."}
    return [
        Diagnostic(
            "SN307",
            f"`{key}` would be ignored: {layer.type} has no parameters here",
            (*path, key),
            part="key",
            help=f"leave `{key}` out",
        )
        for path, layer in every(spec.layers)
        if scopes[path] not in owners
        for key in ("share", "trainable", "learning_rate_multiplier")
        if changed(layer, key)
    ]


def initial_faults(parameters: Iterable[Parameter]) -> list[Diagnostic]:
    """Return what is wrong with where parameters start: values that do not fill shapes, or are for other parameters."""
    found = []
    for parameter in parameters:
        path: KeyPath = (*parameter.key_path, parameter.field)
        initial = getattr(parameter.initial, "others", parameter.initial)  # of a part, or of each member
        if isinstance(initial, RowInitializer) and not (
            parameter.follows_rows and parameter.field == initial.field
        ):
            message = f"{parameter.name}: `{initial.type}` is for the `{initial.field}` of `dense` layers"
            found.append(Diagnostic("SN411", message, path, help="another initializer"))
            continue
        problem = parameter.initial.fault(parameter.shape)
        if problem is not None:
            if isinstance(parameter.initial, ConstantInitializer):
                path = (*path, "value")
            found.append(Diagnostic("SN411", f"{parameter.name}: {problem}", path))
    return found
