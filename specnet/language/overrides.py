from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from specnet.diagnostics import Diagnostic, KeyPath, Position, TextSpan
from specnet.diagnostics.text import clipped
from specnet.language.mappings import plain
from specnet.language.wording import dotted, noun, shown_key

Overrides = Mapping[str, Any] | Iterable[str]
"""`{"training.epochs": 5}`, or strings as `--set` takes them: `["training.epochs=5"]`."""


@dataclass(frozen=True, slots=True)
class Override:
    """One value that replaces a document's, or adds to it."""

    path: KeyPath
    value: Any
    file: str
    """What stands for a file's name in a diagnostic, and is its text as well: `--set training.epochs=5`."""
    key_at: int
    value_at: int
    """Where key and value begin in `file`."""

    def span(self, key: bool = False) -> TextSpan:
        """Return where its value lies in `file`, or its key."""
        offsets = (self.key_at, self.value_at - 1) if key else (self.value_at, len(self.file))
        return TextSpan(_position(self.file, offsets[0]), _position(self.file, offsets[1]))


def read_overrides(overrides: Overrides) -> tuple[list[Override], list[Diagnostic]]:
    """Return what a mapping or `key=value` texts override, and what is wrong with them."""
    found: list[Override] = []
    faults: list[Diagnostic] = []
    if isinstance(overrides, Mapping):
        for key, value in overrides.items():
            try:
                plain_value = plain(value)
            except RecursionError:
                message = f"`{clipped(str(key))}` is nested too deeply"
                faults.append(_fault("SN108", message, f"override {key}"))
                continue
            _read(
                str(key),
                plain_value,
                f"override {key}={clipped(repr(plain_value), 60)}",
                len("override "),
                found,
                faults,
            )
        return found, faults
    for text in [overrides] if isinstance(overrides, str) else overrides:
        key, value = _split(text)
        if value is None:
            faults.append(
                _fault("SN108", f"`{clipped(text)}` sets no value", f"--set {text}", help="write key=value")
            )
            continue
        file = f"--set {text}"
        at = len(file) - len(value)
        try:
            data = tomllib.loads(f"value = {value}")
        except (ValueError, RecursionError):
            faults.append(_not_toml(file, at, value))
            continue
        if len(data) > 1:
            faults.append(_fault("SN108", "a flag sets one value", file, at))
            continue
        _read(key, data["value"], file, len("--set "), found, faults)
    return found, faults


def apply(data: dict[str, Any], overrides: list[Override]) -> tuple[list[Override], list[Diagnostic]]:
    """Put overrides into a document's data, in order.

    Returns them with key paths as the data have them, and what does not fit. A table on the way that the
    document does not have is made; a bare name (`loss = "mse"`) on the way becomes its table.
    """
    done: list[Override] = []
    faults: list[Diagnostic] = []
    for override in overrides:
        path, fault = _put(data, override)
        if fault is not None:
            faults.append(fault)
        else:
            done.append(replace(override, path=path))
    return done, faults


def _read(key: str, value: Any, file: str, at: int, found: list[Override], faults: list[Diagnostic]) -> None:
    path = _path(key)
    if path is None:
        message = f"`{clipped(key)}` is not a key"
        faults.append(_fault("SN108", message, file, at, help="write a key path such as training.epochs"))
    else:
        found.append(Override(path, value, file, at, at + len(key) + 1))


def _split(text: str) -> tuple[str, str | None]:
    """Split at the first `=` that is not within a quoted part of the key."""
    place = text.find("=")
    while place >= 0:
        if _path(text[:place]) is not None:
            return text[:place], text[place + 1 :]
        place = text.find("=", place + 1)
    key, equals, value = text.partition("=")
    return key, value if equals else None


def _path(key: str) -> tuple[str, ...] | None:
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


def _put(data: dict[str, Any], override: Override) -> tuple[KeyPath, Diagnostic | None]:
    node: Any = data
    path: list[str | int] = []
    last = len(override.path) - 1
    for depth, step in enumerate(override.path):
        place, fault = _step(node, str(step), tuple(path), override)
        if fault is not None:
            return (), fault
        path.append(place)
        if depth == last:
            node[place] = override.value
        elif isinstance(node, dict) and place not in node:
            node[place] = {}
        elif isinstance(node[place], str):
            node[place] = {"type": node[place]}
        node = node[place]
    return tuple(path), None


def _step(node: Any, step: str, path: KeyPath, override: Override) -> tuple[str | int, Diagnostic | None]:
    """Return the key or index that a step of a path means in a table or an array."""
    if isinstance(node, dict):
        return step, None
    at = override.key_at
    if not isinstance(node, list):
        message = f"{shown_key(path)} is {noun(node)}: nothing can be set below it"
        return step, _fault("SN109", message, override.file, at)
    try:
        place = int(step)
    except ValueError:
        help = f"write its index, from 0: {dotted((*path, 0, step))}"
        message = f"{shown_key(path)} is an array, which has no `{clipped(step)}`"
        return step, _fault("SN109", message, override.file, at, help=help)
    if not -len(node) <= place < len(node):
        message = f"{shown_key(path)} has no element {place}: it has {len(node)}, numbered from 0"
        return step, _fault("SN109", message, override.file, at)
    return place % len(node), None


def _not_toml(file: str, at: int, value: str) -> Diagnostic:
    if not value.strip():
        return _fault("SN108", "the value is missing", file, at)
    if value.replace("_", "").replace("-", "").isalnum() and not value[0].isdigit():
        help = f"strings need quotes, protected from the shell: '{file[6:at]}\"{clipped(value)}\"'"
    else:
        help = 'the value is read as TOML: 5, 0.1, true, "text", [1, 2] or { type = "adam" }'
    return _fault("SN108", f"`{clipped(value)}` is not a value", file, at, help=help)


def _fault(
    code: str,
    message: str,
    file: str,
    at: int = 0,
    help: str | None = None,
) -> Diagnostic:
    span = TextSpan(_position(file, at), _position(file, len(file)))
    return Diagnostic(code, message, help=help, file=file, span=span)


def _position(text: str, offset: int) -> Position:
    return Position(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))
