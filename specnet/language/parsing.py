"""The data of a document, from its text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from specnet.diagnostics import Diagnostic, SpecError, SpecFileError
from specnet.language.other_files import other_file
from specnet.language.parsers import NestingError, load_json, too_deep
from specnet.language.quoting import may_show, refused, withheld_because
from specnet.language.source import SourceText
from specnet.language.toml_reading import load_toml

if TYPE_CHECKING:
    from specnet.language.recovery import Lost


@dataclass(frozen=True, slots=True)
class ParsedText:
    """What was read of a text."""

    data: dict[str, Any]
    """Its data; what has a syntax error is UNREAD."""
    faults: tuple[Diagnostic, ...] = ()
    """Its syntax errors, with their spans."""
    lost: Lost | None = None
    """What these leave unknown; None where there are none."""

    def valid(self, source: SourceText) -> ParsedText:
        """Return it where it has no syntax errors; raises SpecError with all of them."""
        if self.faults:
            raise SpecError(self.faults, {source.file: source.text})
        return self


def parse(source: SourceText) -> dict[str, Any]:
    """Return the document's data; raises SpecError with all of its syntax errors."""
    return parse_leniently(source).valid(source).data


def parse_leniently(source: SourceText) -> ParsedText:
    """Return the document's data and syntax errors; raises SpecError where nothing of it can be read."""
    try:
        source.text.encode()
    except UnicodeEncodeError as error:
        from specnet.language.syntax import letter_fault

        shown = source.text.encode(errors="replace").decode()
        raise refused([letter_fault(source, error)], source.file, shown, source.path) from None
    try:
        data = load_toml(source.text) if source.syntax == "toml" else load_json(source.text)
        faults: list[Diagnostic] = []
        lost = None
    except (ValueError, RecursionError) as error:
        # tomllib and json raise ValueError's children for syntax, and ValueError for overlong numbers.
        data, faults, lost = _recovered(source, error)
    if not faults and (not isinstance(data, dict) or not data or too_deep(data)):
        from specnet.language.syntax import content_faults

        faults = content_faults(source, data)
        lost = None
    if faults and not may_show(source.path):  # one place says that it is no document, and how to see more
        raise refused(faults[:1], source.file, source.text, source.path)
    if faults and (lost is None or not isinstance(data, dict)):
        raise refused(faults, source.file, source.text, source.path)
    return ParsedText(data, tuple(faults), lost)


def _recovered(
    source: SourceText, error: ValueError | RecursionError
) -> tuple[Any, list[Diagnostic], Lost | None]:
    """Return what can be read of a text that its parser refuses, its errors, and what these leave unknown."""
    from specnet.language import syntax
    from specnet.language.positions import locate
    from specnet.language.recovery import lost_entries, readable_data

    if not source.text.strip(" \t\r\n"):
        return None, syntax.content_faults(source, {}), None
    try:
        if isinstance(error, NestingError):
            raise error
        positions = locate(source.text, source.syntax)
    except (NestingError, RecursionError) as nesting:
        return None, [syntax.nesting_fault(source, nesting)], None
    faults = syntax.syntax_faults(source, positions)
    if not faults:
        return None, [syntax.unexplained_fault(source, error)], None
    return readable_data(positions, source.syntax), faults, lost_entries(positions)


def parsed_leniently(source: SourceText) -> ParsedText:
    """Return a document's data and syntax errors; raises SpecError where it is none.

    If its keys may not be shown, the error does not name them. Raises SpecFileError for a file of another kind, such
    as a table or a program.
    """
    try:
        result = parse_leniently(source)
    except SpecError:
        _refuse_other_files(source)
        raise
    # What describes a run has the version of the package under the key.
    if result.faults or not isinstance(result.data.get("specnet"), int):
        _refuse_other_files(source)
    if "specnet" not in result.data and not may_show(source.path):
        message = "`specnet` is missing: this is not a specnet document"
        raise SpecError([Diagnostic("SN201", message, file=source.file, help=withheld_because(source.path))])
    return result


def _refuse_other_files(source: SourceText) -> None:
    said = None if source.path is None else other_file(source.file, source.text[:16].encode())
    if said is not None:
        raise SpecFileError(f"{source.file}: {said}")
