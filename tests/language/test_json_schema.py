from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from specnet.language import values
from specnet.language.json_schema import ID, schema
from specnet.language.kinds import FAMILIES
from specnet.language.sections import Output
from specnet.language.spec import Spec
from specnet.language.training import EarlyStopping, Training
from specnet.vocabulary.domain import Domain, domains, members
from specnet.vocabulary.family import Family
from specnet.vocabulary.kind import Table

SCHEMA = schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
ROOT = Path(__file__).resolve().parents[2]

KINDS = [(family, name) for family in FAMILIES for name in family.kinds]
PROBES: list[Any] = [
    None, True, False, 0, 1, -1, 2, 3, 64, 0.5, 1.5, -0.5, 0.0, 1.0, 1e30, "", "x", "mean", "full", "a b", "iris",
    [], [1], [2, 2], [0.25, 0.5], ["x"], [None], [[1.0]], ["x", 1], {}, {"x": 1}, {"a": "b"}, {"type": "x"},
]  # fmt: skip


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == ID
    assert ID.startswith("urn:")  # an address would have to be ours for ever
    assert len(json.dumps(SCHEMA)) < 330_000
    assert schema() == SCHEMA


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(child)


def test_it_is_closed_and_described_throughout() -> None:
    tables = [node for node in nodes(SCHEMA) if isinstance(node.get("properties"), dict)]
    assert len(tables) > 60
    for table in tables:
        assert table["additionalProperties"] is False
        assert table["description"]
        for name, field in table["properties"].items():
            shared = SCHEMA["$defs"].get(field.get("$ref", "").removeprefix("#/$defs/"), {})
            assert field.get("description") or shared.get("description"), (table["description"], name)


def test_every_kind_is_in_it() -> None:
    for family, name in KINDS:
        definition = SCHEMA["$defs"][f"{family.name}.{name}"]
        assert definition["properties"]["type"]["const"] == name
        assert {"$ref": f"#/$defs/{family.name}.{name}"} in SCHEMA["$defs"][family.name]["oneOf"]


def sample(domain: Domain) -> Any:
    """A value that a field takes."""
    first = members(domain)[0]
    if first.form == "choice":
        return first.choices[0]
    if first.form == "family" and first.family is not None:
        return minimal(first.family, next(iter(first.family.kinds)))
    if first.form == "table" and first.table is not None:
        return required(first.table)
    if first.form == "array":
        if first.members:
            return [sample(member) for member in first.members]
        return (
            [sample(first.items)] * max(first.min_length or dict(first.extra).get("minItems", 0), 1)
            if first.items
            else []
        )
    return {"bool": True, "int": 2, "float": 0.5, "text": "x", "map": {}, "any": 1.0}[first.form]


def required(table: type[Table]) -> dict[str, Any]:
    fields = table.model_fields.items()
    return {name: sample(domains(table)[name]) for name, info in fields if info.is_required()}


PARTICULAR = {
    "bidirectional": {"layers": [{"type": "gru", "units": 2}]},
    "threshold": {"lower": 0.5, "upper": 1.5},
}
"""What kinds need that not just any value does for, though a schema cannot say so."""


def minimal(family: Family[Any], name: str) -> dict[str, Any]:
    return {"type": name, **required(family.kinds[name]), **PARTICULAR.get(name, {})}


def refusals(table: type[Table], data: dict[str, Any]) -> list[str]:
    try:
        table.model_validate(data)
    except ValidationError as error:
        return [e["type"] for e in error.errors(include_url=False, include_input=False)]
    return []


def sound_number(value: Any) -> bool:
    """Whether JSON Schema can tell it apart: to it 1.0 is a whole number."""
    return not (isinstance(value, float) and value.is_integer())


SCHEMA_LEVEL = {*values.CODES, "missing", "extra_forbidden", "kind_unknown", "kind_missing"}


def compare(table: type[Table], definition: str, data: dict[str, Any]) -> None:
    found = refusals(table, data)
    by_schema = VALIDATOR.evolve(schema={"$ref": f"#/$defs/{definition}", "$defs": SCHEMA["$defs"]})
    accepted = by_schema.is_valid(data)
    if not found:
        assert accepted, data
    elif set(found) <= SCHEMA_LEVEL:
        assert not accepted, (data, found)


@pytest.mark.parametrize(("family", "name"), KINDS, ids=[f"{f.name}.{n}" for f, n in KINDS])
def test_schema_and_model_agree_on_each_field_of_a_kind(family: Family[Any], name: str) -> None:
    kind = family.kinds[name]
    whole = minimal(family, name)
    assert refusals(kind, whole) == []
    compare(kind, f"{family.name}.{name}", whole)
    compare(kind, f"{family.name}.{name}", {**whole, "no_such_field": 1})
    for field, domain in domains(kind).items():
        without = {key: value for key, value in whole.items() if key != field}
        if field != "type":
            compare(kind, f"{family.name}.{name}", without)
        if not domain.extra:  # a field that says more in its schema is checked further by its reader
            for value in filter(sound_number, PROBES):
                compare(kind, f"{family.name}.{name}", {**whole, field: value})
        if domain.family is not None:
            for other in domain.family.kinds:
                compare(kind, f"{family.name}.{name}", {**whole, field: other})
                compare(kind, f"{family.name}.{name}", {**whole, field: minimal(domain.family, other)})


@pytest.mark.parametrize("table", [Training, EarlyStopping, Output], ids=lambda table: table.__name__)
def test_schema_and_model_agree_on_tables(table: type[Table]) -> None:
    for field in table.model_fields:
        for value in filter(sound_number, PROBES):
            compare(table, table.__name__, {field: value})


def document(**changes: Any) -> dict[str, Any]:
    return {
        "specnet": 1,
        "data": {"type": "inline", "inputs": [[0.5]], "targets": [1]},
        "layers": [{"type": "dense", "units": 1}],
        "loss": "mse",
        **changes,
    }


@pytest.mark.parametrize("field", list(Spec.model_fields))
def test_schema_and_model_agree_on_the_document(field: str) -> None:
    VALIDATOR.validate(document())
    VALIDATOR.validate(document(**{"$schema": "x"}))
    for value in filter(sound_number, PROBES):
        data = document(**{field: value})
        found = refusals(Spec, data)
        if not found:
            assert VALIDATOR.is_valid(data), data
        elif set(found) <= SCHEMA_LEVEL:
            assert not VALIDATOR.is_valid(data), (data, found)
    for missing in ("specnet", "data", "layers", "loss"):
        data = document()
        del data[missing]
        assert not VALIDATOR.is_valid(data)


SHIPPED = sorted(p for p in (ROOT / "specs").glob("**/*") if p.suffix in {".toml", ".json"})


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_document_passes(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    VALIDATOR.validate(tomllib.loads(text) if path.suffix == ".toml" else json.loads(text))


FAULTY = sorted((ROOT / "tests" / "invalid").glob("sn2*.*"))


@pytest.mark.parametrize(
    "path",
    [
        p
        for p in FAULTY
        if p.suffix in {".toml", ".json"} and not p.stem.startswith(("sn210", "sn22", "sn23", "sn24"))
    ],
    ids=lambda path: path.name,
)
def test_every_document_with_a_schema_fault_fails(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if (
        path.stem == "sn202-schema-in-toml"
        or "# --set" in text
        or "= inf" in text
        or "2024-01-01" in text
        or "extends" in text
    ):
        pytest.skip("not a fault of the document as JSON")
    data = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    assert not VALIDATOR.is_valid(data)
