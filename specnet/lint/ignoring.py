"""Which warnings a document, or its checker, asks not to hear of."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

from specnet.diagnostics import Diagnostic, Position, TextSpan
from specnet.language.source import SourceText
from specnet.language.spec import Spec
from specnet.language.warnings import unknown_warning
from specnet.lint import every_rule

UNUSED = "SN799"

# TOML's texts, which may hold what looks like a comment, and its comments; exact for text that TOML accepts.
_TOKENS = re.compile(
    r'"""(?:[^\\]|\\.)*?"""+'
    r"|'''.*?'''+"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|(?P<comment>#[^\n]*)",
    re.DOTALL,
)
_ASKED = re.compile(r"specnet:\s*ignore\[([^\]\n]*)\]")
_CODE = re.compile(r"[^\s,]+")


@dataclass(slots=True)
class Request:
    """One code in a comment, the line whose findings it speaks of, and whether there was such a finding."""

    code: str
    line: int
    span: TextSpan
    used: bool = field(default=False)


def not_suppressed(
    spec: Spec, placed: Iterable[Diagnostic], ignore: Collection[str], *, whole: bool
) -> list[Diagnostic]:
    """Return findings without the warnings that are not wanted, and with a warning for each idle comment.

    `placed` are a document's findings with their places, and `ignore` the codes that its checker does not want,
    beside the document's own. `whole` says that every rule was asked, data rules too; what a comment is for is
    known only then.
    """
    source = spec.source.source
    requests = list(comments(source)) if source is not None else []
    # A comment in what the document extends speaks of its own lines, and may be of use to another document alone.
    by_file: dict[str | None, list[Request]] = {
        part.source.file: list(comments(part.source)) for part in spec.source.extended if part.source
    }
    by_file[_file(source)] = requests
    found = list(placed)
    kept = [d for d in found if not (_asked(d, by_file.get(d.file, [])) and d.severity == "warning")]
    if source is not None and not any(d.severity == "error" for d in found):
        kept += _idle(requests, source, whole=whole)
    quiet = {*ignore, *spec.lint.ignore}
    kept = [d for d in kept if d.severity == "error" or d.code not in quiet]
    start = Position(0, 0)
    return sorted(
        kept, key=lambda d: (d.file != _file(source), d.counts_others, d.span.start if d.span else start)
    )


def comments(source: SourceText) -> Iterator[Request]:
    """Yield what the comments of a TOML document ask for.

    A comment beside something speaks of findings on its own line, one that has a line to itself of the next
    line that holds more than a comment.
    """
    text = source.text
    if source.syntax != "toml" or "specnet:" not in text:
        return
    following = _following(text.split("\n"))
    line, begin, at = 1, 0, 0
    for token in _TOKENS.finditer(text):
        comment = token["comment"]
        asked = _ASKED.search(comment) if comment is not None else None
        if asked is None:
            continue
        line += text.count("\n", at, token.start())
        at = token.start()
        begin = text.rfind("\n", 0, at) + 1
        about = line
        if not text[begin:at].strip():
            about = following[line] or line
        for code in _CODE.finditer(asked[1]):
            start = at - begin + asked.start(1) + code.start() + 1
            span = TextSpan(Position(line, start), Position(line, start + len(code[0])))
            yield Request(code[0], about, span)


def _following(lines: list[str]) -> list[int]:
    """Return, for each line from 1, the next one below it that holds more than a comment; 0 if there is none."""
    following = [0] * (len(lines) + 1)
    for line in range(len(lines) - 1, 0, -1):
        below = lines[line].strip()
        following[line] = line + 1 if below and not below.startswith("#") else following[line + 1]
    return following


def _asked(finding: Diagnostic, requests: list[Request]) -> bool:
    """Return whether a comment asks for a finding to be suppressed, and note that the comment has a use."""
    if finding.span is None:
        return False
    hits = [r for r in requests if r.code == finding.code and r.line == finding.span.start.line]
    for request in hits:
        request.used = True
    return bool(hits)


def _idle(requests: list[Request], source: SourceText, *, whole: bool) -> Iterator[Diagnostic]:
    """Yield a warning for each request that passed over nothing, unless its line asks to pass over that."""
    waived = {request.line for request in requests if request.code == UNUSED}
    for request in requests:
        if request.used or request.line in waived or not (whole or _asked_without_data(request.code)):
            continue
        fault = unknown_warning(request.code)
        message, help = fault or (
            f"there is no {request.code} on line {request.line} to ignore",
            "remove the comment",
        )
        finding = Diagnostic(
            UNUSED, message, severity="warning", help=help, file=source.file, span=request.span
        )
        yield replace(finding, document=source.file)


def _asked_without_data(code: str) -> bool:
    rule = every_rule().get(code)
    return rule is None or rule.needs == "spec"


def _file(source: SourceText | None) -> str | None:
    return source.file if source is not None else None
