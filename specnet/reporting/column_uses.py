"""What a first model does with each column of a table, and why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from specnet.data.formats.csv.survey import Survey
from specnet.data.tables.column_survey import FEW_CATEGORIES, ColumnSurvey
from specnet.data.tables.identifiers import ENOUGH, is_identifying_name
from specnet.data.tables.many import are_texts
from specnet.diagnostics import Diagnostic, SpecError
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import listed
from specnet.reporting.draft_names import has_settings

MAXIMUM_CLASSES = 20
"""Up to how many whole numbers, from 0 or 1 on, are taken for classes."""

FEW_CLASSES = 5
"""Up to how many whole numbers are taken for classes wherever they begin."""

CLASS_ROWS = 5
"""How many rows each of these must have on average."""


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """What a column is for, and why."""

    column: ColumnSurvey
    role: Literal["target", "input", "left out"]
    why: str
    text: bool = False
    """Whether it is an input whose words a network reads."""


def chosen_target(table: Survey, wanted: str | None) -> ColumnSurvey:
    """Return the column that is called so, or has this index; without it, the last one that can be predicted.

    A column that most rows have no value of is such a one only where there is no other.

    Raises SpecError where there is no such column, or it cannot be predicted.
    """
    if wanted is None:
        able = [column for column in table.columns if _predictable(column)]
        if not able:
            message = f"no column of `{table.path}` varies in a way that could be predicted"
            raise draft_error(table, "SN509", message)
        return ([column for column in able if column.missing <= table.rows / 2] or able)[-1]
    aim = _named(table, wanted)
    if aim.other:
        message = f"column `{wanted}` holds {aim.other}, which is neither numbers nor text"
        raise draft_error(table, "SN516", message)
    if aim.dates:
        help = "make a number of them to predict, such as the days since a date"
        raise draft_error(table, "SN516", f"column `{wanted}` holds dates", help)
    if aim.unlike < 2:
        message = f"column `{wanted}` holds one value only: there is nothing to predict"
        raise draft_error(table, "SN516", message)
    if not aim.numeric and aim.many:
        message = f"column `{wanted}` has more than 1000 distinct strings, too many for classes"
        raise draft_error(table, "SN516", message)
    return aim


def _predictable(column: ColumnSurvey) -> bool:
    if column.unlike < 2 or column.other or column.dates or column.free_text:
        return False
    if not column.numeric and column.unlike > FEW_CATEGORIES:
        return False
    # Unique whole numbers may well be measured, where the column is what others are to predict.
    return not column.identifying or (column.numeric and not column.counting and not _named_as_id(column))


def _named_as_id(column: ColumnSurvey) -> bool:
    return is_identifying_name(column.name)


def _named(table: Survey, wanted: str) -> ColumnSurvey:
    named = [column for column in table.columns if table.header and column.name == wanted]
    width = len(table.columns)
    if not named and wanted.lstrip("-").isdigit() and -width <= int(wanted) < width:
        named = [table.columns[int(wanted)]]
    if len(named) != 1:
        names = [column.name for column in table.columns]
        near = closest(wanted, names)
        help = f"did you mean `{near}`?" if near else f"it has {listed(names)}"
        message = f"`{table.path}` has {len(named) or 'no'} column{'s' * bool(named)} `{wanted}`"
        raise draft_error(table, "SN509", message, help)
    return named[0]


def are_classes(table: Survey, aim: ColumnSurvey) -> bool:
    """Return whether the values of the target are classes: strings, or a few whole numbers.

    Whole numbers from 0 or 1 on without a gap are classes if there are up to 20 different ones, others if there are
    two, or up to five with five rows each.
    """
    if not aim.numeric:
        return True
    values = sorted(
        {float(value) for text in aim.distinct if (value := table.numbers.value(text)) is not None}
    )
    if not aim.whole or len(values) != aim.unlike or len(values) > MAXIMUM_CLASSES:
        return False
    if _in_sequence(values):
        return True
    return len(values) <= FEW_CLASSES and aim.rows >= CLASS_ROWS * len(values)


def are_indices(table: Survey, aim: ColumnSurvey) -> bool:
    """Return whether the classes of the target are written as whole numbers from 0 on."""
    values = sorted({table.numbers.value(text) or 0.0 for text in aim.distinct})
    return aim.numeric and values[0] == 0 and _in_sequence(values)


def _in_sequence(values: list[float]) -> bool:
    return values[0] in (0, 1) and values == [values[0] + i for i in range(len(values))]


def column_use(table: Survey, column: ColumnSurvey, aim: ColumnSurvey, classes: int | None) -> ColumnUse:
    """Return what a column is for in a model that predicts `aim`, of so many classes or a number."""
    if column is aim:
        few = f": {aim.unlike} whole numbers, too many for classes" if aim.whole and not aim.many else ""
        return ColumnUse(column, "target", f"{classes} classes" if classes else f"a number{few}")
    names = [c.name for c in table.columns if c is aim or c.place < column.place]
    reason = _useless(table, column, names)
    if reason is None and classes and aim.rows >= ENOUGH and column.pattern == aim.pattern:
        reason = "it is the target in other words"
    if _is_text(table, column):
        return ColumnUse(column, "input", "text, whose words a network reads", text=True)
    if reason is not None:
        return ColumnUse(column, "left out", reason)
    if column.numeric:
        return ColumnUse(column, "input", "a number")
    codes = ", names though they look like numbers" if column.coded else ""
    return ColumnUse(column, "input", f"{column.unlike} categories, an input each{codes}")


def _is_text(table: Survey, column: ColumnSurvey) -> bool:
    """Return whether a column holds texts, hardly any two of which are equal, and can be named under `columns`."""
    varied = not column.numeric and (column.free_text or column.identifying)
    return (
        varied
        and has_settings(table, column)
        and not column.dates
        and not column.other
        and are_texts(column.distinct)
    )


def _useless(table: Survey, column: ColumnSurvey, names: Collection[str]) -> str | None:
    """Return why a column is not an input; None where it is one."""
    if table.header and (not column.name or column.name in names):
        return "another column has its name" if column.name else "it has no name"
    if column.other:
        return f"it holds {column.other}, neither numbers nor text"
    if not column.rows:
        return "it has no value at all"
    if column.unlike == 1 and not column.missing:
        return "it holds one value only"
    if column.dates:
        return _dated(column)
    if column.numeric:
        return _numbering(column)
    if column.identifying:
        return "each row has another string, which says nothing about new rows"
    if column.many:
        return "more than 1000 distinct strings are too many for an input each"
    if column.free_text:
        return f"{column.unlike} distinct strings in {column.rows:,} rows say little about new rows"
    return None


def _dated(column: ColumnSurvey) -> str:
    if column.date_formats:
        return 'it holds dates; `type = "date"` makes numbers of them: year, month, weekday and so on'
    return "it holds dates in several formats; make numbers of them, such as year and month, to use it"


def _numbering(column: ColumnSurvey) -> str | None:
    if not column.identifying:
        return None
    return (
        "it numbers the rows" if column.counting else "each row has another whole number: it identifies rows"
    )


def draft_error(table: Survey, code: str, message: str, help: str | None = None) -> SpecError:
    """Return what to raise for a table that no document can be written for."""
    return SpecError([Diagnostic(code, message, file=str(table.path), help=help)])
