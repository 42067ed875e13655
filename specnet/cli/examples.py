"""A piece of a document that names a kind, made from the kind's class."""

from __future__ import annotations

import json
from typing import Any

from specnet.cli.vocabulary import FamilyEntry
from specnet.vocabulary.describe import FieldDescription, describe
from specnet.vocabulary.domain import Domain
from specnet.vocabulary.kind import Kind, Table

ALWAYS = ("activation", "learning_rate")
"""Options that every example of a kind that has them shows, in the place of another."""

VALUES: dict[str, Any] = {
    "units": 32,
    "filters": 32,
    "kernel_size": 2,
    "output_size": 2,
    "activation": "relu",
    "value": 0.1,
    "step_size": 30,
    "milestones": [30, 80],
    "gamma": 0.95,
    "classes": 3,
    "shape": [2, 2],
    "path": "table.csv",
    "target": "species",
    "name": "iris",
    "kind": "moons",
}
"""What stands for fields that a document must give, by name, where the class gives no `examples`."""


def example(entry: FamilyEntry, kind: type[Kind]) -> str:
    """Return TOML that names a kind at the place of its family, with what it needs and an option."""
    return _written(entry, {"type": describe(kind).name, **_needed(kind), **_optional(kind)})


def _written(entry: FamilyEntry, fields: dict[str, Any]) -> str:
    value = fields["type"] if len(fields) == 1 else fields
    if entry.path is None:
        assert entry.owner is not None
        assert entry.above is not None
        outer = {"type": describe(entry.owner).name, **_needed(entry.owner)}
        return _written(entry.above, {**outer, entry.field: [value] if entry.several else value})
    name = ".".join(entry.path)
    if entry.bare and isinstance(value, str):
        return f"{name} = {toml([value])}"
    room = max(map(len, fields))
    lines = [f"{key.ljust(room)} = {toml(value)}" for key, value in fields.items()]
    return "\n".join([f"[[{name}]]" if entry.several else f"[{name}]", *lines])


def _needed(kind: type[Kind]) -> dict[str, Any]:
    return {f.name: _value(kind, f) for f in describe(kind).fields if f.required}


def _optional(kind: type[Kind]) -> dict[str, Any]:
    """Return the first plain option that a kind has of its own, and whatever has a value for examples."""
    fields = [f for f in describe(kind).fields if not f.required]
    own = {
        name
        for base in kind.__mro__
        if "type" in vars(base).get("__annotations__", {})
        for name in base.__annotations__
    }
    plain = [f.name for f in fields if f.name in own and type(f.default) in (int, float, str)][:1]
    shown = {f.name for f in fields if f.name in ALWAYS} or set(plain)
    return {f.name: VALUES.get(f.name, f.default) for f in fields if f.name in shown}


def _value(kind: type[Table], field: FieldDescription) -> Any:
    given = kind.model_fields[field.name].examples
    if given:
        return given[0]
    return VALUES[field.name] if field.name in VALUES else _of(field.domain)


def _of(domain: Domain) -> Any:
    """Return a value that a domain takes."""
    if domain.form == "union":
        return _of(domain.members[0])
    if domain.form == "array":
        return [_of(domain.items)] if domain.items is not None else [_of(m) for m in domain.members]
    if domain.form == "choice":
        return domain.choices[0]
    if domain.form == "family" and domain.family is not None:
        return next(iter(domain.family.kinds))
    if domain.form in {"int", "float"}:
        low = domain.ge if domain.ge is not None else domain.gt
        return 1 if low is None or low < 1 else int(low) + 1
    return {"bool": True, "table": {}, "map": {}}.get(domain.form, "text")


def toml(value: Any) -> str:
    """Return a value as TOML writes it on one line."""
    if isinstance(value, dict) and not value:
        return "{}"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False)
