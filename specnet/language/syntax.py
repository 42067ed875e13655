"""What is wrong with a string that its parser refused, in a user's words."""

from __future__ import annotations

import re
from typing import Any

from specnet.diagnostics import Diagnostic, Position, TextSpan
from specnet.diagnostics.text import counted
from specnet.language.duplicates import duplicate_fault
from specnet.language.parsers import MAX_DEPTH, NestingError
from specnet.language.positions import Positions, locate
from specnet.language.positions.tree import Offsets, PositionEntry, SyntaxFault
from specnet.language.source import SourceText

_DIGITS = re.compile(r"[+-]?[0-9](?:_?[0-9])*+")
_TOP = TextSpan(Position(0, 0), Position(0, 0))
_TOML_NESTING = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}]', re.DOTALL
)
_JSON_NESTING = re.compile(r'"(?:\\.|[^"\\])*"|[\[\]{}]', re.DOTALL)


MAX_LISTED = 20
"""How many syntax errors of one document are listed before the rest are counted."""


def syntax_faults(source: SourceText, positions: Positions) -> list[Diagnostic]:
    """Return the syntax errors and repeated keys of a source, in their order; see `MAX_LISTED`."""
    count = len(positions.faults) + len(positions.duplicates)
    found = [_fault(source, positions, fault) for fault in positions.faults[:MAX_LISTED]]
    found += [
        duplicate_fault(source, positions, i) for i in range(min(len(positions.duplicates), MAX_LISTED))
    ]
    found = sorted(found, key=lambda diagnostic: diagnostic.span or _TOP)[:MAX_LISTED]
    if count > len(found):
        left = counted(count - len(found), "more syntax error")
        verb = "is" if count - len(found) == 1 else "are"
        found.append(Diagnostic("SN200", f"{left} {verb} not listed", file=source.file))
    return found


def unexplained_fault(source: SourceText, error: ValueError | RecursionError) -> Diagnostic:
    """Return the finding about a text that its parser refuses, though no error in it is known."""
    name = source.syntax.upper()
    return Diagnostic(
        "SN101", f"this is not valid {name}", help=f"the parser says: {error}", file=source.file
    )


def nesting_fault(source: SourceText, error: NestingError | RecursionError) -> Diagnostic:
    """Return the finding about a text whose arrays and tables nest too deep."""
    return _nesting(source, (error.place, error.place + 1) if isinstance(error, NestingError) else None)


def _fault(source: SourceText, positions: Positions, fault: SyntaxFault) -> Diagnostic:
    text, at = source.text, fault.at
    if fault.kind == "digits":
        found = _DIGITS.match(text, at)
        span = positions.span_of((at, at + 1 if found is None else found.end()))
        message = "this number has thousands of digits"
        return Diagnostic("SN107", message, path=fault.lost or (), file=source.file, span=span)
    if source.syntax == "toml":
        from specnet.language import toml_syntax as words
    else:
        from specnet.language import json_syntax as words  # type: ignore[no-redef]
    message, help = words.explain(fault.kind, text, at)
    span = positions.span_of((at, at + words.width(fault.kind, text, at)))
    return Diagnostic("SN101", message, path=fault.lost or (), help=help, file=source.file, span=span)


def content_faults(source: SourceText, data: Any) -> list[Diagnostic]:
    """Return what is wrong with data of which no document can be made, whatever its keys."""
    if not isinstance(data, dict):
        kind = "an array" if isinstance(data, list) else "a single value"
        message = f"a document is a JSON object, not {kind}"
        found = locate(source.text, "json").root.value
        span = _span(source.text, found and (found[0], found[0] + 1))
        return [Diagnostic("SN106", message, file=source.file, span=span)]
    if not data:
        message = "the document is empty"
        help = "a document has at least `specnet`, `data`, `layers` and `loss`"
        return [Diagnostic("SN104", message, help=help, file=source.file)]
    return [_nesting(source)]


def encoding_fault(file: str, data: bytes, error: UnicodeDecodeError) -> Diagnostic:
    """Return what is wrong with bytes that are not UTF-8."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Diagnostic("SN103", "the file is UTF-16", help="save it as UTF-8", file=file)
    before = data[: error.start].decode("utf-8", errors="replace").removeprefix("\ufeff")
    start = Position(before.count("\n") + 1, len(before) - before.rfind("\n"))
    span = TextSpan(start, Position(start.line, start.column + 1))
    message = f"the byte 0x{data[error.start]:02x} is not UTF-8 here"
    return Diagnostic("SN103", message, help="save the file as UTF-8", file=file, span=span)


def letter_fault(source: SourceText, error: UnicodeEncodeError) -> Diagnostic:
    """Return what is wrong with a string that is none: it holds half of a letter."""
    half = f"\\u{ord(source.text[error.start]):04x}"
    message = f"`{half}` is half of a surrogate pair, without the other half"
    span = _span(source.text, (error.start, error.start + 1))
    return Diagnostic(
        "SN103", message, help="use a string that can be encoded as UTF-8", file=source.file, span=span
    )


def _nesting(source: SourceText, offsets: Offsets | None = None) -> Diagnostic:
    depth = 0
    pattern = _TOML_NESTING if source.syntax == "toml" else _JSON_NESTING
    for found in pattern.finditer(source.text) if offsets is None else ():
        depth += (found.group() in "[{") - (found.group() in "]}")
        if depth > MAX_DEPTH:
            offsets = found.span()
            break
    message = f"arrays and tables nest more than {MAX_DEPTH} deep here"
    return Diagnostic("SN105", message, file=source.file, span=_span(source.text, offsets))


def _span(text: str, offsets: Offsets | None) -> TextSpan | None:
    return None if offsets is None else Positions(text, PositionEntry()).span_of(offsets)
