"""The reference of kinds and keys, for a terminal."""

from __future__ import annotations

from rich.console import Console

from specnet.cli.examples import example, key_example, toml
from specnet.cli.keys import Found, Key, Language, family_of, shared_fields, tables_of
from specnet.cli.terminal import WIDEST, line, plain, say
from specnet.cli.vocabulary import FamilyEntry
from specnet.diagnostics.segments import width_of, wrapped
from specnet.diagnostics.text import joined, plural
from specnet.language.spec import Spec
from specnet.vocabulary.describe import FieldDescription, describe
from specnet.vocabulary.family import Family
from specnet.vocabulary.kind import Kind


class TextPage:
    """Prints entries of the reference one after the other, each list of kinds once."""

    def __init__(self, console: Console, language: Language) -> None:
        self._console = console
        self._language = language
        self._width = min(console.width, WIDEST)
        self._listed: set[str] = set()
        self._begun = False

    def overview(self) -> None:
        """Print the keys of a document and the names of all kinds."""
        self._heading("keys of a document", "")
        self._summaries([(field.name, field.text) for field in describe(Spec).fields])
        for entry in self._language.families:
            self._heading(plural(entry.family.name), entry.place)
            self._lines(", ".join(entry.family.kinds), "  ")
        self._console.print()
        self._lines(
            "specnet docs NAME explains a kind or a key: dense, layers, training.checkpoint.", style="dim"
        )

    def entries(self, found: Found) -> None:
        """Print all that a name refers to."""
        for entry, kind in found.kinds:
            self._kind(entry, kind)
        for entry in found.families:
            self._heading(plural(entry.family.name), entry.place)
            self._console.print()
            self._family(entry.family)
        for group in found.keys:
            self._key(group)

    def _heading(self, title: str, what: str) -> None:
        if self._begun:
            self._console.print()
        self._begun = True
        fits = width_of(title) + 2 + width_of(what) <= self._width
        line(self._console, (title, "bold cyan"), *([("  " + what, "dim")] if what and fits else []))
        if not fits:
            self._lines(what, "", "dim")

    def _kind(self, entry: FamilyEntry, kind: type[Kind]) -> None:
        description = describe(kind)
        self._heading(description.name, f"{entry.family.name}, {entry.place}")
        self._console.print()
        self._text(description.text)
        self._fields(description.fields)
        self._example(example(entry, kind))

    def _key(self, group: list[Key]) -> None:
        key = group[0]
        title = key.dotted if len(group) == 1 else key.field.name
        self._heading(title, f"key, {key.table.place or 'at the top of a document'}")
        self._console.print()
        self._text(key.field.text)
        tables = tables_of(key.field.domain)
        named = " for each name" if tables and key.field.domain.form == "map" else ""
        self._lines(f"{states(group)}. It takes {key.field.takes}{named}.")
        if key.table.is_kind:
            self._lines(owners(group))
        self._console.print()
        for table in tables:
            if describe(table).text != key.field.text:
                self._text(describe(table).text)
            self._fields(describe(table).fields)
        family = family_of(key.field.domain)
        if family is not None:
            self._family(family)
        self._example(key_example(self._language, key))

    def _family(self, family: Family[Kind]) -> None:
        """Print the fields that all kinds of a family have, and the kinds with their summaries."""
        if family.name in self._listed:
            return
        self._listed.add(family.name)
        shared = shared_fields(family)
        if shared:
            say(self._console, f"Every {family.name} has", "bold")
            self._console.print()
            self._fields(shared)
        say(self._console, plural(family.name).capitalize(), "bold")
        self._console.print()
        self._summaries([(describe(kind).name, describe(kind).summary) for kind in family])
        self._console.print()

    def _fields(self, fields: tuple[FieldDescription, ...] | list[FieldDescription]) -> None:
        for field in fields:
            self._field(field)
        if fields:
            self._console.print()

    def _field(self, field: FieldDescription, lead: str = "") -> None:
        line(self._console, lead, (field.name, "bold"), (f"  {state(field)}", "dim"))
        inner = f"{lead}    "
        self._lines(field.text, inner)
        each = field.domain.items if field.domain.form == "map" else field.domain
        table = each.table if each is not None else None
        if table is None:
            self._lines(f"It takes {field.takes}.", inner, "dim")
            return
        named = " for each name" if field.domain.form == "map" else ""
        self._lines(f"It takes a table{named}, of:", inner, "dim")
        for part in describe(table).fields:
            self._field(part, inner)

    def _summaries(self, rows: list[tuple[str, str]]) -> None:
        room = max(len(name) for name, _ in rows)
        mark = "..." if plain(self._console) else "…"
        for name, text in rows:
            summary = _cut(text, self._width - room - 4, mark)
            line(self._console, "  ", (name.ljust(room), "bold"), "  ", summary)

    def _text(self, text: str) -> None:
        """Print paragraphs; lines that are indented stay as they are."""
        for paragraph in text.split("\n\n"):
            if paragraph.startswith(" "):
                say(self._console, paragraph)
            else:
                self._lines(" ".join(paragraph.split()))
            self._console.print()

    def _example(self, text: str) -> None:
        say(self._console, "Example", "bold")
        self._console.print()
        for each in text.split("\n"):
            line(self._console, f"    {each}" if each else "")

    def _lines(self, text: str, lead: str = "", style: str = "") -> None:
        for each in wrapped(text, self._width - len(lead)) if text else ():
            line(self._console, (lead + each, style))


def state(field: FieldDescription) -> str:
    """Return whether a field is required, or its default."""
    if field.required:
        return "required"
    return "optional" if field.default in (None, {}) else f"default {toml(field.default)}"


def states(group: list[Key]) -> str:
    """Return the state of keys with one description, and of which kinds it is where it differs."""
    found: dict[str, list[str]] = {}
    for key in group:
        found.setdefault(state(key.field), []).append(describe(key.table.table).name)
    several = (f"{each} in {joined(names)}" for each, names in found.items())
    text = next(iter(found)) if len(found) == 1 else "; ".join(several)
    return text[:1].upper() + text[1:]


def owners(group: list[Key]) -> str:
    """Return which kinds have a key."""
    entry = group[0].table.entry
    assert entry is not None
    if len(group) == len(entry.family.kinds):
        return f"Every {entry.family.name} has it."
    names = joined([describe(key.table.table).name for key in group])
    return f"It is a key of the {plural(entry.family.name, len(group))} {names}."


def _cut(text: str, width: int, mark: str) -> str:
    """Return the beginning of a string that fits, up to a word's end."""
    if width_of(text) <= width:
        return text
    first = text.partition(". ")[0] + "."
    if width_of(first) <= width:
        return first
    return wrapped(text, width - len(mark))[0].rstrip(" ,;:(") + mark
