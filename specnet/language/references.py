"""References in documents: `"${width}"`, `"${2 * width}"`, `"run-${seed}"`, and `"${i}"` in what is repeated.

A string that is one reference becomes a value of the variable's type, and any other the text of it. What the
references of a document add is bounded, so that a short document cannot stand for one that fills the memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from specnet.data.environment import refusal
from specnet.diagnostics import KeyPath
from specnet.diagnostics.text import clipped
from specnet.language.arithmetic import FUNCTIONS, MAX_NESTING, NAME, ExpressionError, compute
from specnet.language.interpolation import (
    ESCAPED,
    INDEX,
    Part,
    ReferenceExpression,
    names_of,
    parts_of,
    text_of,
)
from specnet.language.measuring import NUMBER_SIZE, Measured, array, scalar, table
from specnet.language.parsers import MAX_DEPTH
from specnet.language.recovery import UNREAD
from specnet.language.reference_faults import LABELS, VARIABLES, ReferenceFaults

RESERVED = frozenset({INDEX, "env", *FUNCTIONS})
"""Names that expressions give a meaning of their own."""

MAX_VALUES = 100_000
"""How many values references and repetitions may add to a document."""

MAX_SIZE = 1_000_000
"""How many characters these values may have."""

UNKNOWN_INDEX = -1
"""Stands for the number of a repetition where the number of repetitions is faulty."""

_SCALARS = frozenset({int, float, bool, type(None)})
_LOST = Measured(UNREAD, 1, 0)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: in the resolved document, and in the one that was written."""

    path: KeyPath = ()
    written: KeyPath = ()
    index: int | None = None
    """The number of the repetition that it is in, from 0."""

    def at(self, step: str | int) -> Place:
        """Return the place of a key or an element."""
        return Place((*self.path, step), (*self.written, step), self.index)


@dataclass
class References:
    """Resolves the references of one document."""

    variables: Mapping[str, Any]
    takes_file: Callable[[KeyPath], bool]
    """Whether a key path is that of a data file, which may name environment variables."""
    allows_environment: bool = True
    may_lack: bool = False
    """Whether a variable that is not there is no fault, but unknown: another document sets it."""
    faults: ReferenceFaults = field(init=False)
    lost: set[KeyPath] = field(default_factory=set)
    """The places of what could not be resolved, which hold UNREAD."""
    used: dict[KeyPath, tuple[str, ...]] = field(default_factory=dict)
    """The variables that a value was made of, by its place in the written document."""
    files: set[KeyPath] = field(default_factory=set)
    """The paths of files that still hold references to environment variables, or escaped braces."""
    _known: dict[str, Measured] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)
    """The variables that are being resolved, each named by the one before it."""
    _values: int = 0
    _size: int = 0
    _depth: int = 0
    """How many tables and arrays are open, those of the open variables included."""
    _is_full: bool = False

    def __post_init__(self) -> None:
        self.faults = ReferenceFaults(self.variables)

    def check_variables(self) -> None:
        """Resolve all variables, so that faults of unused ones are found as well."""
        for name in self.variables:
            path = (VARIABLES, name)
            if re.fullmatch(NAME, name) is not None and name not in RESERVED:
                if name not in self._known:
                    self._variable(name, Place(path, path))
                continue
            if name in RESERVED:
                message, help = f"`{name}` has a meaning of its own in references", "give it another name"
            else:
                message = f"`{clipped(name)}` cannot be the name of a variable"
                help = "a name consists of letters, digits and `_`, and does not start with a digit"
            self.faults.add("SN231", message, path, help=help, part="key")

    def resolved(self, value: Any, place: Place) -> Measured:
        """Return a value with its references resolved; what cannot be is UNREAD."""
        if isinstance(value, str):
            return self._string(value, place) if "${" in value else scalar(value)
        if not isinstance(value, dict | list):
            return scalar(value)
        if self._depth >= MAX_DEPTH:
            self._too_deep(place)
            return self.unknown(place)
        self._depth += 1
        try:
            if isinstance(value, dict):
                return table({key: self.resolved(item, place.at(key)) for key, item in value.items()})
            if _SCALARS.issuperset(map(type, value)):
                return Measured(value, 1 + len(value), NUMBER_SIZE * len(value), 1)
            return array([self.resolved(item, place.at(index)) for index, item in enumerate(value)])
        finally:
            self._depth -= 1

    @property
    def spent(self) -> tuple[int, int]:
        """The numbers of values and characters that were added so far."""
        return self._values, self._size

    def spend(self, found: Measured, place: Place, before: tuple[int, int] | None = None) -> bool:
        """Count what is added at a place; return whether it fits, after a finding where it does not.

        With `before`, it replaces what was added since `spent` was that.
        """
        values, size = self.spent if before is None else before
        self._values, self._size = values + found.values, size + found.size
        return self._fits(self._values, self._size, place)

    def unknown(self, place: Place) -> Measured:
        """Return what stands for a value that could not be resolved."""
        self.lost.add(place.path)
        return _LOST

    def _fits(self, values: int, size: int, place: Place) -> bool:
        if self._is_full:
            return False
        if values <= MAX_VALUES and size <= MAX_SIZE:
            return True
        self._is_full = True
        what = f"{MAX_VALUES:,} values" if values > MAX_VALUES else f"{MAX_SIZE // 10**6} MB"
        message = f"references and repetitions add more than {what} here"
        self.faults.add("SN232", message, place.path, help="large data belong in a file that `[data]` names")
        return False

    def _too_deep(self, place: Place) -> None:
        self.faults.add(
            "SN232", f"variables make arrays and tables nest more than {MAX_DEPTH} deep here", place.path
        )

    def _string(self, text: str, place: Place) -> Measured:
        parts = list(parts_of(text))
        names = names_of(parts)
        if self.takes_file(place.path) and any(
            part == ESCAPED or (isinstance(part, ReferenceExpression) and part.environment is not None)
            for part in parts
        ):
            self.files.add(place.path)
        try:
            found = [self._part(part, place) for part in parts]
            result = self._joined(found, parts, place)
        except ExpressionError as fault:
            self.faults.add("SN231", fault.message, place.path, names, fault.help)
            return self.unknown(place)
        except _UnresolvedError:
            return self.unknown(place)
        self.used[place.written] = names
        return result

    def _joined(self, found: Sequence[Any], parts: Sequence[Part], place: Place) -> Measured:
        """Return what the parts of a string stand for together, and count what that brings in."""
        if len(parts) == 1:
            name = parts[0].text.strip() if isinstance(parts[0], ReferenceExpression) else ""
            result = self._known.get(name) or scalar(found[0])
        else:
            texts = list(map(text_of, found, parts))
            if not self._fits(1, sum(map(len, texts)), place):
                raise _UnresolvedError
            result = scalar("".join(texts))
        if self._depth + result.depth > MAX_DEPTH:
            self._too_deep(place)
            raise _UnresolvedError
        # What a variable holds is counted where it comes into the document.
        in_variable = place.path[:1] == (VARIABLES,)
        if not (self._fits(result.values, result.size, place) if in_variable else self.spend(result, place)):
            raise _UnresolvedError
        return result

    def _part(self, part: Part, place: Place) -> Any:
        """Return what a part of a string stands for."""
        if not isinstance(part, ReferenceExpression):
            # What a file's path names of the environment is replaced when the file is opened, and `$${` with it.
            return "${" if part == ESCAPED and place.path not in self.files else part
        if not part.is_closed:
            raise ExpressionError(
                "`${` begins a reference that is not closed by `}`", "`$${` stands for a plain `${`"
            )
        if part.environment is not None:
            self._check_environment(part.environment, place)
            return f"${{{part.text}}}"
        if not part.text.strip():
            raise ExpressionError("`${}` names no variable", "`$${` stands for a plain `${`")
        return compute(part.text, lambda name: self._lookup(name, place))

    def _check_environment(self, name: str, place: Place) -> None:
        said = refusal(name)
        if not self.takes_file(place.path):
            said = (
                "environment variables can only be named in the paths of data",
                "a flag sets what changes from run to run: --set variables.NAME=VALUE",
            )
        elif said is None and not self.allows_environment:
            said = f"`${{env:{clipped(name)}}}` is not read: environment variables are switched off", None
        if said is not None:
            self.faults.add("SN233", said[0], place.path, help=said[1])
            raise _UnresolvedError

    def _lookup(self, name: str, place: Place) -> Any:
        if name == INDEX:
            return self._index(place)
        if name not in self.variables and not self.may_lack:
            raise self.faults.no_variable(name)
        if name not in self.variables or name in RESERVED:
            raise _UnresolvedError
        found = self._variable(name, place)
        if found.value is UNREAD:
            raise _UnresolvedError  # its own place has the finding
        return found.value

    def _index(self, place: Place) -> int:
        if place.index == UNKNOWN_INDEX:
            raise _UnresolvedError
        if place.index is None:
            raise ExpressionError(
                "`i` counts the repetitions of a `sequential`, and nothing is repeated here",
                "give the `sequential` around it a `repeat`",
            )
        return place.index

    def _variable(self, name: str, asked: Place) -> Measured:
        """Return a variable's value, which a place needs."""
        if name in self._known:
            return self._known[name]
        if name in self._open:
            chain = [*self._open[self._open.index(name) :], name]
            shown = " -> ".join(clipped(each) for each in chain[:8]) + (" -> ..." if len(chain) > 8 else "")
            self.faults.add("SN231", f"`{clipped(name)}` refers to itself: {shown}", asked.path, chain[:-1])
            raise _UnresolvedError
        if len(self._open) >= MAX_NESTING:
            message = f"`{clipped(name)}` is at the end of a chain of more than {MAX_NESTING} variables"
            self.faults.add("SN232", message, asked.path, self._open[-LABELS:])
            raise _UnresolvedError
        path = (VARIABLES, name)
        self._open.append(name)
        try:
            found = self.resolved(self.variables[name], Place(path, path))
        finally:
            self._open.pop()
        if any(path == lost[:2] for lost in self.lost):
            found = _LOST
        self._known[name] = found
        return found


class _UnresolvedError(Exception):
    """A reference has no value, and there is a finding about that."""
