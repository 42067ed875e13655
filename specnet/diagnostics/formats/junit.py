"""Findings as the test report that JUnit's Ant task began and every CI reads: each document is a test.

Its schema is that of Jenkins' xUnit plugin (junit-10.xsd).
"""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from specnet.diagnostics.diagnostic import Diagnostic, Report, Severity
from specnet.diagnostics.formats.full import full_text, summary
from specnet.diagnostics.places import document_of, relative
from specnet.diagnostics.segments import printable


def junit(report: Report, root: str, fail_on: Severity = "error") -> str:
    """Return a report as XML; `root` is the folder of the checkout, and `fail_on` the least that fails a test.

    A document with findings at or above it has failed. What is below stands in the test's output. A file that
    cannot be read is a test that ended in an error.
    """
    cases: list[str] = []
    failures = 0
    for name in report.documents:
        findings = tuple(d for d in report.diagnostics if document_of(d) == name)
        part = Report(1, findings, report.sources)
        failed = part.failing(fail_on)
        failures += failed
        cases.append(_case(relative(name, root), _body(part, failed)))
    for message in report.unread:
        name, _, reason = printable(message).partition(": ")
        body = f"<error message={_attribute(reason or message)} type={_attribute('unreadable')}/>"
        cases.append(_case(relative(name, root), body))
    counts = f'tests="{len(cases)}" failures="{failures}" errors="{len(report.unread)}"'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites name="specnet" {counts}>\n'
        f'  <testsuite name="specnet validate" {counts}>\n'
        f"{''.join(cases)}"
        "  </testsuite>\n"
        "</testsuites>\n"
    )


def _case(name: str, body: str) -> str:
    head = f"    <testcase classname={_attribute('specnet')} name={_attribute(printable(name))}"
    return f"{head}>\n      {body}\n    </testcase>\n" if body else f"{head}/>\n"


def _body(part: Report, failed: bool) -> str:
    if not part.diagnostics:
        return ""
    text = escape(_valid(full_text(part)))
    if not failed:
        return f"<system-out>{text}</system-out>"
    codes = " ".join(dict.fromkeys(d.code for d in part.diagnostics))
    return f"<failure message={_attribute(_headline(part.diagnostics, part))} type={_attribute(codes)}>{text}</failure>"


def _headline(findings: tuple[Diagnostic, ...], part: Report) -> str:
    return printable(findings[0].message) if len(findings) == 1 else summary(part)


def _attribute(text: str) -> str:
    return quoteattr(_valid(text))


def _valid(text: str) -> str:
    """Return text in which what XML 1.0 cannot hold is replaced."""
    return "".join(c if _allowed(ord(c)) else "\ufffd" for c in text)


def _allowed(code: int) -> bool:
    return code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000
