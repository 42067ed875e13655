from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specnet.diagnostics import Diagnostic, Fix, KeyPath, Label, Part, Position, SpecError, TextSpan
from specnet.language.overrides import Override
from specnet.language.places import written_path
from specnet.language.source import SourceText

if TYPE_CHECKING:
    from specnet.language.positions import Positions


_ABSENT = object()
_CHAIN = 4
"""Variables that a finding is labelled with."""

_VALUES = frozenset({"SN206", "SN208", "SN209"})
"""The findings whose help says how to write a value."""

_DIVISION = "`//` divides without a fraction, as in `${width // 2}`; the result of `/` has a point"

_REFERENCES = frozenset({"SN231", "SN232", "SN233"})
"""The findings about references themselves, which say where variables are set on their own."""


@dataclass(frozen=True)
class WrittenPart:
    """One of the documents that a spec was put together from."""

    source: SourceText | None
    """Its text; None for a dictionary."""
    data: dict[str, Any]

    @cached_property
    def positions(self) -> Positions | None:
        """Where its keys and values lie."""
        from specnet.language.positions import locate

        return None if self.source is None else locate(self.source.text, self.source.syntax)


@dataclass(frozen=True, slots=True)
class Resolution:
    """What became of a document's references: how places in the resolved document lead to what was written."""

    written_out: frozenset[KeyPath] = frozenset()
    """Where a `sequential` was written out."""
    used: Mapping[KeyPath, tuple[str, ...]] = field(default_factory=dict)
    """The variables that a value was made of, by its place in the written document."""
    files: frozenset[KeyPath] = frozenset()
    """The paths of files that still hold references to environment variables, or escaped braces."""


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
    extended: tuple[WrittenPart, ...] = field(default=(), compare=False)
    """The documents that it extends, each before those that replace what it says."""
    own: dict[str, Any] | None = field(default=None, compare=False)
    """What the document says itself, where it extends others, or has references and no text."""
    resolution: Resolution = field(default_factory=Resolution, compare=False)

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
        extended = {part.source.file: part.source.text for part in self.extended if part.source is not None}
        return extended | texts

    def locate(self, path: KeyPath, part: Part = "value") -> tuple[str | None, TextSpan | None]:
        """Return the file, or flag, and the span in it that a key path leads to.

        A path beyond what is written leads to the table that it would lie in; no span stands for the
        document as a whole.
        """
        return self._located(written_path(path, self.resolution.written_out), part)

    def part_of(self, path: KeyPath) -> WrittenPart | None:
        """Return the document that says what stands at a place in the resolved one; None for a flag."""
        written = written_path(path, self.resolution.written_out)
        if any(override.path == written[: len(override.path)] for override in self.overrides):
            return None
        return self._part(written)

    def _located(self, path: KeyPath, part: Part) -> tuple[str | None, TextSpan | None]:
        for override in reversed(self.overrides):
            if override.path == path[: len(override.path)]:
                return override.file, self._within(override, path, part)
            if part == "table" and override.path == (*path[:-1], "type"):  # what makes the table need a key
                return override.file, override.span()
        there = self._part(path)
        if there.source is None or there.positions is None:
            return None, None
        if there.positions.find(path) is None:
            for override in self.overrides:
                if path == override.path[: len(path)]:
                    return override.file, override.step_span(0, max(1, len(path)))
        return there.source.file, there.positions.span(path, part)

    def _part(self, path: KeyPath) -> WrittenPart:
        """Return the document that has the last word at a place, or at what is written around it."""
        if not self.extended:
            return self._own
        there: list[tuple[WrittenPart, Any]] = [
            (part, part.data) for part in (self._own, *reversed(self.extended))
        ]
        for step in path:
            below: list[tuple[WrittenPart, Any]] = []
            for part, value in there:
                item = _child(value, step)
                if item is _ABSENT:
                    continue
                if isinstance(item, dict) or not below:
                    below.append((part, item))
                if not isinstance(item, dict):  # it replaces what the documents before it say
                    break
            if not below:
                break
            there = below
        return there[0][0]

    def place(self, diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Return findings with file and spans filled in, in the order of their places.

        One about a line that is repeated is the same for each repetition, and listed once.
        """
        placed = list(map(self._placed, diagnostics))
        if self.resolution.written_out:
            once: dict[object, Diagnostic] = {}
            for each in placed:
                once.setdefault((each.code, each.message, each.file, each.span or each.path), each)
            placed = list(once.values())
        return sorted(placed, key=self._order)

    def error(self, error: SpecError) -> SpecError:
        """Return an error whose findings have file and spans filled in, and whose texts are at hand."""
        return SpecError(self.place(error.diagnostics), {**self.texts, **error.sources})

    @cached_property
    def _own(self) -> WrittenPart:
        return WrittenPart(self.source, self.own or {})

    def _placed(self, diagnostic: Diagnostic) -> Diagnostic:
        if diagnostic.file is not None:
            return diagnostic
        file, span = self.locate(diagnostic.path, diagnostic.part)
        chain = () if diagnostic.code in _REFERENCES else self._chain(diagnostic.path, diagnostic.part)
        labels = tuple(self._label(label, file) for label in (*diagnostic.labels, *chain))
        help = diagnostic.help
        if diagnostic.code in _VALUES and help is not None and self._is_made(diagnostic.path, "value"):
            # No other value can be written there.
            help = _DIVISION if help.endswith(", without a point") else None
        fix = self._fix(diagnostic.fix, file) if diagnostic.fix is not None else None
        document = self.source.file if self.source is not None else None
        return replace(diagnostic, file=file, span=span, help=help, labels=labels, fix=fix, document=document)

    def _chain(self, path: KeyPath, part: Part) -> Iterable[Label]:
        """Yield where the variables are set that a value was made of."""
        used = self.resolution.used
        if not used or part == "key":
            return
        written = written_path(path, self.resolution.written_out)
        depth = next((n for n in range(len(written), 0, -1) if written[:n] in used), 0)
        pending, seen = list(used[written[:depth]]) if depth else [], set[str]()
        while pending and len(seen) < _CHAIN:
            name = pending.pop(0)
            if name in seen or name == "i":
                continue
            seen.add(name)
            place = ("variables", name)
            yield Label(f"`{name}` is set here", place)
            pending += [n for at, names in used.items() if at[:2] == place for n in names]

    def _fix(self, fix: Fix, file: str | None) -> Fix | None:
        """Return a fix whose edits have their places; None where some is not in the file of its finding."""
        from specnet.language.fixing import placed

        parts = [self.part_of(edit.path) for edit in fix.edits]
        part = parts[0]
        if part is None or part.positions is None or part.source is None or part.source.file != file:
            return None
        if any(each is not part for each in parts) or any(self._is_made(e.path, e.part) for e in fix.edits):
            return None
        written_out = self.resolution.written_out
        edits = tuple(replace(edit, path=written_path(edit.path, written_out)) for edit in fix.edits)
        return placed(replace(fix, edits=edits), part.positions)

    def _is_made(self, path: KeyPath, part: Part) -> bool:
        """Return whether what stands at a place was made of variables, so that no edit there would correct it."""
        written = written_path(path, self.resolution.written_out)
        depth = len(written) if part == "key" else len(written) + 1
        return any(self.resolution.used.get(written[:n]) is not None for n in range(1, depth))

    def _label(self, label: Label, file: str | None) -> Label:
        if label.span is not None:
            return label
        other, span = self.locate(label.path, label.part)
        if other == file or span is None:
            return replace(label, span=span)
        return replace(label, elsewhere=f"{other}:{span.start.line}:{span.start.column}")

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


def _child(value: Any, step: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(step, _ABSENT)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return _ABSENT
