"""Findings as SARIF 2.1.0, which GitHub's code scanning and many viewers read.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import json
from pathlib import Path, PurePath
from typing import Any

from specnet._version import __version__
from specnet.diagnostics.diagnostic import Diagnostic, Fix, Report, TextSpan
from specnet.diagnostics.places import file_of, fingerprints, help_of, in_flag, message_of, relative, uri
from specnet.diagnostics.rules import PHASES, RULES
from specnet.diagnostics.segments import printable

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "SRCROOT"
"""What relative paths are relative to, by the name that code scanners use."""


def sarif(report: Report, root: str) -> str:
    """Return a report as one SARIF log of one run; `root` is the folder of the checkout.

    Its rules are the codes that occur. Columns count code points.
    """
    codes = sorted({finding.code for finding in report.diagnostics})
    invocation: dict[str, Any] = {"executionSuccessful": not report.unread}
    if report.unread:
        invocation["toolExecutionNotifications"] = [
            {"level": "error", "message": {"text": _plain(printable(message))}} for message in report.unread
        ]
    results = [
        {**_result(finding, codes, root), "partialFingerprints": {"specnet/v1": fingerprint}}
        for finding, fingerprint in zip(report.diagnostics, fingerprints(report, root), strict=True)
    ]
    run = {
        "tool": {
            "driver": {
                "name": "specnet",
                "semanticVersion": __version__,
                "rules": [_rule(code, report) for code in codes],
            }
        },
        "invocations": [invocation],
        "originalUriBaseIds": {ROOT: {"uri": f"{Path(root).as_uri().rstrip('/')}/"}},
        "artifacts": [{"location": _location(name, root)} for name in report.documents],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(name: str, report: Report) -> dict[str, Any]:
    severity = next(finding.severity for finding in report.diagnostics if finding.code == name)
    rule: dict[str, Any] = {
        "id": name,
        "defaultConfiguration": {"level": severity},
        "properties": {"tags": [PHASES.get(name[:3], "specnet")]},
    }
    known = RULES.get(name)
    if known is not None:
        rule |= {
            "shortDescription": {"text": known.title},
            "fullDescription": {"text": known.text},
            "help": {"text": known.text, "markdown": known.markdown},
        }
    return rule


def _result(finding: Diagnostic, codes: list[str], root: str) -> dict[str, Any]:
    help_ = help_of(finding)
    message = message_of(finding) + (f"\n{help_}" if help_ else "")
    place: dict[str, Any] = {"artifactLocation": _location(file_of(finding), root)}
    if finding.span is not None and not in_flag(finding):
        place["region"] = _region(finding.span)
    location: dict[str, Any] = {"physicalLocation": place}
    if finding.path:
        location["logicalLocations"] = [
            {"fullyQualifiedName": ".".join(map(str, finding.path)), "kind": "member"}
        ]
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": finding.severity,
        "message": {"text": _plain(message)},
        "locations": [location],
    }
    related = [
        {
            "id": number,
            "message": {"text": _plain(printable(label.message))},
            "physicalLocation": {
                "artifactLocation": place["artifactLocation"],
                "region": _region(label.span),
            },
        }
        for number, label in enumerate(finding.labels, 1)
        if label.span is not None and not in_flag(finding)
    ]
    if related:
        result["relatedLocations"] = related
    if finding.fix is not None and not in_flag(finding):
        result["fixes"] = [_fix(finding.fix, place["artifactLocation"])]
    return result


def _plain(text: str) -> str:
    """Return a message in which nothing is taken for a link, as `[text](target)` is in SARIF's messages."""
    return text if "](" not in text else text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def _fix(fix: Fix, location: dict[str, Any]) -> dict[str, Any]:
    replacements = [
        {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
        for edit in fix.edits
        if edit.span is not None
    ]
    return {
        "description": {"text": _plain(printable(fix.message))},
        "artifactChanges": [{"artifactLocation": location, "replacements": replacements}],
    }


def _location(name: str, root: str) -> dict[str, Any]:
    path = relative(name, root)
    base = {} if PurePath(path).is_absolute() else {"uriBaseId": ROOT}
    return {"uri": uri(path), **base}


def _region(span: TextSpan) -> dict[str, int]:
    return {
        "startLine": span.start.line,
        "startColumn": span.start.column,
        "endLine": span.end.line,
        "endColumn": span.end.column,
    }
