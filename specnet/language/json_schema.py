"""The JSON Schema of documents, made from the classes that read them."""

from __future__ import annotations

from typing import Any

from specnet.diagnostics.text import article
from specnet.language.spec import Spec
from specnet.vocabulary.describe import FieldDescription, describe
from specnet.vocabulary.domain import Domain, domains
from specnet.vocabulary.family import Family
from specnet.vocabulary.kind import Kind, Table

ID = "urn:specnet:schema:1"
"""The name of the schema of this version of the language. It is no address: nothing is fetched from one."""

WHOLE = r"^\$\{[^}]+\}$"
"""A string that is one reference, and stands for a value of any type."""

WITHIN = r"\$\{"
"""What a string has in it that is made of references."""

REFERENCE = {"type": "string", "pattern": WHOLE}

_TYPES = {"bool": "boolean", "int": "integer", "float": "number", "text": "string"}
_LIMITS = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
    "multiple_of": "multipleOf",
}


def schema() -> dict[str, Any]:
    """Return the closed JSON Schema (2020-12) of a document of version 1, in TOML or in JSON.

    A family is one of its kinds, distinguished by `type`, or the bare name of a kind that needs no field. A reference
    may stand for any value but a table. A document with `extends` may leave out what it does not change. What
    relates several fields, or the document and its data, no schema can say; `specnet validate` checks it.
    """
    writer = _Writer()
    document, extending = writer.table(Spec), writer.part(Spec)
    # A network has a loss, or several outputs with a loss each.
    document["required"].remove("loss")
    document["anyOf"] = [{"required": ["loss"]}, {"required": ["outputs"]}]
    for made in (document, extending):
        made["properties"] = {
            "$schema": {"type": "string", "description": "Where this schema is; for JSON documents."},
            **made["properties"],
        }
    writer.definitions["document"] = document
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "specnet document, version 1",
        **extending,
        "required": ["specnet"],
        "if": {"required": ["extends"]},
        "else": {"$ref": "#/$defs/document"},
        "$defs": dict(sorted(writer.definitions.items())),
    }


class _Writer:
    """Writes each class and family once, under `$defs`."""

    def __init__(self) -> None:
        self.definitions: dict[str, dict[str, Any]] = {}
        self.classes: dict[str, type[Table]] = {}

    def table(self, table: type[Table]) -> dict[str, Any]:
        """Return the schema of a table with its fields."""
        description = describe(table)
        properties: dict[str, Any] = {}
        if issubclass(table, Kind):
            properties["type"] = {"const": description.name, "description": description.summary}
        properties |= {field.name: self.owned(table, field) for field in description.fields}
        required = [name for name, info in table.model_fields.items() if info.is_required()]
        if issubclass(table, Kind):
            required.insert(0, "type")
        either = [{"required": [name]} for pair in table.instead.items() for name in pair]
        required = [name for name in required if name not in table.instead]
        return {
            "description": description.summary,
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
            **({"required": required} if required else {}),
            **({"anyOf": either} if either else {}),
        }

    def part(self, table: type[Table]) -> dict[str, Any]:
        """Return the schema of a table that is merged with another's, so that it needs none of its keys."""
        made = self.table(table)
        made.pop("required", None)
        for field in describe(table).fields:
            if _holds_tables(field.domain):
                described = {"description": field.text, **self.part_of(field.domain)}
                made["properties"][field.name] = described
        return made

    def part_of(self, domain: Domain) -> dict[str, Any]:
        """Return the schema of what a field may have where it is merged with another's."""
        made = self.bare_part(domain) | dict(domain.extra)
        return {"anyOf": [made, {"type": "null"}]} if domain.null else made

    def bare_part(self, domain: Domain) -> dict[str, Any]:
        """Return the schema of `part_of` without null."""
        if domain.form == "union":
            return {"anyOf": [self.part_of(member) for member in domain.members]}
        if domain.form == "map" and domain.items is not None:
            return {"type": "object", "additionalProperties": self.part_of(domain.items)}
        if domain.table is not None:
            name = f"{domain.table.__name__}.part"
            if name not in self.definitions:
                self.definitions[name] = {}
                self.definitions[name] = self.part(domain.table)
            return {"$ref": f"#/$defs/{name}"}
        if domain.family is not None:
            some = {"type": "object", "description": "Those of its keys that differ."}
            return {"anyOf": [self.family(domain.family), some]}
        return self.bare(domain)

    def owned(self, table: type[Table], field: FieldDescription) -> dict[str, Any]:
        """Return the schema of a table's field; what a kind has from its family is written once for all of them."""
        if field.owner is table or not issubclass(field.owner, Kind):
            return self.field(field)
        name = f"{field.owner.__name__}.{field.name}"
        made = self.field(field)
        if self.definitions.setdefault(name, made) != made:
            return made
        return {"$ref": f"#/$defs/{name}"}

    def field(self, field: FieldDescription) -> dict[str, Any]:
        """Return the schema of one field."""
        made = {"description": field.text, **self.domain(field.domain)}
        if field.default is not None:
            made["default"] = field.default
        return made

    def domain(self, domain: Domain) -> dict[str, Any]:
        """Return the schema of the values that a field takes."""
        made = self.bare(domain) | dict(domain.extra)
        if not domain.null or domain.form == "any":
            return made
        if isinstance(made.get("type"), list):
            return {**made, "type": [*made["type"], "null"]}
        return {"anyOf": [*made.get("anyOf", [made]), {"type": "null"}]}

    def bare(self, domain: Domain) -> dict[str, Any]:
        """Return the schema of a domain without null."""
        if domain.form == "union":
            return {"anyOf": [self.domain(member) for member in domain.members]}
        if domain.form == "choice":
            return {"anyOf": [{"enum": list(domain.choices)}, REFERENCE]}
        if domain.form == "array":
            return self.array(domain)
        if domain.form == "map" and domain.items is not None:
            if domain.items.form == "any":
                return {"type": "object"}
            minimum = {"minProperties": domain.min_length} if domain.min_length else {}
            return {"type": "object", **minimum, "additionalProperties": self.domain(domain.items)}
        if domain.table is not None:
            return self.reference(domain.table)
        if domain.family is not None:
            return self.family(domain.family)
        return self.scalar(domain)

    def scalar(self, domain: Domain) -> dict[str, Any]:
        """Return the schema of a number, a string, true or false."""
        if domain.form not in _TYPES:
            return {}
        made: dict[str, Any] = {"type": ["string"]}
        if domain.form != "text":
            made = {"type": [_TYPES[domain.form], "string"], "pattern": WHOLE}
        for name, key in _LIMITS.items():
            value = getattr(domain, name)
            if value is not None:
                made[key] = value
        if domain.form == "text":
            limits = {
                "minLength": domain.min_length,
                "maxLength": domain.max_length,
                "pattern": domain.pattern and f"{domain.pattern}|{WITHIN}",
            }
            made |= {key: value for key, value in limits.items() if value is not None}
        return made

    def array(self, domain: Domain) -> dict[str, Any]:
        """Return the schema of an array."""
        made: dict[str, Any] = {"type": ["array", "string"], "pattern": WHOLE}
        if domain.members:
            made |= {"prefixItems": [self.domain(member) for member in domain.members], "items": False}
        elif domain.items is not None and domain.items.form != "any":
            made["items"] = self.domain(domain.items)
        if domain.min_length:
            made["minItems"] = domain.min_length
        if domain.max_length is not None:
            made["maxItems"] = domain.max_length
        return made

    def family(self, family: Family[Any]) -> dict[str, Any]:
        """Return a reference to a family, which is written when it is first met."""
        name = family.name
        if name not in self.definitions:
            self.definitions[name] = {}
            kinds = [self.reference(kind, f"{name}.{key}") for key, kind in family.kinds.items()]
            bare = [key for key, kind in family.kinds.items() if not _needs(kind)]
            names = {"enum": bare, "description": f"{article(name).capitalize()} with all its defaults."}
            self.definitions[name] = {"oneOf": [*([names] if bare else []), *kinds, REFERENCE]}
        return {"$ref": f"#/$defs/{name}"}

    def reference(self, table: type[Table], name: str | None = None) -> dict[str, Any]:
        """Return a reference to a table, which is written when it is first met."""
        name = name or table.__name__
        if self.classes.setdefault(name, table) is not table:
            raise TypeError(f"two classes would be {name} in the schema: {table} and {self.classes[name]}")
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] = self.table(table)
        return {"$ref": f"#/$defs/{name}"}


def _holds_tables(domain: Domain) -> bool:
    if domain.form == "union":
        return any(map(_holds_tables, domain.members))
    if domain.form == "map" and domain.items is not None:
        return _holds_tables(domain.items)
    return domain.table is not None or domain.family is not None


def _needs(kind: type[Table]) -> bool:
    return any(kind.model_fields[name].is_required() for name in domains(kind))
