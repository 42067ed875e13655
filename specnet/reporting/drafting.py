"""A first document for a table, with the reasons for what it says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from specnet.data.formats.csv.dialect import WHITESPACE
from specnet.data.formats.csv.survey import Survey
from specnet.data.tables.column_survey import ColumnSurvey, Spread
from specnet.data.tables.dates import date_help
from specnet.data.tables.settings import MARKERS
from specnet.diagnostics.segments import printable
from specnet.diagnostics.text import counted, joined
from specnet.reporting.column_uses import (
    MAXIMUM_CLASSES,
    ColumnUse,
    are_classes,
    are_indices,
    chosen_target,
    column_use,
    draft_error,
)
from specnet.reporting.draft_dates import date_lines
from specnet.reporting.draft_names import has_settings, key_of, quoted, reference, shown
from specnet.reporting.draft_texts import VECTOR, DraftTexts
from specnet.reporting.first_model import FirstModel, Style, Task, task_of
from specnet.reporting.first_network import embedding, hidden_layers, layer_lines, training_lines
from specnet.reporting.narrow_lines import narrow

SKEWED = 2.0
"""The skewness from which on a column's mean is no usual value."""

HEAVY = 1.5
"""The skewness from which on a target is predicted by its logarithm."""

TELLING = 0.1
"""The share of missing values from which on they are a category of their own."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A document, and what it was made from."""

    text: str
    task: Task
    uses: tuple[ColumnUse, ...]
    classes: int | None


def draft(table: Survey, target: str | None, document: Path, style: Style = "quick") -> Draft:
    """Return a document that predicts a column of a table from the others.

    `target` is a column's name or its place; without it, the last one that can be predicted is. `document` is
    where it will lie, and `style` says how long it may train. Raises SpecError where there is no such column, or
    nothing to predict it from.
    """
    aim = chosen_target(table, target)
    classes = aim.unlike if are_classes(table, aim) else None
    uses = tuple(column_use(table, column, aim, classes) for column in table.columns)
    if not any(use.role == "input" for use in uses):
        message = f"no column of `{table.path}` is left to predict `{shown(table, aim)}` from"
        dates = (use.column for use in uses if use.role == "left out" and use.column.date_formats)
        helps = (date_help(column.distinct, key_of(table, column)) for column in dates)
        raise draft_error(table, "SN509", message, next(helps, None))
    text = _document(table, aim, uses, classes, document, style)
    return Draft(text, task_of(classes), uses, classes)


def _document(
    table: Survey,
    aim: ColumnSurvey,
    uses: Iterable[ColumnUse],
    classes: int | None,
    document: Path,
    style: Style,
) -> str:
    uses = tuple(uses)
    inputs = [use.column for use in uses if use.role == "input" and not use.text]
    texts = DraftTexts(table, [use.column for use in uses if use.text], inputs)
    width = sum(1 if c.numeric else c.unlike for c in inputs) + VECTOR * len(texts.texts)
    numbers = sum(c.numeric for c in inputs)
    first = FirstModel(table.rows - aim.missing, width, numbers, task_of(classes), style)
    of = f"{numbers} of numbers" + (f", {len(texts.texts)} of text" if texts else "")
    head = (
        f"# A first model for {_comment(table.path.name)}: {table.rows:,} rows, "
        f"{counted(len(inputs) + len(texts.texts), 'feature')} ({of}), which become {counted(width, 'input')}."
    )
    lines = [
        "#:schema ./specnet.schema.json",
        head,
        "# Each choice is a starting point, with its reason in a comment.",
        "specnet = 1",
        f"name    = {quoted(document.stem or 'table')}",
        "seed    = 0",
        *_metrics(classes, logarithms=_logarithms(aim) is not None),
        "",
        *_data(table, aim, classes, uses, document),
        *_columns(table, aim, inputs),
        *texts.settings(),
        *date_lines(table, uses),
        *_split(first, aim, classes),
        *_transforms(aim, classes, texts, numeric=numbers > 0),
        *texts.inputs(),
        *_network(first, texts, classes),
        *training_lines(first),
    ]
    return "\n".join(narrow(lines)) + "\n"


def _metrics(classes: int | None, *, logarithms: bool) -> list[str]:
    if classes is None:
        of = "of its logarithms" if logarithms else "in the units of the target"
        return [f'metrics = ["rmse", "mae", "r2"]  # rmse and mae {of}']
    return [
        f"metrics = {json.dumps(['accuracy', 'f1', *(['confusion'] if classes <= MAXIMUM_CLASSES else [])])}"
    ]


def _data(
    table: Survey, aim: ColumnSurvey, classes: int | None, uses: Iterable[ColumnUse], document: Path
) -> list[str]:
    inputs = [use.column for use in uses if use.role == "input" and not use.text]
    out = [use for use in uses if use.role == "left out"]
    path = os.path.relpath(table.path, document.parent)
    lines = ["[data]", f'type   = "{table.format}"', f"path   = {quoted(Path(path).as_posix())}"]
    what = "" if table.header else "  # the column's index, from 0"
    lines.append(f"target = {reference(table, aim)}{what}")
    if not table.header:
        lines.append("header = false  # the first line holds data")
    elif table.format == "csv" and any(table.numbers.value(c.name) is not None for c in table.columns):
        lines.append("header = true  # the first line holds names, though some are numbers")
    lines += _dialect(table)
    if out:
        lines += ["exclude = ["]
        lines += [f"    {reference(table, use.column)},  # {use.why}" for use in out]
        lines += ["]"]
    names = [c for c in inputs if c.mixed]
    if classes is not None and aim.numbers and not are_indices(table, aim):
        names.append(aim)
    if names:
        refs = ", ".join(reference(table, c) for c in names)
        lines.append(f"categories = [{refs}]  # names, though some look like numbers")
    if any(c.numeric for c in inputs):
        lines.append(f'scale = "standardize"  # {_why_scaled(inputs)}')
    if any(not c.numeric for c in inputs):
        lines.append('unknown = "zeros"  # a category that only new rows have becomes zeros')
    return [*lines, *_missing(table, aim, inputs), ""]


def _dialect(table: Survey) -> list[str]:
    dialect, numbers = table.dialect, table.numbers
    lines = []
    if dialect.delimiter == WHITESPACE:
        lines.append(f"delimiter = {quoted(WHITESPACE)}  # one or more blanks between cells")
    elif dialect.delimiter != ",":
        lines.append(f"delimiter = {quoted(dialect.delimiter)}")
    if dialect.encoding != "utf-8":
        lines.append(f"encoding = {quoted(dialect.encoding)}  # it is not UTF-8")
    if numbers.decimal != ".":
        lines.append(f"decimal = {quoted(numbers.decimal)}")
    if numbers.thousands is not None:
        lines.append(f"thousands = {quoted(numbers.thousands)}")
    if numbers.strip:
        lines.append(f"strip = {json.dumps(numbers.strip, ensure_ascii=False)}  # signs at numbers")
    if dialect.comment is not None:
        lines.append(f"comment = {quoted(dialect.comment)}")
    if dialect.skip_rows:
        lines.append(f"skip_rows = {dialect.skip_rows}  # lines above the table")
    return lines


def _why_scaled(inputs: list[ColumnSurvey]) -> str:
    spreads = [c.spread.deviation for c in inputs if c.numeric and c.spread.deviation > 0]
    if spreads and max(spreads) >= 10 * min(spreads):
        return f"standard deviations go from {min(spreads):.3g} to {max(spreads):.3g}"
    return "steps of one size suit all numbers" + "; categories stay 0 and 1" * any(
        not c.numeric for c in inputs
    )


def _missing(table: Survey, aim: ColumnSurvey, inputs: list[ColumnSurvey]) -> list[str]:
    lines = []
    gaps = [c for c in inputs if c.missing]
    if aim.missing and not has_settings(table, aim):
        lines.append(f'missing = "drop"  # {counted(aim.missing, "row")} without a target')
    elif gaps:
        cells, where = sum(c.missing for c in gaps), f"in {counted(len(gaps), 'column')}"
        lines.append(
            f'missing = "mean"  # {counted(cells, "cell")} without a value {where}; too many rows to drop'
        )
    markers = sorted({text for c in (*inputs, aim) for text in c.markers})
    if markers:
        all_markers = json.dumps([*MARKERS, *markers], ensure_ascii=False)
        mean = f"{'means' if len(markers) == 1 else 'mean'} a missing value among numbers"
        lines.append(f"missing_markers = {all_markers}  # {_comment(joined(markers))} {mean}")
    return lines


def _columns(table: Survey, aim: ColumnSurvey, inputs: list[ColumnSurvey]) -> list[str]:
    """Return the settings of single columns, where they differ from the table's."""
    settings = {}
    if not aim.missing or has_settings(table, aim):
        for c in (c for c in inputs if c.missing and has_settings(table, c)):
            if c.numeric and abs(c.spread.skew) > SKEWED:
                settings[c.place] = 'missing = "median"  # skewed: its mean is not a usual value'
            elif not c.numeric and c.missing >= TELLING * table.rows:
                settings[c.place] = f'missing = "category"  # {c.missing:,} cells: a gap may mean something'
    if aim.missing and has_settings(table, aim):
        settings[aim.place] = f'missing = "drop"  # {counted(aim.missing, "row")} without a target'
    lines = []
    for place, setting in settings.items():
        lines += [f"[data.columns.{key_of(table, table.columns[place])}]", setting, ""]
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
        if min(aim.distinct.values()) >= 5:
            lines.append("stratify   = true  # each class keeps its share in every part")
        else:
            lines.append("stratify   = false  # some class has too few rows")
    return [*lines, ""]


def _transforms(aim: ColumnSurvey, classes: int | None, texts: DraftTexts, *, numeric: bool) -> list[str]:
    if classes is not None:
        return []
    spread, lines, logarithms = aim.spread, [], _logarithms(aim)
    if logarithms is not None:
        why = (
            f"a few are far larger: skewness {spread.skew:.2g}, that of its logarithms {logarithms.skew:.2g}"
        )
        lines += ["[[data.transforms]]", 'type = "log"', f'on   = "targets"  # {why}', ""]
        if numeric:
            # A network extrapolates linearly, and the way back from logarithms makes an exponential of that.
            lines += ["[[data.transforms]]", 'type = "clip"  # to the range of the training rows: beyond it,']
            on = f"[{texts.columns()}]" if texts else '"inputs"'
            lines += [f"on   = {on}  # an error in a logarithm would become a large factor", ""]
        spread = logarithms
    of = "its standard deviation" if spread is aim.spread else "the standard deviation of its logarithms"
    why = f"{of} is {spread.deviation:.3g}; predictions come in its own units all the same"
    return [*lines, "[[data.transforms]]", 'type = "standardize"', f'on   = "targets"  # {why}', ""]


def _logarithms(aim: ColumnSurvey) -> Spread | None:
    """Return the spread of the logarithms of a target of numbers, if these are what is predicted."""
    spread, logarithms = aim.spread, aim.logarithms
    if logarithms is not None and spread.skew > HEAVY and 2 * abs(logarithms.skew) < spread.skew:
        return logarithms
    return None


def _network(first: FirstModel, texts: DraftTexts, classes: int | None) -> list[str]:
    last = "one logit a class" if classes is not None else "one number"
    layers = hidden_layers(first, classes or 1)
    if first.embedded and not texts:
        layers.insert(0, embedding())
    lines = [*texts.layers(embedded=first.embedded), *layer_lines(layers, last), "[loss]"]
    lines.append('type = "cross_entropy"' if classes is not None else 'type = "mse"')
    return [*lines, ""]


def _comment(text: str) -> str:
    return printable(text)
