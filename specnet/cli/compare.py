from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from specnet.cli.numbers import column, duration
from specnet.cli.options import As, OutputStyle, RunPlugins, argument, out_file
from specnet.cli.tables import TextTable, section
from specnet.cli.terminal import notes, plain, results, say, write_json
from specnet.diagnostics.text import fraction

if TYPE_CHECKING:
    from specnet.reporting.comparison import Comparison, Figure

    History = Sequence[dict[str, Any]]
    """The epochs of a run, as `KeptRun.history` returns them."""

STYLES = ("cyan", "magenta", "yellow", "green", "blue", "red")
LETTERS = "*o+x#@"

ROWS = 12
"""Lines of a terminal that the curves take."""

BEST = " *"


def compare(
    runs: Annotated[
        list[str],
        argument(
            "RUN",
            help="The directories of two or more runs, folders of runs such as runs/iris, or quoted patterns.",
        ),
    ],
    out: Annotated[
        str | None,
        out_file("Also draw the curves into this .png, .svg or .pdf file; needs the extra `report`."),
    ] = None,
    plugins: RunPlugins = False,
    output: As = OutputStyle.TABLE,
) -> int:
    """Show how runs differ, and their results.

    Shows every key that differs between the documents, defaults included; the loss and the metrics of every split,
    the best marked with a star; and the loss from epoch to epoch. Results and curves are named after what differs.
    """
    from specnet.cli.plot import check_picture
    from specnet.cli.runs import chosen
    from specnet.reporting.comparison import compare as compared
    from specnet.storage.plugins import import_plugins

    if out is not None:
        check_picture(Path(out))
    found = chosen(runs)
    if len(found) < 2:
        raise typer.BadParameter(f"{found[0].path} is one run: name two or more", param_hint="RUN")
    for run in found if plugins else ():
        import_plugins(run.path)
    comparison = compared(found)
    for problem in comparison.problems:
        say(notes(), f"warning: best values are not marked in every row: {problem}", "bold yellow")
    if output is OutputStyle.JSON:
        write_json(comparison.as_dict())
    else:
        _show(results(), comparison)
    if out is not None:
        from specnet.reporting.drawing import write_drawing
        from specnet.reporting.drawings.curves import compared_drawing

        write_drawing(Path(out), compared_drawing(found, comparison.names))
        say(notes(), f"curves written to {out}")
    return 0


def curves(histories: Sequence[History]) -> tuple[str, list[tuple[list[int], list[float]]]]:
    """Return which loss all runs have a curve of, and each run's epochs (or steps) and losses."""
    from specnet.reporting.comparison import compared_split, shared_unit

    split, unit = compared_split(histories), shared_unit(histories)
    return f"{split} loss", [_curve(rows, unit, split) for rows in histories]


def tracked_curves(histories: Sequence[History]) -> list[tuple[list[int], list[float]]]:
    """Return each run's epochs and losses of the training split after them; [] where not all were measured so."""
    from specnet.reporting.comparison import shared_unit
    from specnet.training.history import AFTER

    unit = shared_unit(histories)
    found = [_curve(rows, unit, "train", AFTER) for rows in histories]
    return found if all(epochs for epochs, _ in found) else []


def _curve(rows: History, unit: str, split: str, name: str = "loss") -> tuple[list[int], list[float]]:
    there = [row for row in rows if name in row.get(split, {})]
    losses = [row[split][name] for row in there]
    return [row[unit] for row in there], [math.nan if loss is None else loss for loss in losses]


def _show(console: Console, comparison: Comparison) -> None:
    from specnet.reporting.comparison import shared_unit, shown
    from specnet.runs.kept import short_names

    folders = short_names([run.path for run in comparison.runs])
    section(console, "what differs")
    if comparison.differences:
        rows = [[d.key, *(shown(value) for value in d.values)] for d in comparison.differences]
        _fitting(["key", *folders], rows, "<" * (len(folders) + 1), console)
    else:
        say(console, " nothing: the runs used the same document, data and versions", "dim")
    section(console, "results")
    _fitting(_heads(comparison, folders, console), _results(comparison), "<" + ">" * len(folders), console)
    if any(figure.best for figure in comparison.figures):
        say(console, " * the best", "dim")
    if not comparison.same_rows:
        say(console, " measured on different rows: part of each difference is chance", "yellow")
    histories = [run.history() for run in comparison.runs]
    drawn = [curves(histories)]
    if tracked := tracked_curves(histories):
        drawn.append((f"train loss after the {shared_unit(histories)}", tracked))
    for title, lines in drawn:
        _draw(console, comparison.names, title, lines, shared_unit(histories))


def _draw(
    console: Console,
    names: Sequence[str],
    title: str,
    lines: Sequence[tuple[list[int], list[float]]],
    unit: str,
) -> None:
    from specnet.cli.curve import Series
    from specnet.cli.results import show_curves

    series = [
        Series(
            name,
            epochs,
            losses,
            STYLES[n % len(STYLES)],
            LETTERS[n % len(LETTERS)],
            dashed=n // len(STYLES) % 2 == 1,
        )
        for n, (name, (epochs, losses)) in enumerate(zip(names, lines, strict=True))
    ]
    # Without colours, only letters tell several curves apart.
    ascii_only = plain(console) or not console.color_system
    show_curves(console, series, title, ROWS, ascii_only=ascii_only, unit=unit)


def _heads(comparison: Comparison, folders: list[str], console: Console) -> list[str]:
    """Return the heads of the results: what differs, if it finds room, or else the directories.

    Of one key that differs, its values are the heads, and the key stands before them.
    """
    named = [name.split(" = ") for name in comparison.names]
    keys = {key for key, *_ in named}
    if len(keys) == 1 and all(len(parts) == 2 for parts in named):
        return [f"{keys.pop()} =", *(f"{value}  " for _, value in named)]
    heads = ["", *(f"{name}  " for name in comparison.names)]
    whole = TextTable(heads, "<" + ">" * len(folders), list(_results(comparison)))
    return heads if whole.width <= console.width else ["", *(f"{folder}  " for folder in folders)]


def _results(comparison: Comparison) -> list[list[str]]:
    runs = comparison.runs
    rows = [[f"{figure.split} {figure.name}", *_cells(figure)] for figure in comparison.figures]
    results = [run.result or {} for run in runs]
    rows.append(["fit", *_padded([(result.get("fit") or {}).get("verdict", "-") for result in results])])
    rows.append(["status", *_padded([run.status.replace("_", " ") for run in runs])])
    rows += [
        [key, *_padded([fraction(r[key]) if key in r else "-" for r in results])]
        for key in ("parameters", "epochs", "steps")
    ]
    rows.append(["time", *_padded([duration(r["seconds"]) if "seconds" in r else "-" for r in results])])
    return rows


def _cells(figure: Figure) -> list[str]:
    """Return a figure's numbers, the best with a star, and blanks in the star's place for the others."""
    texts = ["-" if v is None else t for v, t in zip(figure.values, column(figure.values), strict=True)]
    return [text + (BEST if n in figure.best else "  ") for n, text in enumerate(texts)]


def _padded(texts: Sequence[str]) -> list[str]:
    return [f"{text}  " for text in texts]


def _fitting(heads: list[str], rows: list[list[str]], sides: str, console: Console) -> None:
    """Print a column a run; where that is too wide, as many runs at once as there is room for."""
    from rich.cells import cell_len

    widths = [max(map(cell_len, cells)) + 2 for cells in zip(heads, *rows, strict=True)]
    start = 1
    while start < len(heads):
        end, used = start + 1, widths[0] + widths[start]
        while end < len(heads) and used + widths[end] <= console.width:
            used += widths[end]
            end += 1
        if start > 1:
            console.print()
        part = [[row[0], *row[start:end]] for row in rows]
        TextTable([heads[0], *heads[start:end]], sides[0] + sides[start:end], list(part)).show(console)
        start = end
