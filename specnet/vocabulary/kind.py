from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Generic, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

K = TypeVar("K", bound="Kind")


class Table(BaseModel):
    """Base of everything that a table of a document becomes: closed, immutable, and strict about types.

    Pydantic builds a validator for a class when it is first used, not at import: a document names a handful
    of kinds out of a hundred, and start-up pays for those alone.
    """

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


def fault(
    message: str,
    *,
    key: str | int | tuple[str | int, ...] = (),
    code: str | None = None,
    part: str | None = None,
    help: str | None = None,
) -> PydanticCustomError:
    """Return the error that a validator of a table raises for what no field's type can express.

    `key` names the field at fault below the table or field that the validator belongs to, `part` says which
    part of that entry, and `code` is the diagnostic's, SN210 if left out.
    """
    path = key if isinstance(key, tuple) else (key,)
    # Pydantic puts the context's values in place of `{word}` in a message, so the message travels as a value.
    context = {"message": _written(message), "path": path, "code": code, "part": part, "help": help}
    return PydanticCustomError("fault", "{message}", context)


def _written(message: str) -> str:
    """Return a message as it can be written down: a command line's bytes that are no text come as halves of letters."""
    return message.encode(errors="replace").decode()


class Kind(Table):
    """Base of everything that a document chooses by `type`.

    The docstring of a kind is its reference page, and the string below a field is that field's description:
    `specnet layers` and the JSON Schema read both from the source.
    """

    type: str


class Kinds(Mapping[str, type[K]]):
    """Classes by name, each imported when it is first asked for: the names alone cost nothing."""

    def __init__(self, package: str, homes: Mapping[str, str]) -> None:
        self.package = package
        self.homes = dict(homes)
        # Two threads that ask at once find the same class: Python imports a module once.
        self.classes: dict[str, type[K]] = {}

    def __getitem__(self, name: str) -> type[K]:
        kind = self.classes.get(name)
        if kind is None:
            module, _, class_name = f"{self.package}.{self.homes[name]}".rpartition(".")
            kind = self.classes[name] = getattr(import_module(module), class_name)
        return kind

    def __contains__(self, name: object) -> bool:
        return name in self.homes

    def __iter__(self) -> Iterator[str]:
        return iter(self.homes)

    def __len__(self) -> int:
        return len(self.homes)


class Family(Generic[K]):
    """The kinds that one key may name, and the validator that picks among them by `type`.

    As the metadata of `Annotated[Layer, LAYERS]` it accepts a table with `type`, or a bare name for a kind
    that needs no options, and validates with the named class alone. So all faults keep their plain key path
    (a union's tags never enter it), and no other kind's validator is built.

    `homes` says for each `type` in which module of `package` its class is, such as `dense.Dense`. Only the
    modules of kinds that are named get imported, so a document costs the same however many kinds there are.
    """

    def __init__(self, name: str, package: str, homes: Mapping[str, str]) -> None:
        self.name = name
        self.kinds: Mapping[str, type[K]] = Kinds(package, homes)
        self._names = {home.rpartition(".")[2]: kind for kind, home in homes.items()}

    def default(self, name: str) -> Callable[[], K]:
        """Return a field's `default_factory`, which makes the kind of this name with its own defaults."""

        def make() -> K:
            return self.kinds[name].model_validate({})

        return make

    def field(self, name: str) -> Any:
        """Return a field that is the kind of this name, with its own defaults, where a document sets none."""
        return Field(default_factory=self.default(name))

    def exported(self, name: str) -> type[K]:
        """Return a class by its own name, for the `__getattr__` of the family's package.

        Raises AttributeError where no kind's class is called so.
        """
        if name not in self._names:
            raise AttributeError(f"no {self.name} has a class `{name}`")
        return self.kinds[self._names[name]]

    def __iter__(self) -> Iterator[type[K]]:
        return iter(self.kinds.values())

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.validate)

    def validate(self, value: Any) -> K:
        """Return the kind that a document's value names.

        Raises pydantic's ValidationError whose error types are `kind_unknown`, `kind_missing`, `kind_type`
        (context: `family`, `known`) or whatever the named kind's own fields report.
        """
        if isinstance(value, Kind):
            if type(value) is self.kinds.get(value.type):
                return value
            raise self._fault("kind_unknown", f"{type(value).__name__} is not a {self.name}", value.type)
        if isinstance(value, str):
            return self._pick(value, (), value).model_validate({"type": value})
        if not isinstance(value, dict):
            raise self._fault("kind_type", f"expected a {self.name}: a name, or a table with `type`", value)
        if "type" not in value:
            raise self._fault("kind_missing", f"this {self.name} has no `type`", value)
        name = value["type"]
        if not isinstance(name, str):
            raise self._fault("kind_type", f"`type` must be the name of a {self.name}", name, ("type",))
        return self._pick(name, ("type",), name).model_validate(value)

    def _pick(self, name: str, loc: tuple[str, ...], value: Any) -> type[K]:
        kind = self.kinds.get(name)
        if kind is None:
            raise self._fault("kind_unknown", f"`{name}` is not a {self.name}", value, loc)
        return kind

    def _fault(self, code: str, message: str, value: Any, loc: tuple[str, ...] = ()) -> ValidationError:
        context = {"message": _written(message), "family": self.name, "known": tuple(self.kinds)}
        error = PydanticCustomError(cast("Any", code), "{message}", context)
        detail = InitErrorDetails(type=error, loc=loc, input=value)
        return ValidationError.from_exception_data(self.name, [detail])
