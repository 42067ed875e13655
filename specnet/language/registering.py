"""Registration of a kind in the family that it belongs to."""

from __future__ import annotations

from typing import TypeVar

from specnet.diagnostics.text import joined
from specnet.language.kinds import EXTENSIBLE
from specnet.vocabulary.kind import Kind
from specnet.vocabulary.registering import called, is_class_of

K = TypeVar("K", bound=Kind)


def register(kind: type[K]) -> type[K]:
    """Register a class in its family, and return it; see `specnet.register`."""
    for family in EXTENSIBLE:
        if is_class_of(kind, family.bases):
            return family.register(kind)
    bases = joined([f"`{base.__name__}`" for family in EXTENSIBLE for base in family.bases], "or")
    raise TypeError(f"{called(kind)} is not a kind of anything: it must be a subclass of {bases}")
