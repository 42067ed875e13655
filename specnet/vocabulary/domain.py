from __future__ import annotations

import types
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import WithJsonSchema
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from specnet.vocabulary.family import Family
from specnet.vocabulary.kind import NamesFile, Table, Words

Form = Literal["any", "bool", "int", "float", "text", "choice", "array", "table", "family", "map", "union"]

_SCALARS: dict[Any, Form] = {bool: "bool", int: "int", float: "float", str: "text"}


@dataclass(frozen=True, slots=True)
class Domain:
    """The values that a field takes, as its annotation says: what messages, schema and reference speak of."""

    form: Form
    null: bool = False
    """Whether it may be left out by null as well."""
    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None
    multiple_of: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    choices: tuple[str | int | bool, ...] = ()
    members: tuple[Domain, ...] = ()
    """A union's members; an array's elements one by one, where their number is fixed."""
    items: Domain | None = None
    """Each element of an array, or each value of a map."""
    table: type[Table] | None = None
    family: Family[Any] | None = None
    names_file: bool = False
    """Whether it is the path of a file or a folder."""
    words: str | None = None
    """What it takes, where that is said better than by the constraints."""
    extra: tuple[tuple[str, Any], ...] = ()
    """What the field adds to its JSON Schema."""


@cache
def domains(table: type[Table]) -> dict[str, Domain]:
    """Return the domain of each field of a table, in order."""
    return {name: _field(info) for name, info in table.model_fields.items()}


def domain_of(annotation: Any, metadata: Iterable[Any] = ()) -> Domain:
    """Return the domain that an annotation with its constraints stands for."""
    return _constrained(_plain(annotation), metadata)


def members(domain: Domain) -> tuple[Domain, ...]:
    """Return the members of a union, or the domain itself."""
    return domain.members if domain.form == "union" else (domain,)


def _field(info: FieldInfo) -> Domain:
    domain = domain_of(info.annotation, info.metadata)
    if isinstance(info.json_schema_extra, dict):
        domain = replace(domain, extra=tuple(info.json_schema_extra.items()))
    return domain


def _plain(annotation: Any) -> Domain:
    if annotation in _SCALARS:
        return Domain(_SCALARS[annotation])
    if isinstance(annotation, type) and issubclass(annotation, Table):
        return Domain("table", table=annotation)
    key_path, args = get_origin(annotation), get_args(annotation)
    if key_path is Annotated:
        return domain_of(args[0], args[1:])
    if key_path is Literal:
        return Domain("choice", choices=args)
    if key_path in {Union, types.UnionType}:
        return _union(args)
    if key_path is tuple and (len(args) != 2 or args[1] is not Ellipsis):
        fixed = tuple(map(domain_of, args))
        return Domain("array", members=fixed, min_length=len(fixed), max_length=len(fixed))
    if key_path in {tuple, list}:
        return Domain("array", items=domain_of(args[0]))
    if key_path is dict:
        return Domain("map", items=domain_of(args[1]))
    return Domain("any")


def _union(args: tuple[Any, ...]) -> Domain:
    parts = [domain_of(arg) for arg in args if arg is not type(None)]
    null = len(parts) < len(args)
    return replace(parts[0], null=True) if len(parts) == 1 else Domain("union", null, members=tuple(parts))


def _constrained(domain: Domain, metadata: Iterable[Any]) -> Domain:
    for item in metadata:
        if isinstance(item, Family):
            domain = Domain("family", domain.null, family=item)
        elif isinstance(item, Words):
            domain = replace(domain, words=item.text)
        elif isinstance(item, NamesFile):
            domain = replace(domain, names_file=True)
        elif isinstance(item, WithJsonSchema):
            domain = replace(domain, extra=tuple((item.json_schema or {}).items()))
        elif isinstance(item, FieldInfo):
            domain = _constrained(domain, item.metadata)
            if isinstance(item.json_schema_extra, dict):
                domain = replace(domain, extra=tuple(item.json_schema_extra.items()))
        else:
            names = ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "pattern")
            found = {name: getattr(item, name, None) for name in names}
            domain = replace(domain, **{k: v for k, v in found.items() if v is not None})
    return domain


def default_of(info: FieldInfo) -> Any:
    """Return a field's default as a document writes it; `PydanticUndefined` for a required one."""
    if info.is_required():
        return PydanticUndefined
    return plain_data(info.get_default(call_default_factory=True, validated_data={}))


def plain_data(value: Any) -> Any:
    """Return a value as a document writes it: kinds without settings by their names, arrays as lists."""
    if isinstance(value, Table):
        data = {name: plain_data(getattr(value, name)) for name in sorted(value.model_fields_set)}
        kind = getattr(value, "type", None)
        if kind is not None:
            data.pop("type", None)
            return {"type": kind, **data} if data else kind
        return data
    if isinstance(value, tuple | list):
        return [plain_data(item) for item in value]
    if isinstance(value, dict):
        return {key: plain_data(item) for key, item in value.items()}
    return value
