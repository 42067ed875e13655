from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from specnet.diagnostics import html

Severity = Literal["error", "warning"]
KeyPath = tuple[str | int, ...]
Part = Literal["key", "value", "type", "table"]


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A position in a string; lines and columns count from 1, columns in code points."""

    line: int
    """The line."""
    column: int
    """The column."""


@dataclass(frozen=True, slots=True, order=True)
class TextSpan:
    """A range of text; `end` is the position just after its last character."""

    start: Position
    """The position of its first character."""
    end: Position
    """The position just after its last character."""


@dataclass(frozen=True, slots=True)
class Label:
    """A second position that a diagnostic refers to, such as where a shape came from."""

    message: str
    """What is there."""
    path: KeyPath = ()
    """The key path of the entry."""
    part: Part = "value"
    """The part of the entry: its key, its value, its table's header, or the table's `type`."""
    span: TextSpan | None = None
    """The range of text; None where nothing has been located, or it is in another file."""
    elsewhere: str | None = None
    """The position, as `base.toml:3:9`, where it is in another file than the diagnostic's."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A range of a document, and the text to replace it with."""

    text: str
    """The new text."""
    path: KeyPath = ()
    """The key path of the entry that it changes."""
    part: Part = "value"
    """The part of the entry."""
    span: TextSpan | None = None
    """The range of text that is replaced; None where nothing has been located."""


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that correct an error without ambiguity, so that a program may apply them."""

    message: str
    """What it does, such as `write "sigmoid"`."""
    edits: tuple[Edit, ...]
    """The edits, which belong together."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding about a document.

    `path` is the key path in the document that it refers to and `part` selects a part of that entry:
    its key, its value, its table's header, or the table's `type`. Only these two are known where an error is
    found; `specnet.language` fills in `file` and the spans, once, when something must be reported.
    """

    code: str
    """The code of the rule, such as `SN204`; `specnet rule` explains it."""
    message: str
    """What is wrong, in one sentence."""
    path: KeyPath = ()
    """The key path of the entry, such as `("layers", 0, "units")`."""
    part: Part = "value"
    """The part of the entry that is at fault."""
    severity: Severity = "error"
    """`error` if the document cannot be run, else `warning`."""
    help: str | None = None
    """What to write instead; None where the message says it."""
    labels: tuple[Label, ...] = ()
    """Further positions that explain it."""
    file: str | None = None
    """The file that contains the position; None for a document without a file."""
    span: TextSpan | None = None
    """Where it is in the file; None where it has no position."""
    fix: Fix | None = None
    """The edit that corrects it, if only one is likely and it keeps the meaning of the document."""
    document: str | None = None
    """The document that has the error; `file` is another one if the position is in a flag."""

    def __str__(self) -> str:
        """Return it as one line: where it is, its code, what it says, and what helps."""
        where = self.file or "spec"
        if self.span is not None:
            where += f":{self.span.start.line}:{self.span.start.column}"
        elif self.path:
            where += f": {'.'.join(map(str, self.path))}"
        help = f" ({self.help})" if self.help else ""
        return f"{where}: {self.code} {self.message}{help}"

    @property
    def counts_others(self) -> bool:
        """Whether it only says how many findings are not listed, and therefore comes after those that are."""
        return self.code in {"SN200", "SN500"}

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as plain data, in the form that `validate --output json` prints."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "path": list(self.path),
            "file": self.file,
            "span": _span_as_dict(self.span),
            "help": self.help,
            "labels": [
                {"message": _label_message(label), "span": _span_as_dict(label.span)} for label in self.labels
            ],
            "fix": _fix_as_dict(self.fix),
        }


def _label_message(label: Label) -> str:
    return label.message if label.elsewhere is None else f"{label.message} ({label.elsewhere})"


def _fix_as_dict(fix: Fix | None) -> dict[str, Any] | None:
    if fix is None:
        return None
    return {
        "message": fix.message,
        "edits": [{"text": edit.text, "span": _span_as_dict(edit.span)} for edit in fix.edits],
    }


def _span_as_dict(span: TextSpan | None) -> dict[str, dict[str, int]] | None:
    if span is None:
        return None
    return {
        "start": {"line": span.start.line, "column": span.start.column},
        "end": {"line": span.end.line, "column": span.end.column},
    }


@dataclass(frozen=True, slots=True)
class Report:
    """The findings about one or several documents, as `specnet.validate` returns them."""

    files: int
    """The number of files that were validated."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """All findings, in the order of files and lines."""
    sources: dict[str, str] = field(default_factory=dict, repr=False)
    """The text of each file that a diagnostic names, for code frames."""
    documents: tuple[str, ...] = ()
    """The names of the validated documents."""
    unread: tuple[str, ...] = ()
    """The files that could not be read, each with its name before a colon and the reason after it."""
    unchecked: tuple[str, ...] = ()
    """What took too long to check, each with the document's name before a colon."""

    def __bool__(self) -> bool:
        """Whether no finding is an error: `assert specnet.validate(path)` holds for a document that can be run."""
        return self.ok

    def __str__(self) -> str:
        """Return each finding as one line."""
        return "\n".join(map(str, self.diagnostics))

    def _repr_html_(self) -> str:
        """Return the findings as a table, for notebooks."""
        if not self.diagnostics:
            return html.heading("No errors or warnings")
        rows = [
            [d.severity, d.code, str(d).partition(f": {d.code} ")[0], d.message, d.help]
            for d in self.diagnostics
        ]
        return html.table(["severity", "code", "where", "message", "help"], rows)

    @property
    def ok(self) -> bool:
        """Whether no finding is an error; warnings may be there."""
        return not any(d.severity == "error" for d in self.diagnostics)

    def failing(self, fail_on: Severity) -> bool:
        """Whether some finding has a severity, or a worse one."""
        return bool(self.diagnostics) if fail_on == "warning" else not self.ok

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data, in the form that `validate --output json` prints."""
        return {
            "version": 1,
            "files": self.files,
            "diagnostics": [d.as_dict() for d in self.diagnostics],
            "unchecked": list(self.unchecked),
        }
