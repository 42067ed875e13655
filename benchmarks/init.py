"""What `specnet init` writes, as a first model, beside scikit-learn's usual models, on public tables.

For each of five seeds a table is cut into rows to learn from and rows held out. `specnet init` reads the first as a CSV
file, and its document is trained as it is, except that its own test split is not held out of them: the validation split
that it stops by still is. The others learn from all of those rows, with standardized numbers and one-hot categories of
the columns that `init` uses. All are judged by the rows held out: by accuracy, or by the root mean squared error.

    SPECNET_DATA=... python benchmarks/init.py
    SPECNET_DATA=... python benchmarks/init.py --only adult      # one table
    SPECNET_DATA=... python benchmarks/init.py --split 0         # one split in all rounds: how the seeds differ

The column t is the mean of the differences from the linear model, by their standard error. It exits with 1 if specnet
is worse by more than chance makes it once in forty times, with five differences: a t below -2.78.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tables import TABLES, BenchmarkTable, data_folder

import specnet
from specnet.data.formats.csv.survey import survey
from specnet.reporting.drafting import Draft, draft

SEEDS = range(5)
CRITICAL = 2.776
"""The 97.5 % quantile of Student's t with four degrees of freedom."""
PEERS = ("linear", "MLP", "boosting")
HEAD = """\
| table | rows | figure | specnet init | linear | MLP | boosting | seed 0 | t | epochs | s |
| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"""
HEAD_OF_SEEDS = """\
| table | figure | specnet init | linear | seed 0 | 1 | 2 | 3 | 4 |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"""
MANY = 5000
"""From so many rows on, scikit-learn's MLP stops early."""


@dataclass
class Measured:
    """The figures of each model on the held-out rows, a figure a seed."""

    classes: bool
    rows: int
    peers: tuple[str, ...]
    scores: dict[str, list[float]] = field(default_factory=dict)
    errors: list[float] = field(default_factory=list)
    """The standard errors, over the held-out rows, of specnet's score minus the linear model's."""
    epochs: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def figure(self) -> str:
        return "accuracy" if self.classes else "RMSE"

    def score(self, losses: np.ndarray) -> float:
        return float(1 - losses.mean()) if self.classes else float(np.sqrt(losses.mean()))

    @property
    def differences(self) -> np.ndarray:
        """By how much specnet is better than the linear model."""
        ours, theirs = (np.array(self.scores[name]) for name in ("specnet", "linear"))
        return ours - theirs if self.classes else theirs - ours

    @property
    def t(self) -> float:
        """The mean difference by its standard error: that of the rounds, or of the held-out rows if that is larger."""
        found = self.differences
        error = max(found.std(ddof=1), float(np.mean(self.errors))) / np.sqrt(len(found))
        return float(found.mean() / error) if error else 0.0


def measure(table: BenchmarkTable, folder: Path, split: int | None) -> Measured:
    measured: Measured | None = None
    peers = PEERS if split is None else PEERS[:1]
    for seed in SEEDS:
        learnt, held_out = table.split(folder, seed if split is None else split)
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "table.csv"
            path.write_text(learnt.text, encoding="utf-8")
            made = draft(survey(path), table.target, path.with_suffix(".toml"))
            measured = measured or Measured(made.task == "classes", len(learnt.records), peers)
            _round(measured, made, path.with_suffix(".toml"), learnt.frame, held_out.frame, seed)
    assert measured is not None
    return measured


def _round(
    measured: Measured, made: Draft, document: Path, learnt: pd.DataFrame, held_out: pd.DataFrame, seed: int
) -> None:
    (target,) = (use.column.place for use in made.uses if use.role == "target")
    truth = held_out.iloc[:, target].to_numpy(str)
    started = time.perf_counter()
    losses = {"specnet": _losses(*_specnet(made, document, held_out, seed, measured), truth)}
    measured.seconds.append(time.perf_counter() - started)
    for name in measured.peers:
        losses[name] = _losses(*_peer(name, made, learnt, held_out, target, seed), truth)
    for name, loss in losses.items():
        measured.scores.setdefault(name, []).append(measured.score(loss))
    difference = losses["specnet"] - losses["linear"]
    # The difference of two roots is that of the squares by the sum of the roots.
    scale = 1.0 if measured.classes else measured.scores["specnet"][-1] + measured.scores["linear"][-1]
    measured.errors.append(float(difference.std(ddof=1) / np.sqrt(len(difference)) / scale))


def _specnet(
    made: Draft, document: Path, held_out: pd.DataFrame, seed: int, measured: Measured
) -> tuple[np.ndarray, list[str] | None]:
    lines = [line for line in made.text.splitlines() if not line.startswith("test       =")]
    document.write_text("\n".join(lines) + "\n", encoding="utf-8")
    result = specnet.run(specnet.load(document, overrides={"seed": seed}))
    measured.epochs.append(result.epochs)
    used = [use.column.place for use in made.uses if use.role == "input"]
    predicted = np.asarray(result.model.predict(held_out.iloc[:, used].to_numpy(object).tolist()))
    if made.classes is None:
        return predicted.ravel(), None
    return predicted, list(result.model.classes or map(str, range(made.classes)))


def _peer(
    name: str, made: Draft, learnt: pd.DataFrame, held_out: pd.DataFrame, target: int, seed: int
) -> tuple[np.ndarray, list[str] | None]:
    inputs = [use.column for use in made.uses if use.role == "input"]
    markers = ["", "?", "NA", "N/A", "NaN", "nan", *{text for column in inputs for text in column.markers}]
    numbers = [str(column.place) for column in inputs if column.numeric]
    names = [str(column.place) for column in inputs if not column.numeric]
    data = []
    for frame in (learnt, held_out):
        clean = frame.set_axis(map(str, range(frame.shape[1])), axis=1)[numbers + names].replace(
            markers, np.nan
        )
        data.append(clean.astype(dict.fromkeys(numbers, float)))
    labels = learnt.iloc[:, target]
    has_target = ~labels.isin(markers).to_numpy()
    data[0], labels = data[0][has_target], labels[has_target]
    features = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        (
            make_pipeline(
                SimpleImputer(strategy="most_frequent"),
                OneHotEncoder(handle_unknown="ignore", sparse_output=False),
            ),
            names,
        ),
    )
    early = len(labels) >= MANY
    if made.classes is not None:
        model = {
            "linear": LogisticRegression(max_iter=2000),
            "MLP": MLPClassifier(random_state=seed, early_stopping=early),
            "boosting": HistGradientBoostingClassifier(random_state=seed),
        }[name]
        fitted = make_pipeline(features, model).fit(data[0], labels.to_numpy(str))
        return fitted.predict_proba(data[1]), list(fitted.classes_)
    model = {
        "linear": Ridge(),
        "MLP": MLPRegressor(random_state=seed, early_stopping=early),
        "boosting": HistGradientBoostingRegressor(random_state=seed),
    }[name]
    y = labels.to_numpy(float)
    mean, spread = y.mean(), y.std()
    fitted = make_pipeline(features, model).fit(data[0], (y - mean) / spread)
    return fitted.predict(data[1]) * spread + mean, None


def _losses(predicted: np.ndarray, classes: list[str] | None, truth: np.ndarray) -> np.ndarray:
    """Return for each held-out row whether its class is wrong, or the square of its error."""
    if classes is None:
        return (predicted - truth.astype(float)) ** 2
    chosen = np.array(classes)[predicted.argmax(axis=1)]
    return (chosen != truth).astype(float)


def row(name: str, found: Measured) -> str:
    cells = [
        f"{np.mean(scores):.3g} ± {max(np.std(scores, ddof=1), 0.0):.2g}" for scores in found.scores.values()
    ]
    cells = [cell if float(cell.split()[-1]) > 1e-9 else cell.split()[0] for cell in cells]
    ours = found.scores["specnet"]
    if len(cells) < len(PEERS):
        return f"| {name} | {found.figure} | {' | '.join(cells)} | {' | '.join(f'{score:.3g}' for score in ours)} |"
    return (
        f"| {name} | {found.rows:,} | {found.figure} | {' | '.join(cells)} | {ours[0]:.3g} | {found.t:+.1f} "
        f"| {int(np.median(found.epochs))} | {np.mean(found.seconds):.1f} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", metavar="NAME", action="append", choices=TABLES, help="a table; may be repeated"
    )
    parser.add_argument("--split", type=int, help="hold out the rows of this seed in all rounds")
    options = parser.parse_args()
    folder, worse = data_folder(), []
    print(HEAD if options.split is None else HEAD_OF_SEEDS)
    for name in options.only or TABLES:
        if not (folder / TABLES[name].path).exists():
            print(f"{name} is not in {folder}", file=sys.stderr)
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = measure(TABLES[name], folder, options.split)
        print(row(name, found), flush=True)
        if options.split is None and found.t < -CRITICAL:
            worse.append(name)
    if worse:
        print(f"worse than the linear model: {', '.join(worse)}", file=sys.stderr)
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
