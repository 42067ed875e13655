"""Cells of a table as numbers, in a program: what `predict` makes of the same rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from specnet.data.tables.cells import FALSE, TRUE
from specnet.data.tables.date_cells import date_parts
from specnet.interchange.numpy.layout import indented
from specnet.interchange.numpy.program import Program
from specnet.interchange.numpy.texts import write_texts
from specnet.model.compiled import CompiledModel

if TYPE_CHECKING:
    from specnet.data.tables.cells import CellParser
    from specnet.data.tables.plan import ColumnPlan
    from specnet.data.tables.tabular import Tabular

TRUTH = {text: value for value, texts in (("false", FALSE), ("true", TRUE)) for text in sorted(texts)}
"""What the cells of boolean columns mean."""


def write_cells(model: CompiledModel, program: Program) -> bool:
    """Write what makes numbers of a table's cells; return whether there is anything but numbers."""
    table = None if model.encoding is None else model.encoding.columns
    if table is None or model.encoding is None:
        return False
    parser = cast("Tabular", model.encoding.format).parser
    features = table.features
    plain = parser.numbers.plain and not parser.replace
    if plain and not any(c.coded or c.optional or c.parts or c.texts is not None for c in features):
        return False
    lines = [
        "",
        f"# The columns of the inputs: name, what it holds, its {_details(features)}, what a gap becomes.",
        "columns = [",
    ]
    lines += map(_column_line, features)
    lines.append("]")
    if parser.markers:
        lines += ["", "# The cells that mean a missing value.", f"missing_markers = {_set(parser.markers)}"]
    if parser.replace:
        lines += ["", "# Cells that stand for others.", f"replace = {dict(parser.replace)!r}"]
    program.values += lines
    if not parser.numbers.plain:
        program.modules.add("re")
        program.functions.append(_number_function(parser))
    if any(column.coded or column.parts or column.texts is not None for column in features):
        program.functions.append(_spelling_function())
    if any(column.parts for column in features):
        program.modules.add("datetime")
        program.functions.append(_date_function())
    texts = write_texts(program, features)
    program.functions.append([
        "def cells_to_numbers(rows):",
        '    """Return rows of cells, in the order of the columns, as numbers."""',
        *indented(texts),
        "    result = []",
        "    for row in rows:",
        "        numbers = []",
        "        for (name, kind, categories, instead), cell in zip(columns, row, strict=True):",
        *indented(_gap_lines(parser, features), 3),
        *indented(_cell_lines(parser, features), 3),
        "        result.append(numbers)",
        "    return np.array(result)",
    ])  # fmt: skip
    return True


def _column_line(column: ColumnPlan) -> str:
    """Return the line of a column in the program's list."""
    gap: Any = column.fill
    details: Any = None
    if column.texts is not None:
        gap = column.texts.missing if column.optional else None
    elif column.coded:
        details = list(column.categories)
        gap = None if gap is None else column.categories[int(gap)]
    elif column.parts:
        details = column.format, column.parts
        gap = None if gap is None else date_parts(np.array([gap]), column.parts)[0].tolist()
    return f"    ({column.name!r}, {column.slice_kind!r}, {details!r}, {gap!r}),"


def _set(texts: Iterable[str]) -> str:
    return "{" + ", ".join(map(repr, sorted(texts))) + "}"


def _number_function(parser: CellParser) -> list[str]:
    """Return a function for strings that write numbers in another way than Python does."""
    numbers = parser.numbers
    drop = "".join(f".replace({sign!r}, '')" for sign in numbers.separators)
    return [
        "def number(cell):",
        '    """Return the number that a cell is, or spells."""',
        "    if not isinstance(cell, str):",
        "        return float(cell)",
        f"    found = re.fullmatch({numbers.pattern!r}, cell)",
        "    if found is None or (found[1] and found[2]) or not (found[3] or found[4]):",
        '        raise ValueError(f"{cell!r} is not a number")',
        "    first, second, whole, fraction, exponent = found.groups(default='')",
        *([f"    whole = whole{drop}"] if drop else []),
        '    return float(f"{first}{second}{whole}.{fraction}{exponent}")',
    ]


def _details(features: Iterable[ColumnPlan]) -> str:
    """Return what the third entry of a column is."""
    return "categories (of a date, format and parts)" if any(c.parts for c in features) else "categories"


def _date_function() -> list[str]:
    """Return a function for the cells of columns of dates."""
    return [
        "def date_numbers(cell, written, parts):",
        '    """Return the parts of a date: `days` are those since 1970-01-01; a weekday of 0 is Monday."""',
        "    if isinstance(cell, datetime.date):",
        "        moment = datetime.datetime.fromisoformat(cell.isoformat())",
        "    elif written is None:",
        "        moment = datetime.datetime.fromisoformat(spelled(cell))",
        "    else:",
        "        moment = datetime.datetime.strptime(spelled(cell), written)",
        "    since = moment.replace(tzinfo=None) - datetime.datetime(1970, 1, 1)",
        "    numbers = {",
        '        "year": moment.year,',
        '        "month": moment.month,',
        '        "day": moment.day,',
        '        "weekday": moment.weekday(),',
        '        "days": since / datetime.timedelta(days=1),',
        "    }",
        "    return [float(numbers[part]) for part in parts]",
    ]


def _spelling_function() -> list[str]:
    return [
        "def spelled(cell):",
        '    """Return how a file writes a cell: 3.0 as `3`, and True as `true`."""',
        "    if isinstance(cell, str):",
        "        return cell",
        "    if isinstance(cell, (bool, np.bool_)):",
        "        return str(cell).lower()",
        "    return str(int(cell)) if float(cell).is_integer() else str(cell)",
    ]


def _gap_lines(parser: CellParser, features: Iterable[ColumnPlan]) -> list[str]:
    """Return the lines that apply what the document says of every cell, and fill in what has no value."""
    lines = ["if isinstance(cell, str):", "    cell = cell.strip()"]
    if parser.replace:
        lines.append("    cell = replace.get(cell, cell)")
    marked = "cell in missing_markers or " if parser.markers else ""
    lines += [f"if cell is None or {marked}cell != cell:", "    cell = instead"]
    if not all(column.optional for column in features):
        lines += ["if cell is None:", '    raise ValueError(f"{name} has no value")']
    return lines


def _cell_lines(parser: CellParser, features: Iterable[ColumnPlan]) -> list[str]:
    """Return the lines that add one cell's numbers, of the kinds of columns that there are."""
    there: set[str] = {column.slice_kind for column in features}
    texts = [column.name for column in features if column.coded]
    zeros = [column.name for column in features if column.unknown == "zeros"]
    lines = []
    if "number" in there:
        read = "float" if parser.numbers.plain else "number"
        lines += ['if kind == "number":', f"    numbers.append({read}(cell))", "    continue"]
    if "date" in there:
        lines += [
            'if kind == "date":',
            "    numbers += cell if cell is instead else date_numbers(cell, *categories)",
        ]
        lines += ["    continue"]
    if "tokens" in there:
        lines += ['if kind == "tokens":', "    numbers += tokens_of[name](cell)", "    continue"]
    if texts:
        lines.append("cell = spelled(cell)")
    if "boolean" in there:
        lines += ['if kind == "boolean":', f"    cell = {TRUTH}.get(cell.casefold(), cell)"]
    if len(zeros) < len(texts):
        known = "cell not in categories" + (f" and name not in {zeros!r}" if zeros else "")
        lines += [f"if {known}:", '    raise ValueError(f"{cell!r} is not a known {name}")']
    if "onehot" in there:
        lines += ['if kind == "onehot":']
        lines += ["    numbers += [float(cell == category) for category in categories]", "    continue"]
    if there & {"index", "boolean"}:
        lines += ["numbers.append(categories.index(cell))"]
    return lines
