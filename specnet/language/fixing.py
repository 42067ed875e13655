"""Where a fix changes a document's text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from specnet.diagnostics import Edit, Fix
from specnet.language.positions import Positions


def placed(fix: Fix, positions: Positions) -> Fix | None:
    """Return a fix whose edits have their spans, and quotes as the text there has them; None if one has none."""
    edits = [edit for wanted in fix.edits for edit in _placed(wanted, positions)]
    return Fix(fix.message, tuple(edits)) if edits else None


def _placed(edit: Edit, positions: Positions) -> Iterator[Edit]:
    entry = positions.find(edit.path)
    if entry is None:
        return
    if edit.part == "key" and entry.value is None:
        ranges = list(_headers(edit, positions))
    else:
        place = entry.key if edit.part == "key" else entry.value
        ranges = [place] if place is not None else []
    for offsets in ranges:
        # A text keeps its quotes: single ones in TOML are as good as double ones.
        quote = positions.text[offsets[0]]
        quoted = quote in "\"'" and (edit.part == "key" or edit.text.startswith('"'))
        text = quote + edit.text.strip('"') + quote if quoted else edit.text
        yield replace(edit, span=positions.span_of(offsets), text=text)


def _headers(edit: Edit, positions: Positions) -> Iterator[tuple[int, int]]:
    """Yield every place that names a table which is opened by headers or dotted keys, if all can be found.

    A table further down than the first level may be named together with others of its name: it is renamed
    where it is named once.
    """
    name = re.escape(str(edit.path[-1]))
    if len(edit.path) == 1:
        pattern = rf"^[ \t]*\[{{0,2}}[ \t]*({name})[ \t]*[.\]]"
    else:
        pattern = rf"^[ \t]*\[{{0,2}}[^\n=#]*\.[ \t]*({name})[ \t]*[.=\]]"
    found = [match.span(1) for match in re.finditer(pattern, positions.text, re.MULTILINE)]
    if len(edit.path) == 1 or len(found) == 1:
        yield from found
