"""Findings as workflow commands, which GitHub shows beside the lines of a pull request.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from specnet.diagnostics.diagnostic import Diagnostic, Report, Severity
from specnet.diagnostics.places import file_of, help_of, in_flag, message_of, relative
from specnet.diagnostics.segments import printable
from specnet.diagnostics.text import counted, joined

SHOWN = 10
"""How many annotations of each type GitHub shows of one step; it drops the rest without a word."""

_SEVERITIES: tuple[Severity, ...] = ("error", "warning")


def github(report: Report, root: str) -> str:
    """Return the annotations that GitHub shows, and a notice that counts what it would drop.

    `root` is the folder of the checkout.
    """
    unread = [f"::error title=specnet::{_data(printable(message))}" for message in report.unread]
    lines: list[str] = []
    left: list[str] = []
    more = 0
    for severity in _SEVERITIES:
        found = [_annotation(finding, root) for finding in report.diagnostics if finding.severity == severity]
        if severity == "error":
            found = unread + found
        lines += found[:SHOWN]
        rest = max(len(found) - SHOWN, 0)
        more += rest
        if rest:
            left.append(counted(rest, f"more {severity}"))
    if left:
        verb = "are" if more > 1 else "is"
        lines.append(f"::notice title=specnet::{joined(left)} {verb} not annotated: see the log")
    return "".join(f"{line}\n" for line in lines)


def _annotation(finding: Diagnostic, root: str) -> str:
    properties = {"title": finding.code, "file": relative(file_of(finding), root)}
    if finding.span is not None and not in_flag(finding):
        start, end = finding.span.start, finding.span.end
        properties |= {"line": str(start.line), "endLine": str(end.line)}
        if start.line == end.line:
            # GitHub refuses columns of a range over several lines.
            properties |= {"col": str(start.column), "endColumn": str(end.column)}
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    help_ = help_of(finding)
    message = message_of(finding) + (f"\n{help_}" if help_ else "")
    return f"::{finding.severity} {listed}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")
