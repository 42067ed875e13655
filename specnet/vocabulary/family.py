from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Generic, TypeVar, cast

from pydantic import Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

from specnet.diagnostics.text import article
from specnet.importing import IMPORTING
from specnet.locking import Lock
from specnet.vocabulary.kind import Kind, written
from specnet.vocabulary.registering import KindClashError, called, check_kind

K = TypeVar("K", bound=Kind)
New = TypeVar("New", bound=Kind)


class Kinds(Mapping[str, type[K]]):
    """Classes by name, each imported when it is first asked for: the names alone cost nothing."""

    def __init__(self, package: str, homes: Mapping[str, str]) -> None:
        self.package = package
        self.homes = dict(homes)
        """The module and the class of each of the package's own kinds."""
        # Two threads that ask at once find the same class: Python imports a module once.
        self.classes: dict[str, type[K]] = {}
        self.added: Mapping[str, type[K]] = {}
        """The kinds of other packages. A change makes a new mapping, so that who walks the old one is not disturbed."""
        self.owners: Mapping[str, frozenset[str | None]] = {}
        """The distributions whose plugins registered each of them; None stands for the program that runs."""

    def __getitem__(self, name: str) -> type[K]:
        kind = self.added.get(name) or self.classes.get(name)
        if kind is None:
            module, _, class_name = f"{self.package}.{self.homes[name]}".rpartition(".")
            kind = self.classes[name] = getattr(import_module(module), class_name)
        return kind

    def __contains__(self, name: object) -> bool:
        return name in self.homes or name in self.added

    def __iter__(self) -> Iterator[str]:
        return iter([*self.homes, *self.added])

    def __len__(self) -> int:
        return len(self.homes) + len(self.added)


class Family(Generic[K]):
    """The kinds that one key may name, and the validator that picks among them by `type`.

    As the metadata of `Annotated[Layer, LAYERS]` it accepts a table with `type`, or a bare name for a kind
    that needs no options, and validates with the named class alone. So all faults keep their plain key path
    (a union's tags never enter it), and no other kind's validator is built.

    `homes` says for each `type` in which module of `package` its class is, such as `dense.Dense`. Only the
    modules of kinds that are named get imported, so a document costs the same however many kinds there are.
    Kinds of other packages are added by `register`.
    """

    def __init__(
        self,
        name: str,
        bases: type[Kind] | tuple[type[Kind], ...],
        package: str,
        homes: Mapping[str, str],
    ) -> None:
        self.name = name
        self.bases = bases if isinstance(bases, tuple) else (bases,)
        """What all its kinds are subclasses of: one of these."""
        self.kinds: Kinds[K] = Kinds(package, homes)
        self._changing = Lock()
        self._names = {home.rpartition(".")[2]: kind for kind, home in homes.items()}

    def register(self, kind: type[New]) -> type[New]:
        """Let documents name a class of another package by its `type`, and return the class.

        It may stand as a decorator above the class. The class is a subclass of a base of the family, and has a `type`
        of its own, `type: Literal["my_kind"] = "my_kind"`. Its docstring and the string below each field are its
        reference. Registering a class again changes nothing, and a class that was defined again, as in a notebook,
        replaces itself.

        Raises TypeError for anything that is not a complete kind of the family, KindClashError where its `type` is
        another kind's, and ValueError where that is not snake_case, or a description is missing.
        """
        name = check_kind(kind, self.bases, self.name)
        with self._changing:
            if name in self.kinds:
                there = self.kinds[name]
                if _identity(there) != _identity(kind):
                    raise KindClashError(
                        f"{called(kind)} and {called(there)} are both {article(self.name)} `{name}`"
                    )
            if name not in self.kinds.homes:
                self._own(name, IMPORTING.get())
                self.kinds.added = {**self.kinds.added, name: cast("type[K]", kind)}
        return kind

    def claim(self, owner: str, module: str) -> None:
        """Record that a plugin provides the registered kinds that a module, or one below it, defines."""
        with self._changing:
            for name, kind in self.kinds.added.items():
                if f"{kind.__module__}.".startswith(f"{module}."):
                    self._own(name, owner)

    def forget(self, owner: str) -> None:
        """Remove the kinds that nothing but this plugin registered."""
        with self._changing:
            left = {name: owners - {owner} for name, owners in self.kinds.owners.items()}
            self.kinds.added = {name: kind for name, kind in self.kinds.added.items() if left.get(name)}
            self.kinds.owners = {name: owners for name, owners in left.items() if owners}

    def _own(self, name: str, owner: str | None) -> None:
        before = self.kinds.owners.get(name, frozenset()) if name in self.kinds.added else frozenset()
        self.kinds.owners = {**self.kinds.owners, name: before | {owner}}

    @contextmanager
    def registered(self, kind: type[New]) -> Iterator[type[New]]:
        """Register a class for the time of a `with` block: for tests, which leave the family as it was."""
        with self._changing:
            before = self.kinds.added
            self.register(kind)
        try:
            yield kind
        finally:
            name = kind.model_fields["type"].default
            with self._changing:
                added = {n: there for n, there in self.kinds.added.items() if n != name}
                self.kinds.added = {**added, **({name: before[name]} if name in before else {})}

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
        context = {"message": written(message), "family": self.name, "known": tuple(self.kinds)}
        error = PydanticCustomError(cast("Any", code), "{message}", context)
        detail = InitErrorDetails(type=error, loc=loc, input=value)
        return ValidationError.from_exception_data(self.name, [detail])


def _identity(kind: type[Kind]) -> tuple[str, str]:
    return kind.__module__, kind.__qualname__
