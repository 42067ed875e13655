"""What is valid in a document that has faults: table by table, and field by field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import SchemaValidator, core_schema

from specnet.diagnostics import KeyPath
from specnet.language.advice import advice
from specnet.language.resolve import table_of
from specnet.language.suggestions import meant_key
from specnet.vocabulary.domain import Domain, domains, members
from specnet.vocabulary.kind import Table


class _Invalid(Enum):
    INVALID = "a value that its field does not take"


INVALID = _Invalid.INVALID


@dataclass(slots=True)
class SoundTable:
    """What is valid in a table that has faults."""

    path: KeyPath
    table: Table
    """The table without its invalid fields, whose tables may be such tables as well: reading an invalid field raises
    UnsoundError."""
    invalid: set[str] = field(default_factory=set)
    """The fields that are invalid, missing, or left out where an unknown key may mean them."""
    elements: dict[str, list[tuple[Any, Any]]] = field(default_factory=dict)
    """The valid elements of fields some of whose elements are invalid, by index or key."""


def sound_tables(model: type[Table], data: dict[str, Any]) -> list[SoundTable]:
    """Return what is valid in each table of a document that has a fault or contains one; the outermost is the last."""
    found: list[SoundTable] = []
    _table(model, data, (), found)
    return found


def _table(model: type[Table], data: dict[str, Any], path: KeyPath, found: list[SoundTable]) -> Table:
    schema = _schema(model)
    data = schema.prepared(data)
    invalid = _left_open(model, data, path)
    sound = SoundTable(path, model.model_construct(), invalid)
    values: dict[str, Any] = {}
    for name, domain in domains(model).items():
        if name not in data:
            if model.model_fields[name].is_required():
                invalid.add(name)
            continue
        try:
            values[name] = schema.validator(name).validate_python(data[name])
        except ValidationError:
            value = _recovered(sound, name, domain, data[name], found)
            if value is INVALID:
                invalid.add(name)
            else:
                values[name] = value
    sound.table = model.model_construct(_fields_set=set(values), **values)
    for name in invalid:
        vars(sound.table).pop(name, None)
    found.append(sound)
    return sound.table


def _left_open(model: type[Table], data: dict[str, Any], path: KeyPath) -> set[str]:
    """Return the fields that a table leaves out and that its unknown keys may mean."""
    absent = [name for name in model.model_fields if name not in data]
    found: set[str] = set()
    for key in data:
        if key in model.model_fields:
            continue
        meant = meant_key(key, absent)
        if meant is not None:
            found.add(meant)
        elif advice(key, path, model) is not None:
            found.update(absent)
    return found


def _recovered(owner: SoundTable, name: str, domain: Domain, value: Any, found: list[SoundTable]) -> Any:
    """Return what is valid in a value that has a fault, or INVALID."""
    for member in members(domain):
        inner = _inner(member, value, (*owner.path, name), found)
        if inner is not INVALID:
            return inner
        if member.items is None:
            continue
        if member.form == "array" and isinstance(value, list | tuple):
            pairs: list[tuple[Any, Any]] = list(enumerate(value))
        elif member.form == "map" and isinstance(value, dict):
            pairs = list(value.items())
        else:
            continue
        validator = _schema(type(owner.table)).validator_of_elements(name, member.form)
        valid = list(_elements(validator, member.items, pairs, (*owner.path, name), found))
        if len(valid) < len(pairs):
            owner.elements[name] = valid
            return INVALID
        return dict(valid) if member.form == "map" else tuple(element for _, element in valid)
    return INVALID


def _elements(
    validator: SchemaValidator | None,
    domain: Domain,
    pairs: list[tuple[Any, Any]],
    path: KeyPath,
    found: list[SoundTable],
) -> Iterator[tuple[Any, Any]]:
    for key, value in pairs:
        try:
            if validator is not None:
                yield key, validator.validate_python(value)
        except ValidationError:
            inner = next(
                (
                    inner
                    for member in members(domain)
                    if (inner := _inner(member, value, (*path, key), found)) is not INVALID
                ),
                INVALID,
            )
            if inner is not INVALID:
                yield key, inner


def _inner(domain: Domain, value: Any, path: KeyPath, found: list[SoundTable]) -> Any:
    """Return what is valid in a value that is to be a table and has a fault, or INVALID."""
    table = table_of(domain, value)
    if table is None or not isinstance(value, dict | str):
        return INVALID
    if isinstance(value, str) and domain.form != "family":
        return INVALID
    return _table(table, value if isinstance(value, dict) else {"type": value}, path, found)


class _Schema:
    """Pydantic's own validators of the fields of a class, one by one."""

    def __init__(self, model: type[Table]) -> None:
        model.model_rebuild()
        node: Any = model.__pydantic_core_schema__
        self._definitions: list[Any] = []
        while node["type"] != "model" or node["cls"] is not model:
            if node["type"] == "definitions":
                self._definitions = node["definitions"]
            elif node["type"] == "definition-ref":
                node = next(each for each in self._definitions if each["ref"] == node["schema_ref"])
                continue
            node = node["schema"]
        self._config = node["config"]
        self._before: list[Any] = []
        node = node["schema"]
        while node["type"] != "model-fields":
            if node["type"] == "function-before":
                self._before.append(node["function"]["function"])
            node = node["schema"]
        self._fields: dict[str, Any] = {name: each["schema"] for name, each in node["fields"].items()}
        self._validators: dict[tuple[str, str | None], SchemaValidator | None] = {}

    def prepared(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return a table's data as its validators of mode `before` leave them."""
        for function in self._before:
            data = function(data)
        return data

    def validator(self, name: str) -> SchemaValidator:
        """Return the validator of a field."""
        validator = self._made((name, None), self._fields[name])
        assert validator is not None
        return validator

    def validator_of_elements(self, name: str, form: str) -> SchemaValidator | None:
        """Return the validator of each element of a field that takes an array or a map."""
        return self._made((name, form), _element(self._fields[name], form))

    def _made(self, key: tuple[str, str | None], node: Any) -> SchemaValidator | None:
        if key not in self._validators:
            whole = core_schema.definitions_schema(node, self._definitions) if self._definitions else node
            self._validators[key] = None if node is None else SchemaValidator(whole, self._config)
        return self._validators[key]


_schema = cache(_Schema)


def _element(node: Any, form: str) -> Any:
    """Return the schema of the elements of an array or a map, or None where a field takes neither."""
    if node["type"] == "tuple" and form == "array":
        return node["items_schema"][0]
    if node["type"] == "dict" and form == "map":
        return node["values_schema"]
    if node["type"] == "union":
        choices = [each[0] if isinstance(each, tuple) else each for each in node["choices"]]
        return next((found for each in choices if (found := _element(each, form)) is not None), None)
    return _element(node["schema"], form) if "schema" in node else None
