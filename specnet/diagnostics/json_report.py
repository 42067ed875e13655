"""Findings for a program."""

from __future__ import annotations

import json

from specnet.diagnostics.diagnostic import Report


def json_report(report: Report) -> str:
    """Return a report as one JSON object, in ASCII."""
    return json.dumps(report.as_dict(), indent=2) + "\n"
