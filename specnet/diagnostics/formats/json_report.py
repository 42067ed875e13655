"""Findings for a program, as one JSON object or one a line, in ASCII."""

from __future__ import annotations

import json

from specnet.diagnostics.diagnostic import Report


def json_report(report: Report) -> str:
    """Return a report as one JSON object."""
    return json.dumps(report.as_dict(), indent=2) + "\n"


def json_lines(report: Report) -> str:
    """Return each finding as a JSON object on a line of its own."""
    return "".join(json.dumps(finding.as_dict()) + "\n" for finding in report.diagnostics)
