"""The data of a document, from its text."""

from __future__ import annotations

from typing import Any

from specnet.diagnostics import Diagnostic, SpecError, SpecFileError
from specnet.language.other_files import other_file
from specnet.language.parsers import load_json, load_toml, too_deep
from specnet.language.quoting import may_show, refused, withheld_because
from specnet.language.source import SourceText


def parse(source: SourceText) -> dict[str, Any]:
    """Return the document's data; raises SpecError where the text is not what its syntax allows."""
    try:
        source.text.encode()
    except UnicodeEncodeError as error:
        from specnet.language.syntax import letter_fault

        shown = source.text.encode(errors="replace").decode()
        raise refused([letter_fault(source, error)], source.file, shown, source.path) from None
    try:
        data = load_toml(source.text) if source.syntax == "toml" else load_json(source.text)
    except (ValueError, RecursionError) as error:
        # tomllib and json raise ValueError's children for syntax, and ValueError for overlong numbers.
        from specnet.language.syntax import syntax_faults

        raise refused(syntax_faults(source, error), source.file, source.text, source.path) from None
    if not isinstance(data, dict) or not data or too_deep(data):
        from specnet.language.syntax import content_faults

        raise refused(content_faults(source, data), source.file, source.text, source.path)
    return data


def parsed(source: SourceText) -> dict[str, Any]:
    """Return a document's data; raises SpecError where it is none, without its keys if these may not be shown.

    Raises SpecFileError for a file of another kind, such as a table or a program.
    """
    try:
        data = parse(source)
    except SpecError:
        _refuse_other_files(source)
        raise
    # What describes a run has the version of the package under the key.
    if not isinstance(data.get("specnet"), int):
        _refuse_other_files(source)
    if "specnet" not in data and not may_show(source.path):
        message = "`specnet` is missing: this is not a specnet document"
        raise SpecError([Diagnostic("SN201", message, file=source.file, help=withheld_because(source.path))])
    return data


def _refuse_other_files(source: SourceText) -> None:
    said = None if source.path is None else other_file(source.file, source.text[:16].encode())
    if said is not None:
        raise SpecFileError(f"{source.file}: {said}")
