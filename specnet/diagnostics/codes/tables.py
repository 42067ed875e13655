from __future__ import annotations

from specnet.diagnostics.codes.code import Code

_FLOWERS = ("flowers.csv", "length,width,species\n5.1,3.5,setosa\n4.9,3.0,setosa\n6.3,3.3,virginica\n")
_CSV = '[data]\ntype = "csv"\npath = "{path}"\ntarget = {target}\n'
_RIGHT = _CSV.format(path="flowers.csv", target='"width"')


def _csv(path: str, target: str = '"width"', more: str = "") -> str:
    return _CSV.format(path=path, target=target) + more


TABLES = (
    Code(
        "SN500",
        "more faults of the data than are listed",
        "Of the data's faults the first twenty are listed, and the others counted: what ails one row mostly "
        "ails many.",
    ),
    Code(
        "SN501",
        "a data file is not there",
        "A relative path starts from the folder of the document, and is then looked for in the folder that the "
        "environment variable SPECNET_DATA names. `--no-data` checks a document without its data.",
        _csv("flower.csv"),
        _RIGHT,
        files=(_FLOWERS,),
    ),
    Code(
        "SN502",
        "a data file cannot be opened",
        "The path leads to a folder, to a device or a pipe, or to a file that you have no permission to read.",
        _csv("."),
        _RIGHT,
        files=(_FLOWERS,),
    ),
    Code(
        "SN503",
        "a table is not text, or in another encoding",
        "A CSV file is read as UTF-8, or in the `encoding` that the document names. Spreadsheets' own formats "
        "and compressed files have to be exported or unpacked first.",
        _csv("flowers.csv", more='encoding = "utf-16"\n'),
        _RIGHT,
        files=(_FLOWERS,),
    ),
    Code(
        "SN504",
        "a table is not well-formed CSV",
        "A quote is open at the end of the file, or stands within a cell, so that no cell after it can be "
        "trusted. A cell that holds the delimiter or a quote stands in double quotes, and a quote in it is "
        "doubled.",
        _csv("torn.csv"),
        _RIGHT,
        files=(("torn.csv", 'length,width\n5.1,"3.5\n4.9,3.0\n'), _FLOWERS),
    ),
    Code(
        "SN505",
        "a row has too many or too few cells",
        "Which cell belongs to which column can only be told where each row has as many as the header. Decimal "
        "commas and text with unquoted commas are the commonest causes.",
        _csv("torn.csv"),
        _RIGHT,
        files=(("torn.csv", "length,width\n5.1,3.5\n4.9,3,0\n"), _FLOWERS),
    ),
    Code(
        "SN506",
        "there are no rows",
        "The file or the array is empty but for its header, or every row was left out for a missing value.",
        _csv("none.csv"),
        _RIGHT,
        files=(("none.csv", "length,width\n"), _FLOWERS),
    ),
    Code(
        "SN507",
        "a header is missing, or there after all",
        "The first line is taken for the columns' names where `header` is true, which is the default. Numbers "
        "there are data in all likelihood; and with `header = false`, names there are no data.",
        _csv("bare.csv", "1"),
        _csv("bare.csv", "1", "header = false\n"),
        files=(("bare.csv", "5.1,3.5\n4.9,3.0\n"),),
    ),
    Code(
        "SN508",
        "columns share a name, or have none",
        "A column is known by its name. Where two share one, or one has none, it can be named by its place "
        "from 0, or be left out.",
        _csv("twins.csv", '"width"'),
        _csv("twins.csv", "2", "features = [0]\n"),
        files=(("twins.csv", "length,length,width\n5.1,5.0,3.5\n4.9,4.8,3.0\n"),),
    ),
    Code(
        "SN509",
        "a column is not there",
        "No column of the file has the name, or so many columns. Capitals count, and blanks around a name do "
        "not.",
        _csv("flowers.csv", '"Width"'),
        _RIGHT,
        files=(_FLOWERS,),
    ),
    Code(
        "SN510",
        "a column is used twice, or none is left",
        "A column is a feature or a target: the target among the features would be learnt by copying it.",
        _csv("flowers.csv", more='features = ["length", "width"]\n'),
        _csv("flowers.csv", more='features = ["length"]\n'),
        files=(_FLOWERS,),
    ),
    Code(
        "SN511",
        "a value is missing",
        "A cell is empty or holds one of `missing_markers`. What that stands for is for you to say: "
        '`missing = "drop"` leaves such rows out, `missing = "mean"` fills in the training split\'s mean.',
        _csv("gaps.csv"),
        _csv("gaps.csv", more='missing = "drop"\n'),
        files=(("gaps.csv", "length,width\n5.1,3.5\n,3.0\n4.7,3.2\n"),),
    ),
    Code(
        "SN512",
        "text stands among numbers, or a number among texts",
        "A column is numbers or names. A single odd cell is a slip of the pen or another marker of missing "
        "values, and would make names of all numbers.",
        _csv("mixed.csv"),
        _csv("mixed.csv", more='missing_markers = ["none"]\nmissing = "drop"\n'),
        files=(("mixed.csv", "length,width\n5.1,3.5\nnone,3.0\n4.7,3.2\n"),),
    ),
    Code(
        "SN513",
        "a number is not finite",
        "NaN and infinities spread through every sum that they enter: after one step, all parameters are NaN.",
        _csv("endless.csv"),
        _RIGHT,
        files=(("endless.csv", "length,width\n5.1,3.5\ninf,3.0\n"), _FLOWERS),
    ),
    Code(
        "SN514",
        "a category is not in the training file",
        "The categories are those of the training rows; a model has no input, and no output, for another one. "
        '`unknown = "zeros"` lets features pass.',
        _csv("flowers.csv", '"width"', '[data.validation]\npath = "other.csv"\n'),
        _csv("flowers.csv", '"width"', 'unknown = "zeros"\n[data.validation]\npath = "other.csv"\n'),
        files=(_FLOWERS, ("other.csv", "length,width,species\n5.0,3.4,iris\n")),
    ),
    Code(
        "SN515",
        "a column has too many categories",
        "Each category becomes an input of its own. More than `max_categories` are hardly categories, but names "
        "or numbers of rows, from which nothing can be learnt.",
        _csv("flowers.csv", more="max_categories = 1\n"),
        _csv("flowers.csv", more='exclude = ["species"]\n'),
        files=(_FLOWERS,),
    ),
    Code(
        "SN516",
        "one of several targets is text",
        "Several target columns are several numbers to predict. Classes are one column of text.",
        _csv("flowers.csv", '["width", "species"]'),
        _csv("flowers.csv", '["width"]'),
        files=(_FLOWERS,),
    ),
    Code(
        "SN517",
        "a column's settings do not fit it",
        "`[data.columns.NAME]` says how a feature or a target is read. A key that means nothing for the column "
        "would be ignored, and so the column would not be what the document says: `encode` is for categories, "
        "`scale` for numbers, and of a target only `type`, `values` and `missing` can be told.",
        _csv("flowers.csv", more='[data.columns.length]\nencode = "index"\n'),
        _csv("flowers.csv", more='[data.columns.species]\nencode = "index"\n'),
        files=(_FLOWERS,),
    ),
    Code(
        "SN518",
        "a column has a type that cannot be learnt from",
        "Columns of Parquet files and of frames have types. Numbers, text and booleans can be used; dates, lists and "
        "others must be made into such, or left out, since what a number for them would mean is for you to say.",
    ),
    Code(
        "SN519",
        "a Parquet file is damaged, or none",
        "The file was cut off, or is of another kind. Nothing of it is used.",
    ),
)
