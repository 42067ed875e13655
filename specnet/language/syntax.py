"""What is wrong with a string that its parser refused, in a user's words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from specnet.diagnostics import Diagnostic, KeyPath, Position, TextSpan
from specnet.language.duplicates import duplicate_fault
from specnet.language.parsers import HALF_LETTER, MAX_DEPTH, JsonExtensionError, NestingError
from specnet.language.positions import Positions, locate
from specnet.language.positions.tree import Offsets, PositionEntry
from specnet.language.source import SourceText

_DIGITS = re.compile(r"[0-9](?:_?[0-9]){4000,}")
_TOML_NESTING = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}]', re.DOTALL
)
_JSON_NESTING = re.compile(r'"(?:\\.|[^"\\])*"|[\[\]{}]', re.DOTALL)


def syntax_faults(source: SourceText, error: ValueError | RecursionError) -> list[Diagnostic]:
    """Return what a parser's error says about a source."""
    if isinstance(error, RecursionError):
        return [_nesting(source)]
    if isinstance(error, NestingError):
        return [_nesting(source, (error.place, error.place + 1))]
    if isinstance(error, JsonExtensionError):
        return _json_extensions(source)
    if not source.text.strip(" \t\r\n"):
        return content_faults(source, {})
    if isinstance(error, json.JSONDecodeError):
        from specnet.language.json_syntax import json_fault

        return [json_fault(source, error)]
    if "limit" in str(error) and "digits" in str(error):
        found = _DIGITS.search(source.text)
        span = _span(source.text, found.span()) if found else None
        return [Diagnostic("SN107", "this number has thousands of digits", file=source.file, span=span)]
    from specnet.language.toml_syntax import toml_fault

    return [toml_fault(source, error)]


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


def _json_extensions(source: SourceText) -> list[Diagnostic]:
    try:
        json.loads(source.text)  # what stands behind NaN or a second key may be no JSON either
    except (ValueError, RecursionError) as error:
        return syntax_faults(source, error)
    try:
        positions = locate(source.text, "json")
    except RecursionError:
        return [_nesting(source)]
    found = [duplicate_fault(source, positions, i) for i in range(len(positions.duplicates))]
    for path, entry in _everything(positions):
        word = source.text[slice(*entry.value)] if entry.value else ""
        if word in {"NaN", "Infinity", "-Infinity"}:
            message = f"`{word}` is not JSON, and no value in a document may be"
            found.append(
                Diagnostic(
                    "SN101", message, path=path, file=source.file, span=_span(source.text, entry.value)
                )
            )
    found += _half_letters(source, positions)
    return sorted(found, key=lambda diagnostic: diagnostic.span or TextSpan(Position(0, 0), Position(0, 0)))


def _everything(positions: Positions) -> Iterator[tuple[KeyPath, PositionEntry]]:
    """Yield every entry with its path, the whole document as the first."""
    yield (), positions.root
    yield from positions.walk()


def _half_letters(source: SourceText, positions: Positions) -> Iterator[Diagnostic]:
    for path, entry in _everything(positions):
        for offsets in (entry.key, entry.value if not entry.children else None):
            word = source.text[slice(*offsets)] if offsets else ""
            if not word.startswith('"') or HALF_LETTER.search(word) is None:
                continue
            try:
                str(json.loads(word)).encode()
            except UnicodeEncodeError as error:
                half = f"\\u{ord(error.object[error.start]):04x}"
                message = f"`{half}` is half of a surrogate pair, without the other half"
                yield Diagnostic(
                    "SN101", message, path=path, file=source.file, span=_span(source.text, offsets)
                )


def _span(text: str, offsets: Offsets | None) -> TextSpan | None:
    return None if offsets is None else Positions(text, PositionEntry()).span_of(offsets)
