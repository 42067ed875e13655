"""A first document for a table, with the reasons for what it says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from specnet.data.formats.csv.survey import ColumnSurvey, Survey, in_sequence
from specnet.data.tables.settings import MARKERS
from specnet.diagnostics import Diagnostic, SpecError
from specnet.diagnostics.segments import escaped, printable
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import counted, listed
from specnet.reporting.first_model import FirstModel
from specnet.reporting.narrow_lines import narrow

MAXIMUM_CLASSES = 20
"""Up to how many whole numbers, from 0 or 1 on, are taken for classes."""

MAXIMUM_CATEGORIES = 100
"""Up to how many categories a feature of text may have; more are names, dates or numbers of rows."""


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """What a column is for, and why."""

    column: ColumnSurvey
    role: Literal["target", "input", "left out"]
    why: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A document, and what it was made from."""

    text: str
    task: Literal["classes", "numbers"]
    uses: tuple[ColumnUse, ...]
    classes: int | None


def draft(table: Survey, target: str | None, document: Path) -> Draft:
    """Return a document that predicts a column of a table from the others.

    `target` is a column's name or its place; without it, the last one that can be predicted is. `document` is
    where it will lie. Raises SpecError where there is no such column, or nothing to predict it from.
    """
    aim = _target(table, target)
    task = _task(aim)
    uses = tuple(_use(table, column, aim, task) for column in table.columns)
    inputs = [use.column for use in uses if use.role == "input"]
    if not inputs:
        raise _fault(
            table, "SN509", f"no column of `{table.path}` is left to predict `{_shown(table, aim)}` from"
        )
    classes = len(aim.distinct) if task == "classes" else None
    text = _document(table, aim, uses, classes, document)
    return Draft(text, task, uses, classes)


def _target(table: Survey, wanted: str | None) -> ColumnSurvey:
    if wanted is None:
        able = [c for c in table.columns if len(c.distinct) > 1 and not c.other and not _rowlike(table, c)]
        if not able:
            raise _fault(
                table, "SN509", f"no column of `{table.path}` varies in a way that could be predicted"
            )
        return able[-1]
    named = [c for c in table.columns if table.header and c.name == wanted]
    width = len(table.columns)
    if not named and wanted.lstrip("-").isdigit() and -width <= int(wanted) < width:
        named = [table.columns[int(wanted)]]
    if len(named) != 1:
        names = [c.name for c in table.columns]
        near = closest(wanted, names)
        help = f"did you mean `{near}`?" if near else f"it has {listed(names)}"
        message = f"`{table.path}` has {len(named) or 'no'} column{'s' * bool(named)} `{wanted}`"
        raise _fault(table, "SN509", message, help)
    aim = named[0]
    if aim.other:
        message = f"column `{wanted}` holds {aim.other}, which is neither numbers nor text"
        raise _fault(table, "SN516", message)
    if len(aim.distinct) < 2:
        raise _fault(table, "SN516", f"column `{wanted}` holds one value only: there is nothing to predict")
    if not aim.numeric and aim.many:
        raise _fault(
            table, "SN516", f"column `{wanted}` has more than 1000 distinct strings, too many for classes"
        )
    return aim


def _task(aim: ColumnSurvey) -> Literal["classes", "numbers"]:
    if not aim.numeric:
        return "classes"
    values = [float(text) for text in aim.distinct]
    few = aim.whole and not aim.many and len(set(values)) <= MAXIMUM_CLASSES
    return "classes" if few and min(values) in (0, 1) and in_sequence(list(set(values))) else "numbers"


def _rowlike(table: Survey, column: ColumnSurvey) -> bool:
    """Return whether a column numbers or names the rows."""
    if column.numeric:
        return column.whole and column.counting and column.numbers == table.rows > 2
    return column.many or len(column.distinct) > MAXIMUM_CATEGORIES or len(column.distinct) == table.rows > 20


def _use(table: Survey, column: ColumnSurvey, aim: ColumnSurvey, task: str) -> ColumnUse:
    if column is aim:
        if task == "classes":
            return ColumnUse(column, "target", f"{len(column.distinct)} classes")
        return ColumnUse(column, "target", "a number: its values are not class indices from 0 or 1")
    names = [c.name for c in table.columns if c is aim or c.place < column.place]
    reason = _useless(table, column, names)
    if reason is not None:
        return ColumnUse(column, "left out", reason)
    if column.numeric:
        return ColumnUse(column, "input", "a number")
    return ColumnUse(column, "input", f"{len(column.distinct)} categories, an input each")


def _useless(table: Survey, column: ColumnSurvey, names: list[str]) -> str | None:
    """Return why a column is not an input; None where it is one."""
    if table.header and not column.name:
        return "it has no name"
    if table.header and column.name in names:
        return "another column has its name"
    if column.other:
        return f"it holds {column.other}, neither numbers nor text"
    if not column.rows:
        return "it has no value at all"
    if len(column.distinct) == 1 and not column.missing:
        return "it holds one value only"
    if not _rowlike(table, column):
        return None
    if column.numeric:
        return "it numbers the rows"
    amount = "more than 1000" if column.many else str(len(column.distinct))
    return f"{amount} distinct strings say little about new rows"


def _document(
    table: Survey, aim: ColumnSurvey, uses: Iterable[ColumnUse], classes: int | None, document: Path
) -> str:
    inputs = [use.column for use in uses if use.role == "input"]
    out = [use for use in uses if use.role == "left out"]
    used = [*inputs, aim]
    width = sum(1 if c.numeric else len(c.distinct) for c in inputs)
    numbers = sum(c.numeric for c in inputs)
    first = FirstModel(table.rows, width)
    head = (
        f"# A first model for {_comment(table.path.name)}: {table.rows:,} rows, "
        f"{counted(len(inputs), 'feature')} ({numbers} of numbers), which become {counted(width, 'input')}."
    )
    lines = [
        "#:schema ./specnet.schema.json",
        head,
        "# Each choice is a starting point, with its reason in a comment.",
        "specnet = 1",
        f"name    = {_quoted(document.stem or 'table')}",
        "seed    = 0",
        *_metrics(classes),
        "",
        *_data(table, aim, inputs, used, out, document),
        *_split(first, aim, classes),
        *_transforms(inputs, aim, classes),
        *_network(first, classes),
        *_training(first),
    ]
    return "\n".join(narrow(lines)) + "\n"


def _metrics(classes: int | None) -> list[str]:
    if classes is None:
        return ['metrics = ["rmse", "mae", "r2"]  # rmse and mae in the units of the target']
    return [
        f"metrics = {json.dumps(['accuracy', 'f1', *(['confusion'] if classes <= MAXIMUM_CLASSES else [])])}"
    ]


def _data(
    table: Survey,
    aim: ColumnSurvey,
    inputs: list[ColumnSurvey],
    used: list[ColumnSurvey],
    out: list[ColumnUse],
    document: Path,
) -> list[str]:
    path = os.path.relpath(table.path, document.parent)
    lines = ["[data]", f'type   = "{table.format}"', f"path   = {_quoted(Path(path).as_posix())}"]
    what = "" if table.header else "  # the column's index, from 0"
    lines.append(f"target = {_ref(table, aim)}{what}")
    if not table.header:
        lines.append("header = false  # the first line holds data")
    if table.delimiter != ",":
        lines.append(f"delimiter = {_quoted(table.delimiter)}")
    if table.encoding != "utf-8":
        lines.append(f"encoding = {_quoted(table.encoding)}  # it is not UTF-8")
    if out:
        lines += ["exclude = ["]
        lines += [f"    {_ref(table, use.column)},  # {use.why}" for use in out]
        lines += ["]"]
    names = [c for c in inputs if c.mixed]
    if aim.numbers and _task(aim) == "classes" and (aim.mixed or aim.low == 1):
        names.append(aim)
    if names:
        refs = ", ".join(_ref(table, c) for c in names)
        lines.append(f"categories = [{refs}]  # names, though some look like numbers")
    if any(not c.numeric for c in inputs):
        lines.append('unknown = "zeros"  # a category that only new rows have becomes zeros')
    lines += _missing(aim, used)
    return [*lines, ""]


def _missing(aim: ColumnSurvey, used: list[ColumnSurvey]) -> list[str]:
    gaps = [c for c in used if c.missing]
    if not gaps:
        return []
    cells = sum(c.missing for c in gaps)
    lines = []
    if aim.missing:
        lines.append(f'missing = "drop"  # {counted(aim.missing, "row")} without a target')
    else:
        where = f"in {counted(len(gaps), 'column')}"
        lines.append(
            f'missing = "mean"  # {counted(cells, "cell")} without a value {where}; too many rows to drop'
        )
    markers = sorted({text for c in used for text in c.markers})
    if markers:
        all_markers = json.dumps([*MARKERS, *markers], ensure_ascii=False)
        lines.append(f"missing_markers = {all_markers}  # the last {len(markers)} occur among numbers")
    return lines


def _split(first: FirstModel, aim: ColumnSurvey, classes: int | None) -> list[str]:
    if first.share is None:
        return ["# With so few rows, none are held out: the metrics show what was memorised.", ""]
    lines = [
        "[data.split]",
        f"validation = {first.share}  # decides when to stop",
        f"test       = {first.share}  # estimates how well new rows are predicted",
    ]
    if classes is not None:
        if min(aim.distinct.values()) >= 5 and not aim.missing:
            lines.append("stratify   = true  # each class keeps its share in every part")
        else:
            lines.append("stratify   = false  # some class has too few rows")
    return [*lines, ""]


def _transforms(inputs: list[ColumnSurvey], aim: ColumnSurvey, classes: int | None) -> list[str]:
    spreads = [c.spread for c in inputs if c.numeric and c.spread > 0]
    why = "steps of one size suit all features"
    if spreads and max(spreads) >= 10 * min(spreads):
        why = f"standard deviations go from {min(spreads):.3g} to {max(spreads):.3g}"
    lines = ["[[data.transforms]]", f'type = "standardize"  # {why}', ""]
    if classes is None:
        why = f"its standard deviation is {aim.spread:.3g}; predictions come in its own units all the same"
        lines += ["[[data.transforms]]", 'type = "standardize"', f'on   = "targets"  # {why}', ""]
    return lines


def _network(first: FirstModel, classes: int | None) -> list[str]:
    hidden = ["[[layers]]", 'type       = "dense"', f"units      = {first.units}"]
    lines = [*hidden[:2], f"{hidden[2]}  # for {first.rows:,} rows", 'activation = "relu"', ""]
    for _ in range(first.hidden - 1):
        lines += [*_dropout(first), *hidden, 'activation = "relu"', ""]
    last = "one logit a class" if classes is not None else "one number"
    lines += ["[[layers]]", 'type  = "dense"', f"units = {classes or 1}  # {last}", "", "[loss]"]
    lines.append('type = "cross_entropy"' if classes is not None else 'type = "mse"')
    return [*lines, ""]


def _dropout(first: FirstModel) -> list[str]:
    if first.dropout is None:
        return []
    why = "without it, many inputs are memorised"
    return ["[[layers]]", 'type = "dropout"', f"rate = {first.dropout}  # {why}", ""]


def _training(first: FirstModel) -> list[str]:
    lines = ["[training]", f"epochs     = {first.epochs}", f"batch_size = {first.batch}", ""]
    lines += ["[training.optimizer]", 'type          = "adam"', f"learning_rate = {first.learning_rate}"]
    if first.share is not None:
        lines += [
            "",
            "[training.early_stopping]",
            'monitor  = "validation.loss"',
            f"patience = {first.patience}  # epochs without a better one; the best is restored",
        ]
    return lines


def _ref(table: Survey, column: ColumnSurvey) -> str:
    names = [c.name for c in table.columns]
    if table.header and column.name and names.count(column.name) == 1:
        return _quoted(column.name)
    return str(column.place)


def _shown(table: Survey, column: ColumnSurvey) -> str:
    return column.name if table.header else f"column {column.place}"


def _quoted(text: str) -> str:
    return escaped(json.dumps(text, ensure_ascii=False))


def _comment(text: str) -> str:
    return printable(text)


def _fault(table: Survey, code: str, message: str, help: str | None = None) -> SpecError:
    return SpecError([Diagnostic(code, message, file=str(table.path), help=help)])
