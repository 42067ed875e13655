from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import FunctionType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

T = TypeVar("T")
Checked = TypeVar("Checked", bound="Callable[..., Iterator[PydanticCustomError]]")


class UnsoundError(Exception):
    """Raised in a check that reads a field which is not valid: the check cannot be made."""


class TableCheck(NamedTuple):
    """A check of a table, as `table_check` declares it."""

    method: str
    each: str | None
    """The field over whose elements it goes one by one, if any."""


def table_check(*, each: str | None = None) -> Callable[[Checked], Checked]:
    """Declare a method that yields the faults of a table that no field's type can express.

    A check reads the fields as attributes. In a table with a faulty field, every check is made that does not read this
    field, so one method should not make two checks that read different fields. With `each`, the method is called for
    each element of the field of this name, if it has a value, and gets the index or key and the element: the other
    elements are checked even if one is faulty.
    """

    def declare(method: Checked) -> Checked:
        vars(method)["table_check"] = TableCheck(method.__name__, each)
        return method

    return declare


@cache
def table_checks(table: type[Table]) -> tuple[TableCheck, ...]:
    """Return the checks of a class, those of its bases first."""
    methods = {
        name: None
        for base in reversed(table.__mro__)
        for name, member in vars(base).items()
        if isinstance(member, FunctionType) and "table_check" in vars(member)
    }
    found = [vars(getattr(table, name)).get("table_check") for name in methods]
    return tuple(each for each in found if each is not None)


class Table(BaseModel):
    """Base of everything that a table of a document becomes: closed, immutable, and strict about types.

    Pydantic builds a validator for a class when it is first used, not at import: a document names a handful
    of kinds out of a hundred, and start-up pays for those alone.
    """

    instead: ClassVar[Mapping[str, str]] = {}
    """The required fields that may be left out where another one is given, with that other one."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        defer_build=True,
        protected_namespaces=(),
        allow_inf_nan=False,
    )

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        schema = handler(source)
        _accept_arrays(schema)
        return schema

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        faults = list(table_faults(self)) if table_checks(type(self)) else ()
        if faults:
            details: list[InitErrorDetails] = [{"type": each, "input": self} for each in faults]
            raise ValidationError.from_exception_data(type(self).__name__, details)
        return self

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in type(self).model_fields:
                raise UnsoundError(name)
            return super().__getattr__(name)


def table_faults(
    table: Table, elements: Mapping[str, Iterable[tuple[Any, Any]]] | None = None
) -> Iterator[PydanticCustomError]:
    """Yield what a table's checks find, except for those that read a field without a valid value.

    `elements` are the valid elements of fields that have others, too.
    """
    for method, each in table_checks(type(table)):
        check = getattr(table, method)
        if each is None:
            yield from sound_part(check)
            continue
        if elements is not None and each in elements:
            found = elements[each]
        elif each in vars(table):
            found = _elements(getattr(table, each))
        else:
            continue
        for key, element in found:
            yield from sound_part(check, key, element)


def sound_part(check: Callable[..., Iterator[T]], *arguments: Any) -> Iterator[T]:
    """Yield what a check finds until it reads a field that is not valid."""
    try:
        yield from check(*arguments)
    except UnsoundError:
        return


def _elements(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return value.items()
    return enumerate(value) if isinstance(value, tuple | list) else ()


def _accept_arrays(schema: Any) -> None:
    """Let a document's array stand for a tuple: strictness is about numbers and text, not about brackets."""
    pending = [schema]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if node.get("type") == "tuple":
                node["strict"] = False
            pending.extend(node.values())
        elif isinstance(node, list | tuple):
            pending.extend(node)


@dataclass(frozen=True, slots=True)
class Words:
    """What a field takes, in words, as metadata of `Annotated`: for what its constraints say in symbols."""

    text: str


class NamesFile:
    """Metadata of a field whose string is the path of a file or a folder."""


def fault(
    message: str,
    *,
    key: str | int | tuple[str | int, ...] = (),
    code: str | None = None,
    part: str | None = None,
    help: str | None = None,
) -> PydanticCustomError:
    """Return the error that a check of a table yields, or a validator of a field raises.

    `key` names the field at fault below the table or field that the check belongs to, `part` says which
    part of that entry, and `code` is the diagnostic's, SN210 if left out.
    """
    path = key if isinstance(key, tuple) else (key,)
    # Pydantic puts the context's values in place of `{word}` in a message, so the message travels as a value.
    context = {"message": written(message), "path": path, "code": code, "part": part, "help": help}
    return PydanticCustomError("fault", "{message}", context)


def written(message: str) -> str:
    """Return a message as it can be written down: a command line's bytes that are no text come as halves of letters."""
    return message.encode(errors="replace").decode()


class Kind(Table):
    """Base of everything that a document chooses by `type`.

    The docstring of a kind is its reference page, and the string below a field is that field's description:
    `specnet docs` and the JSON Schema read both from the source.
    """

    type: str
