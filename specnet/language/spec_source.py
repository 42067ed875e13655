from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from specnet.diagnostics import Diagnostic, Fix, KeyPath, Label, Part, Position, SpecError, TextSpan
from specnet.language.overrides import Override
from specnet.language.source import SourceText

if TYPE_CHECKING:
    from specnet.language.positions import Positions


@dataclass(frozen=True)
class SpecSource:
    """Where a spec came from: its text, and the overrides put upon it.

    It turns key paths into places, and is no part of what a spec says: any two origins are equal. A spec
    that was made in Python has neither text nor places.
    """

    source: SourceText | None = field(default=None, compare=False)
    overrides: tuple[Override, ...] = field(default=(), compare=False)
    start: Path | None = field(default=None, compare=False)
    """The folder that relative paths start from where there is no text; by default the current one."""

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the document start from."""
        if self.source is not None:
            return self.source.folder
        return Path.cwd() if self.start is None else self.start

    @property
    def texts(self) -> dict[str, str]:
        """The text of each file, or flag, that a diagnostic may name."""
        texts = {override.file: override.file for override in self.overrides}
        if self.source is not None:
            texts[self.source.file] = self.source.text
        return texts

    def locate(self, path: KeyPath, part: Part = "value") -> tuple[str | None, TextSpan | None]:
        """Return the file, or flag, and the span in it that a key path leads to.

        A path beyond what is written leads to the table that it would lie in; no span stands for the
        document as a whole.
        """
        for override in reversed(self.overrides):
            if override.path == path[: len(override.path)]:
                return override.file, self._within(override, path, part)
            if part == "table" and override.path == (*path[:-1], "type"):  # what makes the table need a key
                return override.file, override.span()
        if self._positions is not None and self._positions.find(path) is None:
            for override in self.overrides:
                if path == override.path[: len(path)]:
                    return override.file, override.step_span(0, max(1, len(path)))
        file = self.source.file if self.source is not None else None
        return file, self._positions.span(path, part) if self._positions is not None else None

    def place(self, diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Return findings with file and spans filled in, in the order of their places."""
        return sorted(map(self._placed, diagnostics), key=self._order)

    def error(self, error: SpecError) -> SpecError:
        """Return an error whose findings have file and spans filled in, and whose texts are at hand."""
        return SpecError(self.place(error.diagnostics), {**self.texts, **error.sources})

    @cached_property
    def _positions(self) -> Positions | None:
        from specnet.language.positions import locate

        return locate(self.source.text, self.source.syntax) if self.source is not None else None

    def _placed(self, diagnostic: Diagnostic) -> Diagnostic:
        if diagnostic.file is not None:
            return diagnostic
        file, span = self.locate(diagnostic.path, diagnostic.part)
        labels = tuple(self._label(label, file) for label in diagnostic.labels)
        fix = self._fix(diagnostic.fix) if diagnostic.fix is not None else None
        document = self.source.file if self.source is not None else None
        return replace(diagnostic, file=file, span=span, labels=labels, fix=fix, document=document)

    def _fix(self, fix: Fix) -> Fix | None:
        """Return a fix whose edits have their places; None where some is not in the document."""
        if self.source is None or self._positions is None:
            return None
        from specnet.language.fixing import placed

        in_document = all(self.locate(edit.path, edit.part)[0] == self.source.file for edit in fix.edits)
        return placed(fix, self._positions) if in_document else None

    def _label(self, label: Label, file: str | None) -> Label:
        if label.span is not None:
            return label
        other, span = self.locate(label.path, label.part)
        if other == file or span is None:
            return replace(label, span=span)
        return replace(label, message=f"{label.message} ({other}:{span.start.line}:{span.start.column})")

    def _order(self, diagnostic: Diagnostic) -> tuple[bool, bool, str, Position, str, str]:
        elsewhere = self.source is not None and diagnostic.file != self.source.file
        start = diagnostic.span.start if diagnostic.span is not None else Position(0, 0)
        return (
            elsewhere,
            diagnostic.counts_others,
            diagnostic.file or "",
            start,
            diagnostic.code,
            diagnostic.message,
        )

    def _within(self, override: Override, path: KeyPath, part: Part) -> TextSpan:
        """Return a place in an override, whose text is a TOML statement once `--set` is taken away."""
        depth = len(override.path)
        if part == "key" and len(path) == depth:
            return override.step_span(depth - 1, depth)
        if override.bare or not override.file.startswith("--set "):
            return override.span()
        from specnet.language.positions import locate

        # The value is put below a plain key of as many letters, since the flag's own may name array elements.
        lead = override.value_at - 1
        text = "k" + " " * (lead - 1) + "=" + override.file[override.value_at :]
        span = locate(text, "toml").span(("k", *path[depth:]), part)
        return override.span() if span is None or span.start == Position(1, 1) else span
