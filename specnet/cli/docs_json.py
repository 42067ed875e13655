"""The reference of kinds and keys, for other programs."""

from __future__ import annotations

from typing import Any

from specnet.cli.examples import example, key_example
from specnet.cli.keys import Found, Key, Language, family_of, tables_of
from specnet.cli.vocabulary import FamilyEntry
from specnet.language.spec import Spec
from specnet.vocabulary.describe import FieldDescription, describe
from specnet.vocabulary.family import Family
from specnet.vocabulary.kind import Kind


def contents(language: Language) -> dict[str, Any]:
    """Return the keys of a document, and all kinds with their summaries."""
    return {
        "keys": [_field(field) for field in describe(Spec).fields],
        "families": [*map(_family, language.families)],
    }


def entries(language: Language, found: Found) -> list[dict[str, Any]]:
    """Return all that a name refers to: kinds, families and keys."""
    return [
        *(_kind(entry, kind) for entry, kind in found.kinds),
        *({"what": "family", **_family(entry)} for entry in found.families),
        *(_key(language, group) for group in found.keys),
    ]


def _kind(entry: FamilyEntry, kind: type[Kind]) -> dict[str, Any]:
    description = describe(kind)
    return {
        "what": "kind",
        "name": description.name,
        "family": entry.family.name,
        "place": entry.place,
        "summary": description.summary,
        "description": description.text,
        "fields": [*map(_field, description.fields)],
        "example": example(entry, kind),
    }


def _family(entry: FamilyEntry) -> dict[str, Any]:
    family: Family[Kind] = entry.family
    kinds = [{"name": describe(kind).name, "summary": describe(kind).summary} for kind in family]
    return {"name": entry.family.name, "place": entry.place, "kinds": kinds}


def _key(language: Language, group: list[Key]) -> dict[str, Any]:
    """Return a key; the kinds that have it give their defaults, which may differ."""
    key = group[0]
    kinds = [
        {"name": describe(each.table.table).name, **_state(each.field)}
        for each in group
        if each.table.is_kind
    ]
    return {
        "what": "key",
        **_field(key.field),
        "path": key.dotted,
        "place": key.table.place,
        "kinds": kinds,
        "example": key_example(language, key),
    }


def _field(field: FieldDescription) -> dict[str, Any]:
    family = family_of(field.domain)
    values = list(field.domain.choices) if family is None else list(family.kinds)
    return {
        "name": field.name,
        "description": field.text,
        "takes": field.takes,
        **_state(field),
        "values": values or None,
        "fields": [_field(part) for table in tables_of(field.domain) for part in describe(table).fields]
        or None,
    }


def _state(field: FieldDescription) -> dict[str, Any]:
    return {"required": field.required, "default": field.default}
