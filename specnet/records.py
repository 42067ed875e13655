"""Data classes as the standard library makes them, in a quarter of the time.

There, each of up to six methods is compiled from text of its own, for every class: a fifth of a short command's time.
Here `__init__` alone is, and the others are functions that all classes share.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, fields, is_dataclass
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]


def _dataclass(
    cls: type[Any] | None = None,
    /,
    *,
    frozen: bool = False,
    slots: bool = False,
    kw_only: bool = False,
    eq: bool = True,
    repr: bool = True,  # noqa: A002 (as in the standard library)
) -> Any:
    """Make a data class of a class; see `dataclasses.dataclass`, whose other options are left at their defaults."""
    if cls is None:
        return lambda cls: _dataclass(cls, frozen=frozen, slots=slots, kw_only=kw_only, eq=eq, repr=repr)
    own = set(vars(cls))
    # It compiles methods for what is frozen, but it also checks that all data classes below each other are, or none.
    below = any(map(is_dataclass, cls.__mro__[1:]))
    make = dataclasses.dataclass(
        init=False, repr=False, eq=False, slots=slots, kw_only=kw_only, frozen=frozen and below
    )
    made: type[Any] = make(cls)
    made.__dataclass_params__.frozen = frozen
    methods: dict[str, Any] = {"__init__": _init(made, frozen=frozen, slots=slots)}
    if repr:
        methods["__repr__"] = _repr
    if eq:
        methods["__eq__"], hashed = _comparisons(made)
        # A class with an `__eq__` alone has been given None by Python.
        if vars(cls).get("__hash__") is None:
            made.__hash__ = hashed if frozen else None  # type: ignore[assignment]
    if frozen:
        methods |= {"__setattr__": _setattr, "__delattr__": _delattr}
        if slots:
            methods |= {"__getstate__": _getstate, "__setstate__": _setstate}
    for name, method in methods.items():
        if name not in own:
            setattr(made, name, method)
    return made


class _Factory:
    """Stands for what a factory makes, in signatures."""

    def __repr__(self) -> str:
        return "<factory>"


_MADE = _Factory()


def _init(cls: type[Any], *, frozen: bool, slots: bool) -> Callable[..., None]:
    """Return what sets the fields of a new instance, as its arguments say."""
    space: dict[str, Any] = {"_set": object.__setattr__, "_made": _MADE}
    ordered: list[str] = []
    named: list[str] = []
    body: list[str] = []
    for field in fields(cls):
        name, default, value = field.name, "", field.name
        if field.default_factory is not MISSING:
            space[f"_make_{name}"], default, value = field.default_factory, "=_made", f"_make_{name}()"
            if field.init:
                value += f" if {name} is _made else {name}"
        elif field.default is not MISSING:
            space[f"_default_{name}"], default = field.default, f"=_default_{name}"
            if not field.init:
                value = f"_default_{name}" if slots else ""  # without slots, the class has it
        elif not field.init:
            value = ""  # what is done after all fields sets it
        if field.init:
            (named if field.kw_only else ordered).append(name + default)
        if value:
            body.append(f"_set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    listed = ", ".join(["self", *ordered, *(["*", *named] if named else [])])
    exec(f"def __init__({listed}):\n " + "\n ".join(body or ["pass"]), space)  # noqa: S102
    init: Callable[..., None] = space["__init__"]
    init.__qualname__, init.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
    init.__annotations__ = {field.name: field.type for field in fields(cls) if field.init} | {"return": None}
    return init


def _comparisons(cls: type[Any]) -> tuple[Callable[[Any, object], bool], Callable[[Any], int]]:
    """Return what compares instances by their fields, and what their hash is."""
    names = [field.name for field in fields(cls) if field.compare]
    # Of two names and more it makes a tuple, in which what is identical is equal.
    values: Callable[[Any], Any] = attrgetter(*names, names[-1]) if names else lambda _: ()

    def equal(self: Any, other: object) -> bool:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: Any) -> int:
        return hash(values(self))

    return equal, hashed


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if field.repr)
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _is_fixed(self: Any, name: str) -> bool:
    """Whether an attribute may not be set: any of a data class, but only the fields of a plain class below one."""
    return "__dataclass_params__" in vars(type(self)) or name in type(self).__dataclass_fields__


def _setattr(self: Any, name: str, value: Any) -> None:
    if _is_fixed(self, name):
        raise FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(self, name, value)


def _delattr(self: Any, name: str) -> None:
    if _is_fixed(self, name):
        raise FrozenInstanceError(f"cannot delete field {name!r}")
    object.__delattr__(self, name)


def _getstate(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in fields(self)]


def _setstate(self: Any, state: list[Any]) -> None:
    for field, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _dataclass
