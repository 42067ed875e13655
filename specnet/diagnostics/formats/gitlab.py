"""Findings as a Code Quality report, which GitLab shows in merge requests.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import json

from specnet.diagnostics.diagnostic import Report
from specnet.diagnostics.places import file_of, fingerprints, help_of, in_flag, message_of, relative

SEVERITIES = {"error": "major", "warning": "minor"}


def gitlab(report: Report, root: str) -> str:
    """Return a report as a JSON array; `root` is the folder of the checkout."""
    found = []
    for finding, fingerprint in zip(report.diagnostics, fingerprints(report, root), strict=True):
        lines = {"begin": 1}
        if finding.span is not None and not in_flag(finding):
            lines = {"begin": finding.span.start.line, "end": finding.span.end.line}
        message, help_ = message_of(finding), help_of(finding)
        found.append(
            {
                "description": f"{message} ({help_})" if help_ else message,
                "check_name": finding.code,
                "fingerprint": fingerprint,
                "severity": SEVERITIES[finding.severity],
                "location": {"path": relative(file_of(finding), root), "lines": lines},
            }
        )
    return json.dumps(found, indent=2) + "\n"
