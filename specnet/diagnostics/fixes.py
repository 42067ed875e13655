"""Documents with their faults made good, where a finding says how."""

from __future__ import annotations

import re
from collections.abc import Iterable

from specnet.diagnostics.diagnostic import Diagnostic, Edit, Position


def fixed(text: str, diagnostics: Iterable[Diagnostic]) -> tuple[str, tuple[Diagnostic, ...]]:
    """Return a document's text with the fixes of its findings put in, and the findings that these fix.

    All else stays as it is, comments and layout included. A fix whose edits overlap those of an earlier one
    is left out: it may be put into the result, once that is checked again.
    """
    starts = _line_starts(text)
    taken: list[tuple[int, int, str]] = []
    cured: list[Diagnostic] = []
    for diagnostic in diagnostics:
        if diagnostic.fix is None or diagnostic.file != (diagnostic.document or diagnostic.file):
            continue
        edits = [offsets for edit in diagnostic.fix.edits if (offsets := _offsets(edit, starts)) is not None]
        if len(edits) < len(diagnostic.fix.edits) or any(_overlap(a, b) for a in edits for b in taken):
            continue
        taken += edits
        cured.append(diagnostic)
    for start, end, new in sorted(taken, reverse=True):
        text = text[:start] + new + text[end:]
    return text, tuple(cured)


def _line_starts(text: str) -> list[int]:
    return [0, *(found.end() for found in re.finditer(r"\n", text))]


def _offsets(edit: Edit, starts: list[int]) -> tuple[int, int, str] | None:
    if edit.span is None:
        return None
    return _offset(edit.span.start, starts), _offset(edit.span.end, starts), edit.text


def _offset(position: Position, starts: list[int]) -> int:
    return starts[position.line - 1] + position.column - 1


def _overlap(a: tuple[int, int, str], b: tuple[int, int, str]) -> bool:
    return a[0] < b[1] and b[0] < a[1]
