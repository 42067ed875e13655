"""The public tables that models of tables are measured on, each cut into rows to learn from and rows held out.

They are read from `$SPECNET_DATA`, or come with scikit-learn. Rows are kept as their lines stand in the file, so that
`specnet init` reads what people have.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.model_selection import train_test_split

HELD_OUT = 0.2
"""The share of the rows that is held out, where no split is published."""

LEARNT = 10_000
"""So many rows are learnt from at the most, drawn by the seed of the split."""

MARKERS = ("", "?", "NA", "N/A", "NaN", "nan")
"""Cells without a value."""


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

    source: str | Callable[[], Any]
    """A path in the folder of data, or a function of scikit-learn that loads it."""
    target: str | None = None
    """The column's name; the last column if there is none."""
    header: bool = False
    classes: bool = True
    leaks: tuple[str, ...] = ()
    """Columns that are the target in other words, which `specnet init` has to find out."""
    held_out: Callable[[Path, Lines, int], tuple[Lines, Lines]] | None = None
    """Return the rows to learn from and those held out, as published; by default a fifth is drawn by the seed."""

    def is_in(self, folder: Path) -> bool:
        return callable(self.source) or (folder / self.source).exists()

    def split(self, folder: Path, seed: int) -> tuple[Lines, Lines]:
        source = self.source
        lines = _loaded(source) if callable(source) else read(folder / source, header=self.header)
        if self.held_out is not None:
            learnt, held_out = self.held_out(folder / str(self.source), lines, seed)
        else:
            labels = lines.frame[self.target] if self.target else lines.frame.iloc[:, -1]
            kinds = labels if self.classes and labels.value_counts().min() >= 5 else None
            rows = np.arange(len(lines.records))
            train, test = train_test_split(rows, test_size=HELD_OUT, random_state=seed, stratify=kinds)
            learnt, held_out = lines.taken(np.sort(train)), lines.taken(np.sort(test))
        if len(learnt.records) > LEARNT:
            drawn = np.random.default_rng(seed).choice(len(learnt.records), LEARNT, replace=False)
            learnt = learnt.taken(np.sort(drawn))
        return learnt, held_out

    def rows(self, learnt: Lines, held_out: Lines) -> tuple[Rows, Rows]:
        """Return both parts as columns of numbers and of categories, as the peers take them."""
        frames = [part.frame.replace(dict.fromkeys(MARKERS, None)) for part in (learnt, held_out)]
        target = self.target or str(frames[0].columns[-1])
        frames = [frame[frame[target].notna()] for frame in frames]
        inputs: list[dict[str, Any]] = [{}, {}]
        for name in frames[0].columns.drop([target, *self.leaks]):
            first = frames[0][name]
            try:
                first.astype(float)
            except ValueError:
                if (
                    first.nunique() > len(first) / 4
                ):  # names and other text, which says nothing about new rows
                    continue
                kinds = sorted({*first.dropna(), "missing"})
                for part, frame in zip(inputs, frames, strict=True):
                    known = frame[name].where(frame[name].isin(kinds), "missing")
                    part[name] = pd.Categorical(known, categories=kinds)
            else:
                for part, frame in zip(inputs, frames, strict=True):
                    part[name] = frame[name].astype(float).to_numpy()
        truths = [frame[target].to_numpy(str if self.classes else float) for frame in frames]
        train, test = (
            Rows(pd.DataFrame(part).rename(columns=str), truth)
            for part, truth in zip(inputs, truths, strict=True)
        )
        return train, test


@dataclass(frozen=True)
class Rows:
    """Inputs, numbers as float64 (NaN without a value) and categories as such; and the targets."""

    inputs: pd.DataFrame
    targets: np.ndarray

    @property
    def numbers(self) -> list[str]:
        return [name for name in self.inputs if self.inputs[name].dtype == float]

    @property
    def categories(self) -> list[str]:
        return [name for name in self.inputs if self.inputs[name].dtype != float]


def read(path: Path, *, header: bool) -> Lines:
    records = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return Lines(records[0], records[1:]) if header else Lines(None, records)


def _loaded(load: Callable[..., Any]) -> Lines:
    inputs, targets = load(return_X_y=True)
    rows = zip(inputs.tolist(), targets, strict=True)
    return Lines(None, [",".join([*map(repr, row), str(label)]) for row, label in rows])


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
        np.loadtxt(path.with_name(f"index_{part}_{seed % 20}.txt"), dtype=int, ndmin=1)
        for part in ("train", "test")
    )
    return lines.taken(train), lines.taken(test)


def _uci(name: str) -> BenchmarkTable:
    return BenchmarkTable(f"uci-regression/{name}/data.txt", classes=False, held_out=_published)


TABLES = {
    "iris": BenchmarkTable("iris/iris.csv"),
    "wine": BenchmarkTable(datasets.load_wine),
    "sonar": BenchmarkTable("tables/sonar.csv"),
    "wheat seeds": BenchmarkTable("tables/wheat-seeds.csv"),
    "ecoli": BenchmarkTable("tables/ecoli.csv"),
    "penguins": BenchmarkTable("tables/penguins.csv", "species", header=True),
    "ionosphere": BenchmarkTable("tables/ionosphere.csv"),
    "breast cancer": BenchmarkTable(datasets.load_breast_cancer),
    "pima": BenchmarkTable("tables/pima-indians-diabetes.csv"),
    "titanic": BenchmarkTable("tables/titanic.csv", "survived", header=True, leaks=("alive",)),
    "banknotes": BenchmarkTable("tables/banknote_authentication.csv"),
    "digits": BenchmarkTable(datasets.load_digits),
    "phoneme": BenchmarkTable("tables/phoneme.csv"),
    "mammography": BenchmarkTable("tables/mammography.csv"),
    "adult": BenchmarkTable("adult/adult-train.csv", held_out=_adult),
    "tips": BenchmarkTable("tables/tips.csv", "tip", header=True, classes=False),
    "yacht": _uci("yacht"),
    "mpg": BenchmarkTable("tables/mpg.csv", "mpg", header=True, classes=False),
    "diabetes": BenchmarkTable(datasets.load_diabetes, classes=False),
    "boston": _uci("bostonHousing"),
    "energy": _uci("energy"),
    "concrete": _uci("concrete"),
    "red wine": BenchmarkTable("wine-quality/winequality-red.csv", classes=False),
    "abalone": BenchmarkTable("tables/abalone.csv", classes=False),
    "white wine": BenchmarkTable("wine-quality/winequality-white.csv", classes=False),
    "housing": BenchmarkTable(
        "california-housing/housing.csv", "median_house_value", header=True, classes=False
    ),
    "diamonds": BenchmarkTable("tables/diamonds.csv", "price", header=True, classes=False),
}
"""Those of classes, then those of numbers, each from few rows to many."""


def data_folder() -> Path:
    return Path(os.environ.get("SPECNET_DATA", ".")).resolve()
