"""References to environment variables in the paths of data: `${env:DATA}/iris.csv`.

They stay in a spec as they are written, and are replaced where a file is opened: no record, report or message ever
holds a variable's value.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from specnet.diagnostics.text import clipped

MARK = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
"""A reference in a string, up to its closing brace; `$${` stands for a plain `${`."""

_REFERENCE = re.compile(r"[ \t]*env:(.*)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET = re.compile(r"TOKEN|KEY|SECRET|PASSWORD", re.IGNORECASE)


def variable_of(expression: str) -> str | None:
    """Return the environment variable that an expression names; None for an expression of any other kind."""
    found = _REFERENCE.match(expression)
    return None if found is None else found[1].strip(" \t")


def refusal(name: str) -> tuple[str, str | None] | None:
    """Return a message and help where an environment variable may not be named, or None."""
    if _NAME.fullmatch(name) is None:
        return f"`{clipped(name)}` is not the name of an environment variable", "write ${env:NAME}"
    if _SECRET.search(name) is not None:
        help = "names that contain TOKEN, KEY, SECRET or PASSWORD are refused"
        return f"`{name}` looks like the name of a secret, and is not read", help
    return None


def variables_in(path: str) -> Iterator[str]:
    """Yield the environment variables that a path names."""
    for found in MARK.finditer(path):
        name = None if found[1] is None else variable_of(found[1])
        if name is not None:
            yield name


class UnsetError(LookupError):
    """An environment variable is not set, or may not be read."""

    def __init__(self, name: str) -> None:
        self.name = name
        said = refusal(name)
        self.is_allowed = said is None
        self.message = f"the environment variable `{clipped(name)}` is not set" if said is None else said[0]
        super().__init__(self.message)


def expanded(path: str) -> str:
    """Return a path with the values of the environment variables that it names; raises UnsetError for others."""

    def value(found: re.Match[str]) -> str:
        if found[1] is None:
            return "${"
        name = variable_of(found[1])
        if name is None:
            return found[0]
        if refusal(name) is not None or name not in os.environ:
            raise UnsetError(name)
        return os.environ[name]

    return MARK.sub(value, path) if "${" in path else path
