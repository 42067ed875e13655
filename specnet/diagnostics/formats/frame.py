"""The piece of a document that a finding points at, with marks below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from specnet.diagnostics.diagnostic import Diagnostic, TextSpan
from specnet.diagnostics.segments import Segment, Style, cells, printable, width_of, wrapped

_CUT = "…"


@dataclass(frozen=True, slots=True)
class _Mark:
    """What is marked on one line, in code points from 0."""

    line: int
    start: int
    end: int
    style: Style
    label: str


def frame(diagnostic: Diagnostic, lines: Sequence[str], width: int) -> Iterator[Segment]:
    """Yield the marked lines of a document, none wider than `width` columns.

    A place that spans several lines is marked on its first. Where a line is too wide, the part around the
    mark is shown, and if there are several marks, each is.
    """
    marks = [_mark(diagnostic.span, lines, "primary", "")] if diagnostic.span is not None else []
    marks += [
        _mark(label.span, lines, "secondary", label.message) for label in diagnostic.labels if label.span
    ]
    marks.sort(key=lambda mark: (mark.line, mark.start, mark.style))
    if not marks:
        return
    gutter = len(str(marks[-1].line + 1))
    available = max(width - gutter - 3, 20)
    yield f"{' ' * gutter} |\n", "gutter"
    before = None
    for line, group in _by_line(marks):
        if before is not None and line > before + 1:
            yield "...\n", "gutter"
        source = lines[line].removesuffix("\r")
        whole = _fits(source, group, available)
        for part in [group] if whole else [[mark] for mark in group]:
            yield from _marked(source, part, str(line + 1).rjust(gutter), available)
        before = line


def _fits(source: str, marks: Sequence[_Mark], available: int) -> bool:
    """Return whether a line has room with its marks, of which one after its end takes a column more."""
    after = int(any(mark.start >= len(source) for mark in marks))
    return len(source) + after <= available and sum(size for _, size in cells(source)) + after <= available


def _mark(span: TextSpan, lines: Sequence[str], style: Style, label: str) -> _Mark:
    line = min(span.start.line, len(lines)) - 1
    start = span.start.column - 1
    end = span.end.column - 1
    if span.end.line > span.start.line:
        end = len(lines[line].rstrip())
        last = f"to line {span.end.line}"
        label = f"{label} ({last})" if label else last
    return _Mark(line, start, max(end, start + 1), style, label)


def _by_line(marks: list[_Mark]) -> Iterator[tuple[int, list[_Mark]]]:
    for line in dict.fromkeys(mark.line for mark in marks):
        yield line, [mark for mark in marks if mark.line == line]


def _marked(source: str, marks: list[_Mark], number: str, available: int) -> Iterator[Segment]:
    """Yield one line and the rows of marks below it."""
    first, last = _window(source, marks[0], available)
    shown = cells(source[first:last])
    lead = _CUT if first else ""
    trail = _CUT if last < len(source) else ""
    yield f"{number} | ", "gutter"
    yield f"{lead}{''.join(text for text, _ in shown)}{trail}".rstrip() + "\n", "source"
    for mark in marks:
        start = min(max(mark.start, first), last) - first
        end = min(max(mark.end, first + start + 1), last + 1) - first
        indent = len(lead) + sum(size for _, size in shown[:start])
        length = max(sum(size for _, size in shown[start:end]), 1)
        yield from _mark_row(mark, " " * len(number), indent, length, available)


def _mark_row(mark: _Mark, margin: str, indent: int, length: int, available: int) -> Iterator[Segment]:
    sign = "^" if mark.style == "primary" else "-"
    yield f"{margin} | ", "gutter"
    yield " " * indent, "plain"
    label = printable(mark.label)
    if not label or indent + length + 1 + width_of(label) <= available:
        yield sign * length + (f" {label}" if label else "") + "\n", mark.style
        return
    yield sign * length + "\n", mark.style
    left = min(indent, max(available - width_of(label), 0))
    for line in wrapped(label, available - left):
        yield f"{margin} | ", "gutter"
        yield " " * left + line + "\n", mark.style


def _window(source: str, mark: _Mark, available: int) -> tuple[int, int]:
    """Return the part of a line to show: all, or what is around a mark, two columns being for the cuts."""
    if _fits(source, [mark], available):
        return 0, len(source)
    first = max(mark.start - available // 3, 0)
    if mark.start < available // 3 or mark.end <= available - 2:
        first = 0
    used = 0
    last = first
    for _, size in cells(source[first : first + available]):
        if used + size > available - 2:
            break
        used += size
        last += 1
    return first, max(last, min(first + 1, len(source)))
