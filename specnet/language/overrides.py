"""The values that flags, or a program, put into a document: reading them, and what is wrong with them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from specnet.diagnostics import Diagnostic, KeyPath, Position, TextSpan
from specnet.diagnostics.text import clipped
from specnet.language.mappings import plain

Overrides = Mapping[str, Any] | Iterable[str]
"""`{"training.epochs": 5}`, or strings as `--set` takes them: `["training.epochs=5"]`."""

_STEP = re.compile(r"""[ \t]*("(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)[ \t]*\.?""")
"""A part of a dotted key that TOML accepts."""


@dataclass(frozen=True, slots=True)
class Override:
    """One value that replaces a document's, or adds to it."""

    path: KeyPath
    value: Any
    file: str
    """What stands for a file's name in a diagnostic, and is its text as well: `--set training.epochs=5`."""
    steps: tuple[tuple[int, int], ...]
    """Where each part of the key lies in `file`."""
    value_at: int
    """Where the value begins in `file`."""
    bare: bool = False
    """Whether the value is a string without quotes."""

    def span(self, key: bool = False) -> TextSpan:
        """Return where its value lies in `file`, or its key."""
        if key:
            return self.step_span(0, len(self.steps))
        return _span(self.file, self.value_at, len(self.file))

    def step_span(self, start: int, stop: int) -> TextSpan:
        """Return where some parts of its key lie in `file`, at least one."""
        return _span(self.file, self.steps[start][0], self.steps[stop - 1][1])


def read_overrides(overrides: Overrides) -> tuple[list[Override], list[Diagnostic]]:
    """Return what a mapping or `key=value` texts override, and what is wrong with them."""
    found: list[Override] = []
    faults: list[Diagnostic] = []
    read = (
        (_of_item(str(key), value) for key, value in overrides.items())
        if isinstance(overrides, Mapping)
        else map(_of_text, [overrides] if isinstance(overrides, str) else overrides)
    )
    for each in read:
        if isinstance(each, Override):
            found.append(each)
        else:
            faults.append(each)
    return found, faults


def _of_item(key: str, value: Any) -> Override | Diagnostic:
    try:
        plain_value = plain(value)
    except RecursionError:
        return _fault("SN108", f"`{clipped(key)}` is nested too deeply", f"override {key}")
    file = f"override {key}={clipped(repr(plain_value), 60)}"
    path = key_path(key)
    if path is None:
        return _no_key(key, file)
    return Override(path, plain_value, file, _steps(file, key), file.index(key) + len(key) + 1)


def _of_text(text: str) -> Override | Diagnostic:
    file = f"--set {text}"
    key, value = _split(text)
    if value is None:
        return _fault(
            "SN108", f"`{clipped(text)}` sets no value", file, len("--set "), help="write key=value"
        )
    path = key_path(key)
    if path is None:
        return _no_key(key, file)
    at = len(file) - len(value.lstrip())
    try:
        data = tomllib.loads(f"value = {value}")
    except (ValueError, RecursionError):
        word = value.strip()
        if not word or word[0] in "[{\"'" or not word.isprintable():
            return _no_value(file, at, word)
        return Override(path, word, file, _steps(file, key), at, bare=True)
    if len(data) > 1:
        return _fault("SN108", "a flag sets one value", file, at)
    return Override(path, data["value"], file, _steps(file, key), at)


def _split(text: str) -> tuple[str, str | None]:
    """Split at the first `=` that is not within a quoted part of the key."""
    place = text.find("=")
    while place >= 0:
        if key_path(text[:place]) is not None:
            return text[:place], text[place + 1 :]
        place = text.find("=", place + 1)
    key, equals, value = text.partition("=")
    return key, value if equals else None


def key_path(key: str) -> tuple[str, ...] | None:
    """Return the steps of a key as TOML reads it, such as `training.epochs`; None if it is none."""
    try:
        node: Any = tomllib.loads(f"{key} = 0")
    except ValueError:
        return None
    path: list[str] = []
    while isinstance(node, dict):
        if len(node) != 1:
            return None
        ((step, node),) = node.items()
        path.append(step)
    return tuple(path) if node == 0 else None


def _steps(file: str, key: str) -> tuple[tuple[int, int], ...]:
    """Return where the parts of a key lie in `file`."""
    at = file.index(key)
    return tuple((at + step.start(1), at + step.end(1)) for step in _STEP.finditer(key))


def _no_key(key: str, file: str) -> Diagnostic:
    at = file.index(" ") + 1
    if not key.strip():
        return _fault(
            "SN108", "the key is missing", file, at, help="write a key path such as training.epochs"
        )
    example = re.sub(r"\[(-?\w+)\]", r".\1", key)
    if key_path(example) is None:
        example = "training.epochs"
    span = _span(file, at, at + len(key))
    message = f"`{clipped(key)}` is not a key"
    return Diagnostic("SN108", message, help=f"write a key path such as {example}", file=file, span=span)


def _no_value(file: str, at: int, value: str) -> Diagnostic:
    key = file[len("--set ") : at].rstrip("= \t")
    if not value:
        help = f"protect an empty string from the shell: '{key}=\"\"'"
        return _fault("SN108", "the value is missing", file, at, help=help)
    if value[0] in "[{":
        help = f'strings in arrays and tables need quotes, protected from the shell: \'{key}=["a", "b"]\''
    else:
        help = 'the value is read as TOML: 5, 0.1, true, "text", [1, 2] or { type = "adam" }'
    return _fault("SN108", f"`{clipped(value)}` is not a value", file, at, help=help)


def _fault(code: str, message: str, file: str, at: int = 0, help: str | None = None) -> Diagnostic:
    return Diagnostic(code, message, help=help, file=file, span=_span(file, at, len(file)))


def _span(text: str, start: int, stop: int) -> TextSpan:
    return TextSpan(_position(text, start), _position(text, stop))


def _position(text: str, offset: int) -> Position:
    return Position(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))
