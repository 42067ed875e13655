from specnet.diagnostics.diagnostic import Diagnostic, KeyPath, Label, Part, Position, Report, Severity, Span
from specnet.diagnostics.errors import RunError, SpecError, SpecFileError, SpecnetError

__all__ = [
    "Diagnostic",
    "KeyPath",
    "Label",
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
