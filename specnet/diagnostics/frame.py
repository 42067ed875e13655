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
    room = max(width - gutter - 3, 20)
    yield f"{' ' * gutter} |\n", "gutter"
    before = None
    for line, group in _by_line(marks):
        if before is not None and line > before + 1:
            yield "...\n", "gutter"
        source = lines[line].removesuffix("\r")
        whole = len(source) <= room and sum(size for _, size in cells(source)) <= room
        for part in [group] if whole else [[mark] for mark in group]:
            yield from _marked(source, part, str(line + 1).rjust(gutter), room)
        before = line


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


def _marked(source: str, marks: list[_Mark], number: str, room: int) -> Iterator[Segment]:
    """Yield one line and the rows of marks below it."""
    first, last = _window(source, marks[0], room)
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
        yield from _mark_row(mark, " " * len(number), indent, length, room)


def _mark_row(mark: _Mark, margin: str, indent: int, length: int, room: int) -> Iterator[Segment]:
    sign = "^" if mark.style == "primary" else "-"
    yield f"{margin} | ", "gutter"
    yield " " * indent, "plain"
    label = printable(mark.label)
    if not label or indent + length + 1 + width_of(label) <= room:
        yield sign * length + (f" {label}" if label else "") + "\n", mark.style
        return
    yield sign * length + "\n", mark.style
    left = min(indent, max(room - width_of(label), 0))
    for line in wrapped(label, room - left):
        yield f"{margin} | ", "gutter"
        yield " " * left + line + "\n", mark.style


def _window(source: str, mark: _Mark, room: int) -> tuple[int, int]:
    """Return the part of a line to show: all, or what is around a mark, two columns being for the cuts."""
    nearby = cells(source[: room + 1])
    if len(source) <= room and sum(size for _, size in nearby) <= room:
        return 0, len(source)
    first = max(mark.start - room // 3, 0)
    if mark.start < room // 3 or mark.end <= room - 2:
        first = 0
    used = 0
    last = first
    for _, size in cells(source[first : first + room]):
        if used + size > room - 2:
            break
        used += size
        last += 1
    return first, max(last, min(first + 1, len(source)))
