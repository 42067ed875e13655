"""The formats that findings are written in, and where each goes."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from specnet.diagnostics import Report, Severity
from specnet.diagnostics.text import joined

FORMATS = ("full", "concise", "json", "jsonl", "github", "gitlab", "junit", "sarif")
LINES = frozenset({"full", "concise", "github"})
"""Formats that may follow one another on standard output."""


@dataclass(frozen=True, slots=True)
class ReportOutput:
    """A format, and the file that it is written to; None for standard output."""

    style: str
    file: str | None = None


def outputs(texts: Sequence[str]) -> list[ReportOutput]:
    """Return what `--output` asks for, given as FORMAT or FORMAT=FILE; raises ValueError where it makes no sense."""
    chosen = [_output(text) for text in texts] or [ReportOutput("full")]
    shown = [output.style for output in chosen if output.file is None]
    if len(shown) > 1 and (len(set(shown)) < len(shown) or not LINES.issuperset(shown)):
        raise ValueError(
            f"{joined(shown)} cannot both go to standard output: write one to a file, as in {shown[-1]}=FILE"
        )
    files = [output.file for output in chosen if output.file is not None]
    if len(set(files)) < len(files):
        raise ValueError("two formats cannot be written to one file")
    return chosen


def _output(text: str) -> ReportOutput:
    style, equals, file = text.partition("=")
    if style not in FORMATS:
        from specnet.diagnostics.spelling import closest

        meant = closest(style, FORMATS)
        help = f"did you mean {meant}?" if meant else f"one of {', '.join(FORMATS)}, or FORMAT=FILE"
        raise ValueError(f"{style!r} is not a format: {help}")
    if equals and not file:
        raise ValueError(f"{text} names no file")
    return ReportOutput(style, None if file in {"", "-"} else file)


def write(report: Report, output: ReportOutput, fail_on: Severity) -> None:
    """Write a report in one format; raises RunError where its file cannot be written."""
    if output.file is not None:
        from specnet.storage.files import write_bytes, writing

        text = rendered(report, output.style, fail_on)
        path = Path(output.file)
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, text.encode(errors="backslashreplace"))
    elif output.style == "full" and report.diagnostics:
        from specnet.cli.terminal import results, show_segments
        from specnet.diagnostics.formats.full import full_report

        console = results()
        segments = full_report(report, console.width)
        begin, end = _fence("".join(text for text, _ in segments))
        sys.stdout.write(begin)
        show_segments(console, segments)
        sys.stdout.write(end)
    else:
        text = rendered(report, output.style, fail_on)
        begin, end = _fence(text) if output.style == "concise" else ("", "")
        sys.stdout.write(f"{begin}{text}{end}")


_COMMAND = re.compile(r"^\s*::|##\[", re.MULTILINE)
"""What GitHub takes for a command where it stands in a step's output."""


def _fence(text: str) -> tuple[str, str]:
    """Return the lines between which GitHub runs no command, where a report for people holds what looks like one.

    https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#stopping-and-starting-workflow-commands
    """
    if os.environ.get("GITHUB_ACTIONS") != "true" or _COMMAND.search(text) is None:
        return "", ""
    import secrets

    token = secrets.token_hex(16)
    return f"::stop-commands::{token}\n", f"::{token}::\n"


def rendered(report: Report, style: str, fail_on: Severity) -> str:
    """Return a report as text in one format."""
    match style:
        case "full":
            from specnet.diagnostics.formats.full import full_text

            return full_text(report)
        case "concise":
            from specnet.diagnostics.formats.concise import concise_report

            return concise_report(report)
        case "json":
            from specnet.diagnostics.formats.json_report import json_report

            return json_report(report)
        case "jsonl":
            from specnet.diagnostics.formats.json_report import json_lines

            return json_lines(report)
        case "github":
            from specnet.diagnostics.formats.github import github

            return github(report, checkout())
        case "gitlab":
            from specnet.diagnostics.formats.gitlab import gitlab

            return gitlab(report, checkout())
        case "junit":
            from specnet.diagnostics.formats.junit import junit

            return junit(report, checkout(), fail_on)
        case _:
            from specnet.diagnostics.formats.sarif import sarif

            return sarif(report, checkout())


def checkout() -> str:
    """Return the folder that a CI's paths start from: its checkout where we are in one, or else this folder."""
    here = Path.cwd()
    for variable in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        named = os.environ.get(variable)
        if named and Path(named).is_absolute() and here.is_relative_to(named):
            return os.path.normpath(named)
    return str(here)
