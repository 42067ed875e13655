from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, PositiveInt, model_validator

from specnet.data.files import Place, Site
from specnet.data.reader import FilePath, Part, Reader, joined
from specnet.data.signature import Description
from specnet.data.tables.choose import choose, choose_alike
from specnet.data.tables.describe import describe, fit_to_encode, plan
from specnet.data.tables.dialect import Dialect
from specnet.data.tables.explain import explain
from specnet.data.tables.layout import Layout
from specnet.data.tables.scan import Rules, Scan, scan
from specnet.vocabulary.kind import Table, fault

if TYPE_CHECKING:
    from specnet.diagnostics import KeyPath

MARKERS = ("", "?", "NA", "N/A", "NaN", "nan", "null", "NULL")


ColumnName = str | int
Columns = tuple[ColumnName, ...]


class CsvRows(Table):
    """A CSV file with rows of their own, of the same form as the training file."""

    path: FilePath
    """The file; relative to the document, then to $SPECNET_DATA."""


class Csv(Reader):
    """A table in a CSV file: one row an example, one column a feature or a target.

    A column whose cells are all numbers is a number; one whose cells are all text is a category. Categories
    are those of the file that `path` names, before any split is drawn, in alphabetical order (or by size,
    where all are numbers): a category feature becomes a one-hot stretch of inputs, a category target the
    index of its class. Blanks around a cell and blank lines mean nothing.
    """

    type: Literal["csv"] = "csv"
    path: FilePath
    """The file; relative to the document, then to $SPECNET_DATA."""
    target: ColumnName | Columns
    """The column to predict: its name, or its place from 0 (-1 is the last); a list for several numbers."""
    features: Columns | None = None
    """The columns to predict it from, in this order; all others if left out."""
    exclude: Columns = ()
    """Columns that are left out where `features` is not given."""
    categories: Columns = ()
    """Columns whose cells are names even where they look like numbers, such as postcodes."""
    header: bool = True
    """Whether the first line holds the columns' names."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """The character between two cells."""
    encoding: str = "utf-8"
    """The text encoding of the file, by its name in Python."""
    categorical: Literal["one_hot", "index"] = "one_hot"
    """Whether a category feature becomes zeros and a one, or its index as a number."""
    max_categories: PositiveInt = 1000
    """How many categories a feature may have; more are hardly categories but names or numbers of rows."""
    unknown: Literal["refuse", "zeros"] = "refuse"
    """What becomes of a feature's category that the training file does not have: an error, or all zeros."""
    missing: Literal["refuse", "drop", "mean"] = "refuse"
    """What becomes of cells without a value: an error; the row is left out; or a feature gets the training
    split's mean, a category its most frequent one (a target must still be there)."""
    missing_markers: tuple[str, ...] = MARKERS
    """The cells that mean that there is no value."""
    replace: dict[str, str] = {}  # noqa: RUF012 - pydantic copies it for each table
    """Cells that are read as another text, such as a second spelling of a class."""
    validation: CsvRows | None = None
    """A file of the rows that the training is judged by while it runs."""
    test: CsvRows | None = None
    """A file of the rows that the finished model is tested on."""

    @model_validator(mode="after")
    def _sound(self) -> Csv:
        if self.delimiter in '"\r\n':
            message = "`delimiter` cannot be a quote or the end of a line"
            raise fault(message, key="delimiter")
        if self.unknown == "zeros" and self.categorical == "index":
            message = '`unknown = "zeros"` has a meaning for one-hot categories only: an index has no zeros'
            raise fault(message, key="unknown")
        if self.features is not None and self.exclude:
            message = "`exclude` has a meaning only where `features` is not given"
            raise fault(message, key="exclude")
        try:
            text_encoding = codecs.lookup(self.encoding)._is_text_encoding  # noqa: SLF001 - as open() asks
        except (LookupError, ValueError):
            text_encoding = False
        if not text_encoding:
            message = f"`{self.encoding}` is not a text encoding that Python knows, such as utf-8 or latin-1"
            raise fault(message, key="encoding")
        return self

    @property
    def dialect(self) -> Dialect:
        """How the file's text is to be understood."""
        return Dialect(
            self.delimiter, self.encoding, self.header, frozenset(self.missing_markers), self.replace
        )

    def open(self, site: Site) -> CsvSource | None:
        """Return the columns, read and checked."""
        main = self._scanned(self.path, ("path",), None, site)
        if main is None:
            return None
        layout, train = main
        if not fit_to_encode(self, layout, train, site):
            return None
        scans = {"train": train}
        layouts = {"train": layout}
        for name, table in self.tables.items():
            part = self._scanned(table.path, (name, "path"), main, site)
            if part is not None:
                layouts[name], scans[name] = part
        if len(scans) <= len(self.tables):
            return None
        parts = {name: describe(self, layouts[name], found) for name, found in scans.items()}
        return CsvSource(plan(self, layout, train), layouts, scans, joined(parts, site))

    def _scanned(
        self, text: str, key: KeyPath, main: tuple[Layout, Scan] | None, site: Site
    ) -> tuple[Layout, Scan] | None:
        path = site.find(text, *key)
        if path is None:
            return None
        place, dialect = Place(path, text, key, site), self.dialect
        layout = choose(self, place) if main is None else choose_alike(self, place, main[0])
        if layout is None:
            return None
        # A training file's column by its name is the same column in a file with another order.
        known = None if main is None else {column.name: column for column in main[1].columns.values()}
        drop = self.missing == "drop"
        rules = Rules(
            known=None if known is None else {i: known[layout.names[i]] for i in layout.used},
            drop=drop,
            zeros=self.unknown == "zeros",
            optional=frozenset(layout.used if drop else layout.features if self.missing == "mean" else ()),
        )
        found = scan(place, dialect, layout, rules)
        if found is None:
            return None
        before = len(site.faults.found)
        if found.faulty or not rules.optional.issuperset(found.missing):
            explain(place, dialect, layout, rules)
        elif not found.rows:
            dropped = ": every row has a missing value" if drop else ""
            site.faults.add("SN506", f"`{text}` has no rows of data{dropped}", *key)
        return (layout, found) if len(site.faults.found) == before else None


@dataclass
class CsvSource:
    """Tables that were read and checked."""

    plan: dict[str, Any]
    layouts: dict[str, Layout]
    scans: dict[str, Scan]
    description: Description

    def read(self, seed: int) -> dict[str, Part]:
        """Return the columns as rows; one-hot stretches are made only when rows are taken."""
        from specnet.data.tables.columns import TableRows, targets

        del seed
        integers = self.description.class_count is not None
        parts = {}
        for name, found in self.scans.items():
            layout = self.layouts[name]
            rows = TableRows(self.plan, [found.columns[i].values for i in layout.features])
            parts[name] = Part(
                rows, targets([found.columns[i] for i in layout.targets], integers, self.single)
            )
        return parts

    @property
    def single(self) -> bool:
        """Whether a target is one number, not a list."""
        return not self.description.target

    def columns(self) -> dict[str, Any] | None:
        """Return how the columns become inputs, as plain data."""
        return self.plan
