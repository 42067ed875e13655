"""Tables that a TOML document opens in two ways: what to write instead, and the edits that do it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from specnet.diagnostics import Edit, Fix
from specnet.diagnostics.text import clipped
from specnet.language.positions import Duplicate, PositionEntry, Positions

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_REST_OF_LINE = re.compile(r"[ \t]*\r?(?:\n|\Z)")


def conflict(positions: Positions, duplicate: Duplicate) -> tuple[str | None, Fix | None]:
    """Return what to write instead of a table that is opened a second time, and the fix where that is certain."""
    entry = positions.find(duplicate.path)
    if entry is None:
        return None, None
    text = positions.text
    start = text.rfind("\n", 0, duplicate.second[0]) + 1
    line = text[start : duplicate.second[0]].lstrip()
    below = line.startswith("[") and re.match(r"[ \t]*\]", text[duplicate.second[1] :][:80]) is None
    name = clipped(".".join(str(step) for step in duplicate.path if isinstance(step, str)))
    opening = "" if entry.value is None else text[entry.value[0]]
    if opening == "{" and line.startswith("["):
        help = f"an inline table is closed: write [{name}] instead, or move the entry into its braces"
        return help, _as_section(positions, duplicate, entry, name, start)
    if opening == "{" and text[duplicate.second[1] :][:1] == ".":
        help = "an inline table is closed: move the entry into its braces"
        return help, _into_braces(positions, duplicate, entry, start)
    if opening == "[" and line.startswith("["):
        return f"an array in brackets is closed: move the element into it, or write all as [[{name}]]", None
    if entry.header is None or below:
        return None, None
    if line.startswith("[[") or text.startswith("[[", entry.header[0]):
        return f"[{name}] is one table, and [[{name}]] begins an element of an array: write one of them", None
    if text[entry.header[0]] != "[" and line.startswith("["):
        help = f"dotted keys have opened the table: write all of its keys below [{name}]"
        return help, _below_header(positions, duplicate, entry, name)
    if line.startswith("["):
        return f"write all of its keys below one [{name}]", None
    return f"write the key below [{name}]", None


def _as_section(
    positions: Positions, duplicate: Duplicate, entry: PositionEntry, name: str, before: int
) -> Fix | None:
    """Return the fix that writes an inline table as a section of its own, before the one that adds to it."""
    first = next(other for other in positions.duplicates if other.path == duplicate.path)
    statement = _statement(positions, entry)
    inside = [] if statement is None else list(_assignments(positions, entry))
    if first is not duplicate or statement is None or None in inside:
        return None
    header = ".".join(_written(step) for step in duplicate.path if isinstance(step, str))
    end = "\r\n" if positions.text[statement[0] : statement[1]].endswith("\r\n") else "\n"
    section = end.join([f"[{header}]", *filter(None, inside), "", ""])
    edits = (_edit(positions, statement, ""), _edit(positions, (before, before), section))
    return Fix(f"write the inline table as [{name}]", edits)


def _into_braces(positions: Positions, duplicate: Duplicate, entry: PositionEntry, start: int) -> Fix | None:
    """Return the fix that moves `table.key = value` into the braces of the table."""
    text = positions.text
    added = _added(positions, duplicate, entry)
    if added is None or entry.value is None or text[start : duplicate.second[0]].strip():
        return None
    key_start, value_end, line_end = added
    close = entry.value[1] - 1
    lead = ", " if entry.children and text[entry.value[0] + 1 : close].strip() else " "
    at = len(text[:close].rstrip(" \t"))
    edits = (
        _edit(positions, (at, close), f"{lead}{text[key_start:value_end]} "),
        _edit(positions, (start, line_end), ""),
    )
    return Fix("move the entry into the braces", edits)


def _added(positions: Positions, duplicate: Duplicate, entry: PositionEntry) -> tuple[int, int, int] | None:
    """Return where an entry that a dotted key adds to a table begins and ends, and where its line ends."""
    text = positions.text
    key = len(text) - len(text[duplicate.second[1] + 1 :].lstrip(" \t"))
    added = next((c for c in entry.children.values() if c.key is not None and c.key[0] == key), None)
    if added is None or added.value is None or "\n" in text[slice(*added.value)]:
        return None
    rest = _REST_OF_LINE.match(text, added.value[1])
    return None if rest is None else (key, added.value[1], rest.end())


def _below_header(positions: Positions, duplicate: Duplicate, entry: PositionEntry, name: str) -> Fix | None:
    """Return the fix that moves `table.key = value` below the header of the table."""
    text = positions.text
    end = text.find("\n", duplicate.second[1])
    if end < 0:
        return None
    edits: list[Edit] = []
    moved = ""
    for child in entry.children.values():
        if child.key is not None and child.key[0] > duplicate.second[1]:
            continue
        start = text.rfind("\n", 0, child.key[0]) + 1 if child.key is not None else 0
        rest = _REST_OF_LINE.match(text, child.value[1]) if child.value is not None else None
        if child.key is None or child.value is None or rest is None or "\n" in text[start : child.value[1]]:
            return None
        lead = text[start : child.key[0]].replace(" ", "").replace("\t", "")
        if lead != f"{_written(duplicate.path[-1])}.":
            return None
        edits.append(_edit(positions, (start, rest.end()), ""))
        moved += text[child.key[0] : rest.end()]
    edits.append(_edit(positions, (end + 1, end + 1), moved))
    return Fix(f"move the keys below [{name}]", tuple(edits))


def _statement(positions: Positions, entry: PositionEntry) -> tuple[int, int] | None:
    """Return the lines of a statement `key = { ... }` with nothing else on them, or None."""
    text = positions.text
    if entry.key is None or entry.value is None or "\n" in text[slice(*entry.value)]:
        return None
    start = text.rfind("\n", 0, entry.key[0]) + 1
    rest = _REST_OF_LINE.match(text, entry.value[1])
    return None if rest is None or text[start : entry.key[0]].strip() else (start, rest.end())


def _assignments(positions: Positions, entry: PositionEntry) -> Iterator[str | None]:
    """Yield each `key = value` of an inline table; None for one that is spread over dotted keys."""
    end = entry.value[1] if entry.value is not None else 0
    for child in entry.children.values():
        place = child.key or child.place()
        if place is not None and place[0] > end:
            continue  # what another section adds
        if child.key is None or child.value is None:
            yield None
        else:
            yield positions.text[child.key[0] : child.value[1]]


def _written(step: str | int) -> str:
    name = str(step)
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _edit(positions: Positions, offsets: tuple[int, int], text: str) -> Edit:
    return Edit(text, span=positions.span_of(offsets))
