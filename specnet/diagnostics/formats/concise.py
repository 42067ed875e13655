"""Findings on a line each, as compilers write them and editors read them."""

from __future__ import annotations

from specnet.diagnostics.diagnostic import Diagnostic, Report
from specnet.diagnostics.segments import printable


def concise(diagnostic: Diagnostic) -> str:
    """Return `file:line:column: CODE message`."""
    where = printable(diagnostic.file or "spec")
    if diagnostic.span is not None:
        where += f":{diagnostic.span.start.line}:{diagnostic.span.start.column}"
    elif diagnostic.file is None and diagnostic.path:
        where += f":{printable('.'.join(map(str, diagnostic.path)))}"
    return f"{where}: {diagnostic.code} {printable(diagnostic.message)}"


def concise_report(report: Report) -> str:
    """Return a line for each finding."""
    return "".join(f"{concise(diagnostic)}\n" for diagnostic in report.diagnostics)
