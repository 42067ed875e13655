from specnet.diagnostics.diagnostic import (
    Diagnostic,
    Edit,
    Fix,
    KeyPath,
    Label,
    Part,
    Position,
    Report,
    Severity,
    Span,
)
from specnet.diagnostics.errors import ModelInUseError, RunError, SpecError, SpecFileError, SpecnetError

__all__ = [
    "Diagnostic",
    "Edit",
    "Fix",
    "KeyPath",
    "Label",
    "ModelInUseError",
    "Part",
    "Position",
    "Report",
    "RunError",
    "Severity",
    "Span",
    "SpecError",
    "SpecFileError",
    "SpecnetError",
]
