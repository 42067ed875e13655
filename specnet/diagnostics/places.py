"""What findings are called outside of a run: their files as a repository knows them, and their identity."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePath
from urllib.parse import quote

from specnet.diagnostics.diagnostic import Diagnostic, Report
from specnet.diagnostics.segments import printable

FLAGS = ("--set ", "override ")
"""How what stands for the name of a file begins, where a place is in a flag."""

_LONG = 1000


def document_of(diagnostic: Diagnostic) -> str:
    """Return the file that a finding is about: a flag is none, and its findings belong to the document."""
    return diagnostic.document or diagnostic.file or "spec"


def in_flag(diagnostic: Diagnostic) -> bool:
    """Return whether the place of a finding is in a flag, or in an argument that stands for one."""
    return is_elsewhere(diagnostic) and (diagnostic.file or FLAGS[0]).startswith(FLAGS)


def is_elsewhere(diagnostic: Diagnostic) -> bool:
    """Return whether the place of a finding is not in its document, but in a flag or in what it extends."""
    return diagnostic.document is not None and diagnostic.file != diagnostic.document


def file_of(diagnostic: Diagnostic) -> str:
    """Return the file that has the place of a finding; that of a flag is its document."""
    return document_of(diagnostic) if in_flag(diagnostic) else diagnostic.file or document_of(diagnostic)


def message_of(diagnostic: Diagnostic) -> str:
    """Return a finding's message on one line, led by the flag that its place is in, if it is."""
    message = f"{diagnostic.file}: {diagnostic.message}" if in_flag(diagnostic) else diagnostic.message
    return printable(message)


def help_of(diagnostic: Diagnostic) -> str | None:
    """Return a finding's help as a string that commands no terminal."""
    return printable(diagnostic.help) if diagnostic.help else None


def relative(file: str, root: str) -> str:
    """Return a file's path from a folder on, with `/`; an absolute path where it does not lie in it.

    The path is the one that the user wrote: a link stays what it is.
    """
    absolute = os.path.abspath(file)  # noqa: PTH100  resolve() would follow links out of the repository
    try:
        inside = os.path.commonpath([absolute, root]) == root
    except ValueError:  # another drive
        inside = False
    return PurePath(os.path.relpath(absolute, root) if inside else absolute).as_posix()


def uri(path: str) -> str:
    """Return a path as `relative` gives it as a URI reference, relative where the path is."""
    if PurePath(path).is_absolute():
        return Path(path).as_uri()
    return quote(path, errors="surrogateescape")


def fingerprints(report: Report, root: str) -> Iterator[str]:
    """Yield an identity for each finding of a report that stays when its lines move.

    It is made of the file's path from `root` on, the code, the keys on the way (without places in arrays) and
    the line's own text, and of a number where findings share all these. Of a long line, as one that holds a whole
    document, the text is read once for all of its findings, and its hash stands for it.
    """
    seen: Counter[str] = Counter()
    lines = {file: text.split("\n") for file, text in report.sources.items()}
    texts: dict[tuple[str, int], str] = {}
    for finding in report.diagnostics:
        text = ""
        file = finding.file or ""
        source = lines.get(file)
        if source is not None and finding.span is not None and finding.span.start.line <= len(source):
            place = file, finding.span.start.line
            if place not in texts:
                texts[place] = _line_identity(source[place[1] - 1])
            text = texts[place]
        keys = ".".join(step for step in finding.path if isinstance(step, str))
        identity = "\0".join((relative(file_of(finding), root), finding.code, keys, text))
        number = seen[identity]
        seen[identity] += 1
        whole = f"{identity}\0{number}".encode(errors="backslashreplace")
        yield hashlib.sha256(whole).hexdigest()[:32]


def _line_identity(line: str) -> str:
    text = " ".join(line.split())
    return text if len(text) <= _LONG else hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()
