from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from rich.console import Console

from specnet.cli.guard import MISUSED
from specnet.cli.options import argument
from specnet.cli.terminal import WIDEST, failed, line, plain, results, say
from specnet.diagnostics.text import plural

if TYPE_CHECKING:
    from specnet.cli.vocabulary import FamilyEntry
    from specnet.vocabulary.describe import FieldDescription
    from specnet.vocabulary.kind import Kind


def layers(
    name: Annotated[str | None, argument("NAME", help="The name of a kind, such as dense or adam.")] = None,
) -> int:
    """List what a document may name, or explain one name."""
    from specnet.cli.vocabulary import families, kinds_called

    if name is None:
        _list(results())
        return 0
    called = kinds_called(name)
    if not called:
        from specnet.diagnostics.spelling import closest

        meant = closest(name, [kind for entry in families() for kind in entry.family.kinds])
        help = f"did you mean `{meant}`?" if meant else "`specnet layers` lists all of them"
        failed(f"nothing is called `{name}`; {help}")
        return MISUSED
    console = results()
    for number, (entry, kind) in enumerate(called):
        if number:
            console.print()
        _explain(console, entry, kind)
    return 0


def _list(console: Console) -> None:
    from specnet.cli.vocabulary import families
    from specnet.vocabulary.describe import describe

    room = max(len(name) for entry in families() for name in entry.family.kinds)
    width = min(console.width, WIDEST)
    for number, entry in enumerate(families()):
        if number:
            console.print()
        line(console, (plural(entry.family.name), "bold cyan"), ("  " + entry.place, "dim"))
        kinds: list[type[Kind]] = list(entry.family)
        for description in map(describe, kinds):
            summary = _cut(description.summary, width - room - 4, "..." if plain(console) else "…")
            line(console, "  ", (description.name.ljust(room), "bold"), "  ", summary)
    console.print()
    say(console, "specnet layers NAME explains one of them.", "dim")


def _cut(text: str, width: int, mark: str) -> str:
    """Return the beginning of a string that fits, up to a word's end."""
    from specnet.diagnostics.segments import width_of, wrapped

    if width_of(text) <= width:
        return text
    first = text.partition(". ")[0] + "."
    if width_of(first) <= width:
        return first
    return wrapped(text, width - len(mark))[0].rstrip(" ,;:(") + mark


def _explain(console: Console, entry: FamilyEntry, kind: type[Kind]) -> None:
    from specnet.cli.examples import example
    from specnet.vocabulary.describe import describe

    width = min(console.width, WIDEST)
    description = describe(kind)
    line(console, (description.name, "bold cyan"), f"  {entry.family.name}", (f", {entry.place}", "dim"))
    console.print()
    for paragraph in description.text.split("\n\n"):
        if paragraph.startswith(" "):
            say(console, paragraph)
        else:
            _lines(console, " ".join(paragraph.split()), width, "")
        console.print()
    for field in description.fields:
        _field(console, field, width)
    if description.fields:
        console.print()
    say(console, "Example", "bold")
    console.print()
    for text in example(entry, kind).split("\n"):
        line(console, f"    {text}")


def _field(console: Console, field: FieldDescription, width: int, lead: str = "") -> None:
    from specnet.cli.examples import toml
    from specnet.vocabulary.describe import describe

    if field.required:
        state = "required"
    elif field.default is None:
        state = "optional"
    else:
        state = f"default {toml(field.default)}"
    line(console, lead, (field.name, "bold"), (f"  {state}", "dim"))
    inner = f"{lead}    "
    _lines(console, field.text, width, inner)
    each = field.domain.items if field.domain.form == "map" else field.domain
    table = each.table if each is not None else None
    if table is None:
        _lines(console, f"It takes {field.takes}.", width, inner, "dim")
        return
    named = " for each name" if field.domain.form == "map" else ""
    _lines(console, f"It takes a table{named}, of:", width, inner, "dim")
    for part in describe(table).fields:
        _field(console, part, width, inner)


def _lines(console: Console, text: str, width: int, lead: str, style: str = "") -> None:
    from specnet.diagnostics.segments import wrapped

    for each in wrapped(text, width - len(lead)) if text else ():
        line(console, (lead + each, style))
