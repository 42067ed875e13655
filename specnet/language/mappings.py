"""Documents that a program gives as dictionaries, and values that it gives as overrides."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from specnet.diagnostics import Diagnostic, SpecError
from specnet.language.parsers import MAX_DEPTH


def document_of(given: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a document's data from a mapping, which is not changed; see `plain`.

    Raises SpecError where it is empty, or nested too deeply for a document.
    """
    if not given:
        help = "a document has at least `specnet`, `data`, `layers` and `loss`"
        raise SpecError([Diagnostic("SN104", "the document is empty", help=help)])
    try:
        data: dict[str, Any] = plain(given)
    except RecursionError:
        message = f"arrays and tables nest more than {MAX_DEPTH} deep"
        raise SpecError([Diagnostic("SN105", message)]) from None
    return data


def plain(value: Any, depth: int = 0) -> Any:
    """Return a value as a parser would have read it.

    Mappings become dictionaries with strings as keys, tuples and arrays become lists, NumPy's scalars become Python's,
    and paths become strings. Everything else is returned unchanged, for validation to accept or refuse. Raises
    RecursionError where it is nested more deeply than a document may be.
    """
    if depth > MAX_DEPTH:
        raise RecursionError
    if isinstance(value, Mapping):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]
    # Nothing here may import NumPy, which knows how to become plain by itself.
    if type(value).__module__.partition(".")[0] == "numpy" and hasattr(value, "tolist"):
        return plain(value.tolist(), depth + 1) if getattr(value, "ndim", 0) else value.tolist()
    return os.fspath(value) if isinstance(value, os.PathLike) else value
