from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.cells import cell_len
from rich.console import Console

from specnet.cli.given import must_exist, named
from specnet.cli.numbers import number
from specnet.cli.options import As, OutputStyle, argument, choice, option, out_file
from specnet.cli.tables import TextTable
from specnet.cli.terminal import results, say, write_data, write_json
from specnet.diagnostics import SpecError, SpecFileError
from specnet.diagnostics.segments import printable, wrapped
from specnet.diagnostics.text import counted

if TYPE_CHECKING:
    from specnet.data.formats.csv.survey import Survey
    from specnet.data.tables.column_survey import ColumnSurvey
    from specnet.reporting.column_uses import ColumnUse
    from specnet.reporting.drafting import Draft


class FirstStyle(StrEnum):
    """How long a first model may train."""

    QUICK = "quick"
    BEST = "best"


COMPRESSED = (".gz", ".bz2", ".xz", ".zip")

NAME, VALUES, SHORTEST_REASON = 18, 16, 14
"""Columns of a terminal that names and values take at most, and reasons at least."""


def init(
    data: Annotated[str, argument("DATA", help="A CSV or Parquet file.")],
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
    encoding: Annotated[
        str | None,
        option(
            "--encoding",
            metavar="NAME",
            help="The encoding of a CSV file, such as cp949, cp932 or latin-1; detected if left out.",
        ),
    ] = None,
    style: Annotated[
        FirstStyle,
        choice(
            "--style",
            kinds=FirstStyle,
            help="quick: trains within about 10 s for 10,000 rows of 20 columns; best: larger, within about 60 s.",
        ),
    ] = FirstStyle.QUICK,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    output: As = OutputStyle.TABLE,
) -> int:
    """Write a first document for a table, with reasons.

    Reads the whole file to find encoding, delimiter, format of numbers, header, types of columns, identifiers, classes,
    missing values and scales. The document runs as it is, with a comment that explains each choice.
    """
    from specnet.reporting.drafting import draft
    from specnet.reporting.surveying import survey_file
    from specnet.storage.files import write_bytes

    must_exist(data)
    if encoding is not None:
        from specnet.data.text.encodings import is_text_encoding

        if not is_text_encoding(encoding):
            message = f"{encoding} is not a text encoding that Python knows"
            raise typer.BadParameter(message, param_hint="--encoding")
    try:
        table = survey_file(Path(data), encoding)
    except SpecError as error:
        raise named(error, data) from None
    document = Path(f"{_stem(Path(data))}.toml") if out is None else Path(out)
    made = draft(table, target, Path("table.toml") if out == "-" else document, style.value)
    if out == "-":
        write_data(made.text)
        return 0
    if document.exists() and not force:
        raise SpecFileError(f"{document}: the file exists; --force overwrites it, -o names another")
    write_bytes(document, made.text.encode())
    if output is OutputStyle.JSON:
        write_json(_data(made, document, table))
    else:
        _show(results(), made, document, table)
    return 0


def _stem(path: Path) -> str:
    """Return the name of a file without its suffix, and without that of its compression."""
    stem = Path(path.stem)
    return stem.stem if path.suffix.lower() in COMPRESSED and stem.suffix else path.stem


def _data(made: Draft, document: Path, table: Survey) -> dict[str, Any]:
    return {
        "file": str(document),
        "rows": table.rows,
        "encoding": table.dialect.encoding if table.format == "csv" else None,
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
    if column.other:
        return "other"
    return "empty" if not column.rows else "number" if column.numeric else "text"


def _show(console: Console, made: Draft, document: Path, survey: Survey) -> None:
    table = TextTable(["column", "kind", "missing", "values", "use", "because"], "<<><<<")
    rows = [_row(use) for use in made.uses]
    # What is left of the line is for the reasons, which take several where they must.
    table.rows += [[*row[:-1], ""] for row in rows]
    room = max(SHORTEST_REASON, console.width - table.width + len(table.heads[-1]))
    table.rows = [line for row in rows for line in _lines(row, room)]
    table.show(console)
    what = f"{made.classes} classes" if made.classes else "a number"
    say(console, "")
    read = "" if survey.dialect.encoding == "utf-8" else f", in {survey.dialect.encoding}"
    say(console, f" {counted(survey.rows, 'row')}{read}; to be predicted: {what}")
    say(console, f" wrote {document}")
    say(console, f" train it with: {shlex.join(['specnet', 'run', str(document)])}")


def _lines(row: list[str], room: int) -> list[list[str]]:
    first, *more = wrapped(row[-1], room)
    return [[*row[:-1], first], *([*[""] * (len(row) - 1), part] for part in more)]


def _row(use: ColumnUse) -> list[str]:
    column = use.column
    if column.other:
        values = ""
    elif column.numeric:
        values = f"{number(column.spread.low)} to {number(column.spread.high)}"
    else:
        values = ", ".join(text for text, _ in column.distinct.most_common(3))
    missing = f"{column.missing:,}" if column.missing else ""
    return [_cut(column.name, NAME), _kind(column), missing, _cut(values, VALUES), use.role, use.why]


def _cut(text: str, width: int) -> str:
    """Return the beginning of a string that takes at most so many columns of a terminal."""
    shown = printable(text)
    if cell_len(shown) <= width:
        return shown
    while cell_len(shown) >= width:
        shown = shown[:-1]
    return f"{shown}…"
