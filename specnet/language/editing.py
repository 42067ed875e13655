"""Values put into the text of a document, in place: everything else stays as it is, comments and layout included."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any

from specnet.diagnostics import KeyPath
from specnet.language.positions import Positions, locate
from specnet.language.source import Syntax
from specnet.language.toml_writer import toml_key, toml_value


def edited(text: str, syntax: Syntax, changes: Mapping[KeyPath, Any]) -> str | None:
    """Return a document's text with the values at some key paths set; None where it cannot be edited like that.

    Keys that are not there are added to the table that they belong in. The result is read again, and is the same as
    the document but for these values.
    """
    wanted: Any = _read(text, syntax)
    for path, value in changes.items():
        if not _put(wanted, path, value):
            return None
        changed = _edited(text, syntax, path, value)
        if changed is None:
            return None
        text = changed
    try:
        return text if _read(text, syntax) == wanted else None
    except ValueError:
        return None


def _read(text: str, syntax: Syntax) -> Any:
    return json.loads(text) if syntax == "json" else tomllib.loads(text)


def _put(data: Any, path: KeyPath, value: Any) -> bool:
    """Set a value in data; a bare name on the way becomes a table. False where there is no such place."""
    node = data
    for step in path[:-1]:
        if not _has_place(node, step):
            return False
        if isinstance(node, dict):
            node.setdefault(step, {})
        if isinstance(node[step], str):
            node[step] = {"type": node[step]}
        node = node[step]
    if not _has_place(node, path[-1]):
        return False
    node[path[-1]] = value
    return True


def _has_place(node: Any, step: str | int) -> bool:
    if isinstance(node, list):
        return isinstance(step, int) and step < len(node)
    return isinstance(node, dict)


def _edited(text: str, syntax: Syntax, path: KeyPath, value: Any) -> str | None:
    positions = locate(text, syntax)
    entry = positions.find(path)
    if entry is not None:
        if entry.value is None:
            return None  # a table of several lines
        return _replaced(text, entry.value, _text(value, syntax))
    depth = next(n for n in range(len(path) - 1, -1, -1) if n == 0 or positions.find(path[:n]) is not None)
    above, rest = path[:depth], path[depth:]
    if any(isinstance(step, int) for step in rest):
        return None
    if depth == 0:
        return _at_top(text, syntax, positions, rest, value)
    entry = positions.find(above)
    assert entry is not None
    if entry.value is not None:
        start, end = entry.value
        if text[start] in "\"'":  # a bare name
            table = {"type": _read_value(text[start:end], syntax), str(rest[0]): _nested(rest[1:], value)}
            return _replaced(text, entry.value, _text(table, syntax))
        return _into_braces(text, syntax, entry.value, rest, value)
    places = [child.value[1] for child in entry.children.values() if child.value is not None]
    if not places and entry.header is None:
        return None
    at = max(places) if places else (entry.header or (0, 0))[1]
    return _new_line(text, at, rest, value)


def _at_top(text: str, syntax: Syntax, positions: Positions, rest: KeyPath, value: Any) -> str | None:
    """Add a key to the document itself: a table at its end, anything else below its first keys."""
    if syntax == "json":
        start, end = text.index("{"), text.rindex("}") + 1
        return _into_braces(text, syntax, (start, end), rest, value)
    if len(rest) > 1:
        head = ".".join(toml_key(str(step)) for step in rest[:-1])
        line = f"{toml_key(str(rest[-1]))} = {toml_value(value)}"
        return f"{text.rstrip()}\n\n[{head}]\n{line}\n"
    places = [child.value[1] for child in positions.root.children.values() if child.value is not None]
    return _new_line(text, max(places), rest, value) if places else None


def _into_braces(text: str, syntax: Syntax, braces: tuple[int, int], rest: KeyPath, value: Any) -> str | None:
    start, end = braces
    if text[start] != "{" or text[end - 1] != "}":
        return None
    inner = text[start + 1 : end - 1].rstrip()
    key, nested = str(rest[0]), _text(_nested(rest[1:], value), syntax)
    added = f"{json.dumps(key)}: {nested}" if syntax == "json" else f"{toml_key(key)} = {nested}"
    joined = f"{inner}, {added}" if inner.strip() else f" {added}"
    return _replaced(
        text, braces, f"{{{joined}{' ' if syntax == 'toml' else text[start + 1 + len(inner) : end - 1]}}}"
    )


def _new_line(text: str, at: int, rest: KeyPath, value: Any) -> str:
    """Add a key below the line of a place."""
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    begin = text.rfind("\n", 0, at) + 1
    line = text[begin:end]
    indent = line[: len(line) - len(line.lstrip())]
    key = ".".join(toml_key(str(step)) for step in rest)
    return f"{text[:end]}\n{indent}{key} = {toml_value(value)}{text[end:]}"


def _nested(rest: KeyPath, value: Any) -> Any:
    for step in reversed(rest):
        value = {str(step): value}
    return value


def _replaced(text: str, place: tuple[int, int], new: str) -> str:
    return text[: place[0]] + new + text[place[1] :]


def _text(value: Any, syntax: Syntax) -> str:
    return json.dumps(value, ensure_ascii=False) if syntax == "json" else toml_value(value)


def _read_value(text: str, syntax: Syntax) -> Any:
    return json.loads(text) if syntax == "json" else tomllib.loads(f"v = {text}")["v"]
