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
    TextSpan,
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
    "SpecError",
    "SpecFileError",
    "SpecnetError",
    "TextSpan",
]
