"""The public tables that first models are measured on, each cut into rows to learn from and rows held out.

They are read from `$SPECNET_DATA`. Rows are kept as their lines stand in the file, so that `specnet init` reads what
people have.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

HELD_OUT = 0.2
"""The share of the rows that is held out, where no split is published."""


@dataclass(frozen=True)
class Lines:
    """The records of a table as they stand in its file, and its header."""

    header: str | None
    records: list[str]

    @property
    def text(self) -> str:
        head = [] if self.header is None else [self.header]
        return "\n".join([*head, *self.records]) + "\n"

    def taken(self, rows: np.ndarray) -> Lines:
        return Lines(self.header, [self.records[i] for i in rows])

    @property
    def frame(self) -> pd.DataFrame:
        """The cells as strings, in columns called as specnet calls them: by position where there is no header."""
        cells = [_cells(record) for record in self.records]
        names = [str(i) for i in range(len(cells[0]))] if self.header is None else _cells(self.header)
        return pd.DataFrame(cells, columns=names, dtype=object)


@dataclass(frozen=True)
class BenchmarkTable:
    """Where a table is, what is predicted, and which rows are held out for a seed."""

    path: str
    target: str | None = None
    """The column's name; the last column if there is none."""
    header: bool = False
    held_out: Callable[[Path, Lines, int], tuple[Lines, Lines]] | None = None
    """Return the rows to learn from and those held out, as published; by default a fifth is drawn by the seed."""

    def split(self, folder: Path, seed: int) -> tuple[Lines, Lines]:
        path = folder / self.path
        lines = read(path, header=self.header)
        if self.held_out is not None:
            return self.held_out(path, lines, seed)
        labels = lines.frame[self.target] if self.target else lines.frame.iloc[:, -1]
        counts = labels.value_counts()
        kinds = labels if len(counts) <= 20 and counts.min() >= 5 else None
        rows = np.arange(len(lines.records))
        train, test = train_test_split(rows, test_size=HELD_OUT, random_state=seed, stratify=kinds)
        return lines.taken(np.sort(train)), lines.taken(np.sort(test))


def read(path: Path, *, header: bool) -> Lines:
    records = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return Lines(records[0], records[1:]) if header else Lines(None, records)


def _cells(record: str) -> list[str]:
    if "," not in record:
        return record.split()
    return [cell.strip() for cell in next(csv.reader([record], skipinitialspace=True))]


def _adult(path: Path, lines: Lines, _seed: int) -> tuple[Lines, Lines]:
    """Take the published test file, whose labels end in a full stop."""
    test = read(path.with_name("adult-test.csv"), header=False)
    return lines, Lines(None, [record.rstrip(".") for record in test.records])


def _published(path: Path, lines: Lines, seed: int) -> tuple[Lines, Lines]:
    """Take the split of that number among the twenty that Hernández-Lobato and Adams (2015) published."""
    train, test = (
        np.loadtxt(path.with_name(f"index_{part}_{seed}.txt"), dtype=int, ndmin=1)
        for part in ("train", "test")
    )
    return lines.taken(train), lines.taken(test)


TABLES = {
    "iris": BenchmarkTable("iris/iris.csv"),
    "wheat seeds": BenchmarkTable("tables/wheat-seeds.csv"),
    "sonar": BenchmarkTable("tables/sonar.csv"),
    "ionosphere": BenchmarkTable("tables/ionosphere.csv"),
    "ecoli": BenchmarkTable("tables/ecoli.csv"),
    "penguins": BenchmarkTable("tables/penguins.csv", "species", header=True),
    "diabetes": BenchmarkTable("tables/pima-indians-diabetes.csv"),
    "titanic": BenchmarkTable("tables/titanic.csv", "survived", header=True),
    "banknotes": BenchmarkTable("tables/banknote_authentication.csv"),
    "phoneme": BenchmarkTable("tables/phoneme.csv"),
    "mammography": BenchmarkTable("tables/mammography.csv"),
    "adult": BenchmarkTable("adult/adult-train.csv", held_out=_adult),
    "tips": BenchmarkTable("tables/tips.csv", "tip", header=True),
    "yacht": BenchmarkTable("uci-regression/yacht/data.txt", held_out=_published),
    "mpg": BenchmarkTable("tables/mpg.csv", "mpg", header=True),
    "boston": BenchmarkTable("uci-regression/bostonHousing/data.txt", held_out=_published),
    "energy": BenchmarkTable("uci-regression/energy/data.txt", held_out=_published),
    "concrete": BenchmarkTable("uci-regression/concrete/data.txt", held_out=_published),
    "red wine": BenchmarkTable("wine-quality/winequality-red.csv"),
    "abalone": BenchmarkTable("tables/abalone.csv"),
    "white wine": BenchmarkTable("wine-quality/winequality-white.csv"),
    "housing": BenchmarkTable("california-housing/housing.csv", "median_house_value", header=True),
    "diamonds": BenchmarkTable("tables/diamonds.csv", "price", header=True),
}


def data_folder() -> Path:
    return Path(os.environ.get("SPECNET_DATA", ".")).resolve()
