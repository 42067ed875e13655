"""What applications of ops are set to, and what they need made beforehand."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Self, TypeVar, dataclass_transform


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
@dataclass(frozen=True)
class Attributes:
    """What an application of an op is set to; an op that has settings declares a subclass with its fields.

    Each subclass is a frozen dataclass. Fields are hashable, so that equal applications can be found.
    """

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True)(cls)

    def named(self) -> dict[str, Any]:
        """Return the values by name, in the order in which the fields are declared."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def changed(self) -> dict[str, Any]:
        """Return the values by name, without those that are their field's default."""
        values = self.named()
        return {
            f.name: values[f.name]
            for f in fields(self)
            if f.default is MISSING or values[f.name] != f.default
        }

    @property
    def regions(self) -> tuple[Any, ...]:
        """The body graphs that the op runs."""
        return ()

    def with_regions(self, regions: tuple[Any, ...]) -> Self:
        """Return the same settings with other body graphs."""
        assert not regions
        return self


NONE = Attributes()
"""What an op without settings has."""

A = TypeVar("A", bound=Attributes)


@dataclass(frozen=True, slots=True)
class Prepared:
    """An array, or another object, that a kernel needs and that is made once when a plan is bound.

    `function` is its maker's name, which the engine resolves; `arguments` are numbers, text, tuples and shapes
    thereof, and counts, in which the sizes are put in.
    """

    function: str
    arguments: tuple[Any, ...] = ()
