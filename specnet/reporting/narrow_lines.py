"""Lines of a document in the columns of a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from specnet.diagnostics.segments import width_of, wrapped

WIDTH = 80

_STRING = r'"(?:\\.|[^"\\])*"'
_COMMENTED = re.compile(rf'((?:[^"#]|{_STRING})*?) *# ?(.*)')
_ARRAY = re.compile(rf'(\s*\w+\s*= )\[((?:[^"\]]|{_STRING})*)\]')
_ITEM = re.compile(rf'{_STRING}|[^",\s]+')


def narrow(lines: Iterable[str], width: int = WIDTH) -> list[str]:
    """Return the same document in lines of at most `width` columns, as far as its strings are no longer.

    The comment of a line that is too long stands above it, and the items of an array stand on lines of their own.
    """
    return [part for line in lines for part in _narrowed(line, width)]


def _narrowed(line: str, width: int) -> Iterator[str]:
    found = _COMMENTED.fullmatch(line)
    if width_of(line) <= width:
        yield line
    elif found is not None and not line.startswith("#:"):
        value, comment = found.groups()
        indent = value[: len(value) - len(value.lstrip())]
        yield from (f"{indent}# {part}" for part in wrapped(comment, width - len(indent) - 2))
        if value.strip():
            yield from _narrowed(value, width)
    elif (array := _ARRAY.fullmatch(line)) is not None:
        lead, items = array.groups()
        yield f"{lead}["
        yield from _items(_ITEM.findall(items), width)
        yield "]"
    else:
        yield line


def _items(items: list[str], width: int) -> Iterator[str]:
    row = "   "
    for item in items:
        if row.strip() and width_of(f"{row} {item},") > width:
            yield row
            row = "   "
        row += f" {item},"
    yield row
