from __future__ import annotations

from specnet.diagnostics import Diagnostic, Label
from specnet.language.conflicts import conflict
from specnet.language.positions import Positions
from specnet.language.source import SourceText
from specnet.language.wording import shown_key


def duplicate_fault(source: SourceText, positions: Positions, place: int = 0) -> Diagnostic:
    """Return the finding about a key that a string gives twice."""
    duplicate = positions.duplicates[place]
    name = shown_key(duplicate.path)
    help, fix = (None, None) if source.syntax == "json" else conflict(positions, duplicate)
    return Diagnostic(
        "SN102",
        f"{name} is given twice",
        path=duplicate.path,
        part="key",
        file=source.file,
        span=positions.span_of(duplicate.second),
        help=help,
        fix=fix,
        labels=(Label("first here", duplicate.path, "key", positions.span_of(duplicate.first)),),
    )
