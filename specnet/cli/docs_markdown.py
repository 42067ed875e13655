"""The reference of kinds and keys as Markdown, which docs/language.md contains."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from specnet.cli.docs_text import owners, state, states
from specnet.cli.examples import example, key_example
from specnet.cli.keys import Found, Key, Language, TableEntry, family_of, shared_fields, tables_of
from specnet.cli.vocabulary import FamilyEntry
from specnet.diagnostics.text import plural
from specnet.language.spec import Spec
from specnet.vocabulary.describe import FieldDescription, describe
from specnet.vocabulary.family import Family
from specnet.vocabulary.kind import Kind

HEAD = """\
# The language

Every key and every kind that a document may have. This page is made by `specnet docs --output markdown`; \
`specnet docs NAME` explains one kind or key on the command line, and `specnet schema` prints the JSON Schema that \
editors use."""


def page(language: Language) -> str:
    """Return the complete reference."""
    links = "\n".join(f"- [{title}](#{_anchor(title)})" for title in _titles(language))
    return "\n\n".join([HEAD, links, *_tables(language), *_families(language)]) + "\n"


def sections(language: Language, found: Found) -> str:
    """Return what a name refers to."""
    made = [_kind(language, entry, kind, "#") for entry, kind in found.kinds]
    made += [_family(language, entry, "#") for entry in found.families]
    made += [_key(language, group) for group in found.keys]
    return "\n\n".join(made) + "\n"


def _titles(language: Language) -> list[str]:
    return ["The document", *(plural(entry.family.name).capitalize() for entry in language.families)]


def _anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _tables(language: Language) -> Iterator[str]:
    """Yield the document and its tables with their fields, but for those of data formats."""
    yield f"## The document\n\n{_fields(language, describe(Spec).fields)}"
    for entry in language.tables.values():
        if entry.table is not Spec and not entry.is_kind and entry.entry is None:
            yield _table(language, entry)


def _table(language: Language, entry: TableEntry) -> str:
    description = describe(entry.table)
    return f"### {_title(entry)}\n\n{prose(description.text)}\n\n{_fields(language, description.fields)}"


def _title(entry: TableEntry) -> str:
    return re.sub(r"(\[+[\w.]+\]+)", r"`\1`", entry.place)


def _families(language: Language) -> Iterator[str]:
    for entry in language.families:
        yield _family(language, entry, "##")
        for table in language.tables.values():
            if table.entry is entry and not table.is_kind:
                yield _table(language, table)
        for kind in entry.family:
            yield _kind(language, entry, kind, "###", whole=False)


def _family(language: Language, entry: FamilyEntry, mark: str) -> str:
    family: Family[Kind] = entry.family
    names = ", ".join(f"`{name}`" for name in family.kinds)
    made = f"{mark} {plural(family.name).capitalize()}\n\n`{entry.place}`: {names}."
    shared = shared_fields(family)
    return f"{made}\n\nEvery {family.name} has these keys:\n\n{_fields(language, shared)}" if shared else made


def _kind(language: Language, entry: FamilyEntry, kind: type[Kind], mark: str, *, whole: bool = True) -> str:
    """Return a kind with its fields, where it is not `whole` without those that its family has described."""
    description = describe(kind)
    shared = {} if whole else {field.name: field.owner for field in shared_fields(entry.family)}
    fields = [field for field in description.fields if shared.get(field.name) is not field.owner]
    parts = [
        f"{mark} {entry.family.name} `{description.name}`",
        prose(description.text),
        *([_fields(language, fields)] if fields else []),
        _example(example(entry, kind)),
    ]
    return "\n\n".join(parts)


def _key(language: Language, group: list[Key]) -> str:
    key = group[0]
    title = key.dotted if len(group) == 1 else key.field.name
    place = f"`{key.table.place}`" if key.table.place else "At the top of a document"
    facts = [f"{place}. {states(group)}. It takes {key.field.takes}."]
    if key.table.is_kind:
        facts.append(owners(group))
    parts = [f"# `{title}`", prose(key.field.text), " ".join(facts)]
    for table in map(describe, tables_of(key.field.domain)):
        parts += [prose(table.text), _fields(language, table.fields)]
    family = family_of(key.field.domain)
    if family is not None:
        kinds = [f"- `{describe(kind).name}`: {inline(describe(kind).summary)}" for kind in family]
        parts += [f"{plural(family.name).capitalize()}:", "\n".join(kinds)]
    return "\n\n".join([*parts, _example(key_example(language, key))])


def _fields(language: Language, fields: Iterable[FieldDescription]) -> str:
    """Return fields as a list."""
    return "\n".join(
        f"- **`{field.name}`** ({_state(field)}): {inline(field.text)} It takes {_takes(language, field)}."
        for field in fields
    )


def _state(field: FieldDescription) -> str:
    word, _, default = state(field).partition(" ")
    return f"{word} `{default}`" if default else word


def _takes(language: Language, field: FieldDescription) -> str:
    """Return what a field takes; a table leads to the section that describes it."""
    tables = tables_of(field.domain)
    if len(tables) != 1:
        return inline(field.takes)
    link = f"[a table](#{_anchor(_title(language.tables[tables[0]]))})"
    return inline(field.takes).replace("a table", link)


def prose(text: str) -> str:
    """Return a docstring; lines that are indented are a block."""
    return "\n\n".join(
        paragraph if paragraph.startswith(" ") else inline(" ".join(paragraph.split()))
        for paragraph in text.split("\n\n")
    )


def inline(text: str) -> str:
    """Return prose in which nothing outside of code is taken for markup."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(
        piece if piece.startswith("`") else re.sub(r"([*_<\[\]])", r"\\\1", piece) for piece in pieces
    )


def _example(text: str) -> str:
    return f"```toml\n{text}\n```"
