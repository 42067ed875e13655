"""Putting overrides into a document's data: where each belongs, and what does not fit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from specnet.diagnostics import Diagnostic
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped, listed
from specnet.language.overrides import Override
from specnet.language.resolve import resolve
from specnet.language.wording import dotted, noun, shown_key
from specnet.vocabulary.domain import default_of
from specnet.vocabulary.kind import Table

Place = str | int


def apply(
    data: dict[str, Any], overrides: list[Override], model: type[Table]
) -> tuple[list[Override], list[Diagnostic]]:
    """Put overrides into the data of a document that is read as `model`, in order.

    Returns them with key paths as the data have them, and what does not fit. A table on the way that the document
    does not have is made, with the `type` that the model has there by default; a bare name (`loss = "mse"`) on the
    way becomes its table. Layers are found by index and by name, those in containers too: in
    `layers.residual_1.dense_2`, the key `layers` of the container may be left out.
    """
    done: list[Override] = []
    faults: list[Diagnostic] = []
    for override in overrides:
        put = _Way(data, model, override).put()
        if isinstance(put, Diagnostic):
            faults.append(put)
        else:
            done.append(put)
    return done, faults


@dataclass(slots=True)
class _Way:
    """The way of one override into a document's data."""

    data: dict[str, Any]
    model: type[Table]
    override: Override
    path: list[Place] = field(default_factory=list)
    """Where it has come to."""
    steps: list[tuple[int, int]] = field(default_factory=list)
    """Where the flag has each part of `path`."""

    def put(self) -> Override | Diagnostic:
        """Set the value, and return the override with its path in the data; or return what does not fit."""
        node: Any = self.data
        for number, step in enumerate(self.override.path):
            if self.path:
                node = self._entered(node, self.path[-1])
            places = self._places(node, str(step), number)
            if isinstance(places, Diagnostic):
                return places
            for place in places[:-1]:
                node = node[place]
            self.path += places
            self.steps += [self.override.steps[number]] * len(places)
        node[self.path[-1]] = self.override.value
        return replace(self.override, path=tuple(self.path), steps=tuple(self.steps))

    def _entered(self, node: Any, place: Any) -> Any:
        """Return what lies at a place of a table or an array, made where there is no table yet."""
        if isinstance(node, dict) and place not in node:
            node[place] = self._default()
        elif isinstance(node[place], str):
            node[place] = {"type": node[place]}
        return node[place]

    def _default(self) -> dict[str, Any]:
        """Return the table that the model has by default where the way has come to; an empty one if it has none."""
        found, name = resolve(self.model, self.data, tuple(self.path)), str(self.path[-1])
        if found.owner is None or name not in found.owner.model_fields:
            return {}
        default = default_of(found.owner.model_fields[name])
        if isinstance(default, str) and any(domain.form == "family" for domain in found.domains):
            return {"type": default}
        return dict(default) if isinstance(default, dict) and "type" in default else {}

    def _places(self, node: Any, step: str, number: int) -> list[Place] | Diagnostic:
        """Return the keys and indices that a part of the key stands for in a table or an array."""
        path = tuple(self.path)
        if isinstance(node, dict):
            index = self._layer(node.get("layers"), step, (*path, "layers")) if step not in node else None
            return [step] if index is None else ["layers", index]
        if not isinstance(node, list):
            return self._fault(number, f"{shown_key(path)} is {noun(node)}: nothing can be set below it")
        index = self._layer(node, step, path)
        if index is not None:
            return [index]
        try:
            index = int(step)
        except ValueError:
            return self._no_name(node, step, number)
        if not -len(node) <= index < len(node):
            message = f"{shown_key(path)} has no element {index}: it has {len(node)}, numbered from 0"
            return self._fault(number, message)
        return [index % len(node)]

    def _layer(self, node: Any, name: str, path: tuple[Place, ...]) -> int | None:
        """Return the index of a layer in what may be a list of layers."""
        names = self._names(node, path)
        return names.index(name) if name in names else None

    def _names(self, node: Any, path: tuple[Place, ...]) -> list[str]:
        """Return the names of the layers in a list, as `explain` shows them; none of anything else."""
        domains = resolve(self.model, self.data, path).domains if isinstance(node, list) else ()
        if not any(
            d.items is not None and d.items.family is not None and d.items.family.name == "layer"
            for d in domains
        ):
            return []
        from specnet.graph.builder import stage_names

        tables = [each if isinstance(each, dict) else {"type": each} for each in node]
        stages: list[Any] = [
            SimpleNamespace(type=str(table.get("type")), name=table.get("name")) for table in tables
        ]
        return stage_names(stages)

    def _no_name(self, node: list[Any], step: str, number: int) -> Diagnostic:
        path = tuple(self.path)
        names = self._names(node, path)
        if not names:
            message = f"{shown_key(path)} is an array, which has no `{clipped(step)}`"
            return self._fault(number, message, f"write its index, from 0: {dotted((*path, 0, step))}")
        meant = closest(step, names)
        message = f"{shown_key(path)} has no layer `{clipped(step)}`"
        if meant is not None:
            return self._fault(number, f"{message}; did you mean `{clipped(meant)}`?")
        shown, last = listed(names, 8, mark=""), len(names) - 1
        help = f"name one of {shown}, or an index from 0 to {last}" if last else f"the only layer is {shown}"
        return self._fault(number, message, help)

    def _fault(self, number: int, message: str, help: str | None = None) -> Diagnostic:
        """Return the finding that a part of the key does not fit."""
        override = self.override
        span = override.step_span(number, number + 1)
        return Diagnostic("SN109", message, help=help, file=override.file, span=span)
