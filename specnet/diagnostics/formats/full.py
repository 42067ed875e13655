"""Findings for a reader: message, place, marked source and help."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from specnet.diagnostics.diagnostic import Diagnostic, Position, Report, TextSpan
from specnet.diagnostics.formats.frame import frame
from specnet.diagnostics.segments import Segment, plain_text, printable, width_of, wrapped
from specnet.diagnostics.text import counted, joined

WIDTH = 80

_TOP = TextSpan(Position(1, 1), Position(1, 1))


def full(diagnostic: Diagnostic, text: str | None = None, width: int = WIDTH) -> list[Segment]:
    """Return a finding in styled pieces, in lines of at most `width` columns.

    `text` is that of the file which the finding names; without it there is no frame.
    """
    return list(_full(diagnostic, text, None if text is None else text.split("\n"), width))


def full_report(report: Report, width: int = WIDTH) -> list[Segment]:
    """Return all findings in styled pieces, a blank line after each, and a line that counts them."""
    segments: list[Segment] = []
    lines: dict[str, Sequence[str]] = {}
    for diagnostic in report.diagnostics:
        file = diagnostic.file or ""
        text = report.sources.get(file)
        if text is not None and file not in lines:
            lines[file] = text.split("\n")
        segments += _full(diagnostic, text, lines.get(file), width)
        segments.append(("\n", "plain"))
    for message in report.unchecked:
        lines_of = wrapped(printable(message), width - len("note: "))
        segments.append(("note: " + "\n      ".join(lines_of) + "\n", "plain"))
    segments.append((summary(report) + "\n", "strong"))
    return segments


def full_text(report: Report, width: int = WIDTH) -> str:
    """Return all findings as plain text."""
    return plain_text(full_report(report, width))


def summary(report: Report) -> str:
    """Return what was found in numbers."""
    counts = {
        severity: sum(d.severity == severity for d in report.diagnostics) for severity in ("error", "warning")
    }
    found = [counted(n, severity) for severity, n in counts.items() if n]
    files = counted(report.files, "file")
    return f"Found {joined(found)} in {files}." if found else f"No problems in {files}."


def _full(
    diagnostic: Diagnostic, text: str | None, source: Sequence[str] | None, width: int
) -> Iterator[Segment]:
    lead = f"{diagnostic.severity}[{diagnostic.code}]"
    first, *rest = wrapped(printable(diagnostic.message), width - len(lead) - 2)
    yield lead, diagnostic.severity
    yield f": {first}\n", "strong"
    for line in rest:
        yield f"{' ' * (len(lead) + 2)}{line}\n", "strong"
    spans = [span for span in (diagnostic.span, *(label.span for label in diagnostic.labels)) if span]
    gutter = len(str(max((span.start.line for span in spans), default=0))) if text is not None else 1
    place = printable(diagnostic.file or "spec")
    if diagnostic.span is not None:
        place += f":{diagnostic.span.start.line}:{diagnostic.span.start.column}"
    elif diagnostic.file is None and diagnostic.path:
        place += f": {printable('.'.join(map(str, diagnostic.path)))}"
    if text == diagnostic.file and width_of(place) > width - gutter - 4:
        # What stands for itself, as a flag does, is no path that a reader would follow.
        place = place[: width - gutter - 6] + "…"
    yield f"{' ' * gutter}--> ", "gutter"
    yield f"{place}\n", "location"
    framed = text is not None and bool(spans) and spans != [_TOP]
    if source is not None and framed:
        yield from frame(diagnostic, source, width)
    notes = [
        ("note", f"{label.message} ({label.elsewhere})") for label in diagnostic.labels if label.elsewhere
    ]
    notes += [("help", diagnostic.help)] if diagnostic.help else []
    if notes and framed:
        yield f"{' ' * gutter} |\n", "gutter"
    for lead, message in notes:
        for place_, line in enumerate(wrapped(printable(message), width - gutter - 9)):
            yield f"{' ' * gutter} = " if place_ == 0 else " " * (gutter + 3), "gutter"
            yield f"{lead}: {line}\n" if place_ == 0 else f"      {line}\n", "help"
