from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from specnet.cli.given import must_exist
from specnet.cli.numbers import number
from specnet.cli.options import As, OutputStyle, argument, option, out_file
from specnet.cli.tables import TextTable
from specnet.cli.terminal import results, say, write_json
from specnet.diagnostics import SpecFileError
from specnet.diagnostics.text import counted

if TYPE_CHECKING:
    from specnet.data.formats.csv.survey import ColumnSurvey
    from specnet.reporting.drafting import ColumnUse, Draft


def init(
    data: Annotated[str, argument("DATA", help="A CSV file.")],
    target: Annotated[
        str | None,
        option(
            metavar="COLUMN",
            help="The column to predict, by name or by index from 0; the last one if left out.",
        ),
    ] = None,
    out: Annotated[
        str | None,
        out_file("The document to write, or - for standard output; DATA's name with .toml if left out."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    output: As = OutputStyle.TABLE,
) -> int:
    """Write a first document for a table, with reasons.

    Reads the whole file to find delimiter, header, types of columns, classes, missing values and scales. The
    document runs as it is, with a comment that explains each choice.
    """
    from specnet.data.formats.csv.survey import survey
    from specnet.reporting.drafting import draft
    from specnet.storage.files import write_bytes

    must_exist(data)
    table = survey(Path(data))
    document = Path(f"{Path(data).stem}.toml") if out is None else Path(out)
    made = draft(table, target, Path("table.toml") if out == "-" else document)
    if out == "-":
        sys.stdout.write(made.text)
        return 0
    if document.exists() and not force:
        raise SpecFileError(f"{document}: the file exists; --force overwrites it, -o names another")
    write_bytes(document, made.text.encode())
    if output is OutputStyle.JSON:
        write_json(_data(made, document, table.rows))
    else:
        _show(results(), made, document, table.rows)
    return 0


def _data(made: Draft, document: Path, rows: int) -> dict[str, Any]:
    return {
        "file": str(document),
        "rows": rows,
        "task": made.task,
        "classes": made.classes,
        "columns": [
            {
                "place": use.column.place,
                "name": use.column.name,
                "role": use.role,
                "why": use.why,
                "kind": _kind(use.column),
                "missing": use.column.missing,
            }
            for use in made.uses
        ],
    }


def _kind(column: ColumnSurvey) -> str:
    return "empty" if not column.rows else "number" if column.numeric else "text"


def _show(console: Console, made: Draft, document: Path, rows: int) -> None:
    table = TextTable(["column", "kind", "missing", "values", "use", "because"], "<<><<<")
    table.rows += [_row(use) for use in made.uses]
    table.show(console)
    what = f"{made.classes} classes" if made.classes else "a number"
    say(console, "")
    say(console, f" {counted(rows, 'row')}; to be predicted: {what}")
    say(console, f" wrote {document}; train it with: specnet run {document}")


def _row(use: ColumnUse) -> list[str]:
    column = use.column
    if column.numeric:
        values = f"{number(column.low)} to {number(column.high)}"
    else:
        values = ", ".join(text for text, _ in column.distinct.most_common(3))
        values = values if len(values) <= 30 else f"{values[:29]}…"
    missing = f"{column.missing:,}" if column.missing else ""
    name = "".join(c if c.isprintable() else "?" for c in column.name)
    shown = "".join(c if c.isprintable() else "?" for c in values)
    return [name, _kind(column), missing, shown, use.role, use.why]
