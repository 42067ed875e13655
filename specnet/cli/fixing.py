"""Faults made good in the files themselves."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from specnet.diagnostics import Diagnostic, Report, SpecFileError
from specnet.diagnostics.fixes import fixed
from specnet.diagnostics.places import in_flag, is_elsewhere
from specnet.diagnostics.text import counted
from specnet.language.source import SourceText, text_source

PASSES = 10
"""How often a document is checked again: a kind put right may show what is wrong with its fields."""

Check = Callable[[SourceText], Report]


@dataclass(frozen=True, slots=True)
class Fixed:
    """What fixing made of one document."""

    source: SourceText
    """With the text that it has now."""
    report: Report
    """What is still wrong with it."""
    count: int
    """How many faults were fixed."""


def apply_fixes(source: SourceText, report: Report, check: Check) -> Fixed:
    """Return a document with the fixes of its findings applied, repeatedly until none is left.

    Fixes are applied only where they remove their finding and add no syntax error.
    """
    done = 0
    for _ in range(PASSES):
        text, applied = fixed(source.text, report.diagnostics)
        if not applied:
            break
        changed = replace(source, text=text)
        after = check(changed)
        left = {(finding.code, finding.path) for finding in after.diagnostics}
        before = {(finding.code, finding.path) for finding in report.diagnostics}
        malformed = any(
            d.code.startswith("SN1") and d.file == d.document
            for d in after.diagnostics
            if (d.code, d.path) not in before
        )
        if malformed or any((finding.code, finding.path) in left for finding in applied):
            break
        source, report, done = changed, after, done + len(applied)
    return Fixed(source, report, done)


@dataclass
class FixTotals:
    """What fixing did to all documents."""

    faults: int = 0
    files: int = 0
    seen: set[str] = field(default_factory=set)
    """The real paths of files whose diff was shown, or that were fixed for a document that extends them."""

    def say(self, report: Report, *, done: bool) -> None:
        """Print how many problems were fixed."""
        from specnet.cli.terminal import notes, say

        if not self.faults:
            text = "No finding has a safe fix." if report.diagnostics else "Nothing to fix."
        else:
            verb = "Fixed" if done else "Would fix"
            text = f"{verb} {counted(self.faults, 'problem')} in {counted(self.files, 'file')}."
        say(notes(), text)


def fixes_elsewhere(report: Report) -> list[tuple[SourceText, SourceText, int]]:
    """Return the documents that a document extends as they are and with fixes, and how many findings these fix."""
    found: dict[str, list[Diagnostic]] = {}
    for finding in report.diagnostics:
        if finding.fix is not None and is_elsewhere(finding) and not in_flag(finding):
            found.setdefault(str(finding.file), []).append(replace(finding, document=finding.file))
    made = []
    for file, findings in found.items():
        before = report.sources[file]
        after, applied = fixed(before, findings)
        if applied:
            made.append((text_source(before, file), text_source(after, file), len(applied)))
    return made


def diff(before: SourceText, after: SourceText) -> str:
    """Return what fixing changed as a unified diff, which `patch -p0` takes."""
    # A line ends where an editor ends it, not at the other characters that splitlines() knows.
    old, new = (re.findall(r"[^\n]*\n|[^\n]+", source.text) for source in (before, after))
    lines = difflib.unified_diff(old, new, before.file, after.file)
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def save(before: SourceText, after: SourceText) -> None:
    """Write a document in place of its file, whole or not at all, with the permissions that the file has.

    A byte order mark stays, and a link stays a link to the same file. Raises SpecFileError where the file
    cannot be written, or is no longer what was checked.
    """
    from specnet.data.opening import open_regular
    from specnet.storage.files import replacing

    file = Path(os.path.realpath(before.file))
    try:
        with open_regular(file) as opened:
            data = opened.read()
        mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
        if data != mark + before.text.encode():
            raise SpecFileError(
                f"{before.file}: it changed while it was being checked, and is left unchanged"
            )
        if not os.access(file, os.W_OK):
            raise SpecFileError(f"{before.file}: cannot be written: permission denied")
        with replacing(file, file.stat().st_mode & 0o7777) as out:
            out.write(mark + after.text.encode())
    except OSError as error:
        raise SpecFileError(f"{before.file}: cannot be written: {error.strerror or error}") from None
