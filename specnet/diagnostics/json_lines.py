"""Findings for a program that reads a line at a time."""

from __future__ import annotations

import json

from specnet.diagnostics.diagnostic import Report


def json_lines(report: Report) -> str:
    """Return each finding as a JSON object on a line of its own, in ASCII."""
    return "".join(json.dumps(finding.as_dict()) + "\n" for finding in report.diagnostics)
