"""The parts of a string with references: plain text, and the expressions between `${` and `}`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from specnet.data.environment import MARK, variable_of
from specnet.language.arithmetic import ExpressionError, in_64_bits, names_in
from specnet.language.wording import noun

INDEX = "i"
"""The name that counts the repetitions of a `sequential`, from 0."""

ESCAPED = "$${"
"""What stands for a plain `${`."""


@dataclass(frozen=True, slots=True)
class ReferenceExpression:
    """What stands between the braces of a reference."""

    text: str
    is_closed: bool

    @property
    def environment(self) -> str | None:
        """The environment variable that it names; None for an expression of variables."""
        return variable_of(self.text)

    @property
    def names(self) -> tuple[str, ...]:
        """The variables that it names."""
        return () if self.environment is not None else names_in(self.text)


Part = str | ReferenceExpression


def parts_of(text: str) -> Iterator[Part]:
    """Yield the plain parts of a string and the expressions in it; `ESCAPED` is a part of its own."""
    at = 0
    for found in MARK.finditer(text):
        if found.start() > at:
            yield text[at : found.start()]
        yield ESCAPED if found[1] is None else ReferenceExpression(found[1], bool(found[2]))
        at = found.end()
    if at < len(text):
        yield text[at:]


def names_of(parts: Sequence[Part]) -> tuple[str, ...]:
    """Return the variables that the parts of a string name, each once."""
    return tuple(
        dict.fromkeys(name for part in parts if isinstance(part, ReferenceExpression) for name in part.names)
    )


def mentions_index(text: str) -> bool:
    """Return whether a string refers to the number of a repetition."""
    return "${" in text and INDEX in names_of(list(parts_of(text)))


def escaped(text: str) -> str:
    """Return a string as a document writes it, so that `${` in it has no meaning."""
    return text.replace("${", ESCAPED)


def text_of(value: Any, part: Part) -> str:
    """Return a value within a string, as TOML and JSON write it; raises ExpressionError where it has no such form."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) or in_64_bits(value):
        return repr(value)
    shown = part.text.strip() if isinstance(part, ReferenceExpression) else ""
    if isinstance(value, int):
        raise ExpressionError(f"`{shown}` does not fit into 64 bits")
    raise ExpressionError(f"`{shown}` is {noun(value)}, which cannot be part of a string")
