"""How well networks say what they do not know: four tables of UCI in the 20 splits that papers compare.

Each network predicts a mean and a variance (`gaussian_nll`). Published are root mean squared errors and log-likelihoods
on held-out rows, both in the units of the target, as means over the splits that Hernández-Lobato and Adams (2015) drew.
Measured are one network (the mean over five runs with seeds of their own), these runs as they predict as one
(`specnet.load_run`), and one run of an `ensemble` of five.

    SPECNET_DATA=... python benchmarks/uci.py                     # a quarter of an hour on one core
    SPECNET_DATA=... python benchmarks/uci.py --only yacht        # one table; may be repeated
    SPECNET_DATA=... python benchmarks/uci.py --validation        # on a tenth of the training rows: no test row is read

The settings of each table were chosen on rows that the last of these holds out. What is in `uci.json` beside this file
is not computed again unless its document has changed; `--again` does so. It exits with 1 if one network is worse than
published.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import specnet

KEPT = Path(__file__).with_name("uci.json")
SEEDS = 5
"""Runs that predict as one, and members of an ensemble."""
WAYS = ("network", "seeds", "ensemble")
MEASURED = ("seeds", "ensemble")
HEAD = """\
| table | rows | RMSE: published | one network | 5 seeds | ensemble | log-likelihood: published | one network \
| 5 seeds | ensemble | mixture of 5 seeds | s |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"""


@dataclass(frozen=True)
class UciTable:
    """Where a table is, what was published of it, and the settings of its document."""

    folder: str
    rmse: float
    log_likelihood: float
    """The means over the splits of dropout with tuned rates, as published with the splits."""
    epsilon: float
    """The minimum variance, where that of all targets is 1: without one, the variance of training rows vanishes."""
    dropout: float
    training: dict[str, Any]
    activation: str = "relu"

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        folder = self.place()
        table = np.loadtxt(folder / "data.txt")
        features, target = (
            np.loadtxt(folder / f"index_{what}.txt", dtype=int) for what in ("features", "target")
        )
        return table[:, features], table[:, int(target)]

    def place(self) -> Path:
        return Path(os.environ.get("SPECNET_DATA", ".")) / "uci-regression" / self.folder

    def split(self, number: int, *, validation: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows to learn from and those to predict; for `validation`, a tenth of the former."""
        place = self.place()
        train = np.loadtxt(place / f"index_train_{number}.txt", dtype=int)
        if not validation:
            return train, np.loadtxt(place / f"index_test_{number}.txt", dtype=int)
        drawn = np.random.default_rng(number).permutation(train)
        return drawn[len(drawn) // 10 :], drawn[: len(drawn) // 10]

    def document(self, seed: int, members: int | None = None) -> dict[str, Any]:
        hidden = [{"type": "dense", "units": 100, "activation": self.activation}]
        hidden += [{"type": "dropout", "rate": self.dropout}] if self.dropout else []
        layers = [*hidden, *hidden, {"type": "dense", "units": 2}]
        return {
            "specnet": 1,
            "name": "uci",
            "seed": seed,
            "data": {
                "type": "arrays",
                "transforms": [{"type": "standardize", "on": on} for on in ("inputs", "targets")],
            },
            "loss": {"type": "gaussian_nll", "full": True, "epsilon": self.epsilon},
            "metrics": ["rmse"],
            "layers": layers
            if members is None
            else [{"type": "ensemble", "members": members, "layers": layers}],
            "training": self.training,
        }


def averaged(epochs: int, batch_size: int, rate: float, decay: float, ema: float) -> dict[str, Any]:
    """Return a training whose model is a mean of the parameters over its last steps."""
    optimizer = {"type": "adamw", "learning_rate": rate, "weight_decay": decay}
    return {"epochs": epochs, "batch_size": batch_size, "ema_decay": ema, "optimizer": optimizer}


TABLES = {
    "boston": UciTable(
        "bostonHousing", 2.90, -2.40, 0.1, 0.15, averaged(200, 32, 1e-2, 0.1, 0.995), activation="gelu"
    ),
    "concrete": UciTable(
        "concrete", 4.82, -2.93, 0.05, 0.1, {**averaged(250, 32, 3e-3, 0.05, 0.99), "schedule": "cosine"}
    ),
    "energy": UciTable("energy", 0.54, -1.21, 1e-3, 0.0, averaged(200, 32, 1e-2, 0.05, 0.995)),
    "yacht": UciTable(
        "yacht", 0.67, -1.25, 4e-3, 0.0, {**averaged(300, 16, 1e-2, 0.1, 0.99), "schedule": "cosine"}
    ),
}


def measure(table: UciTable, number: int, way: str, *, validation: bool) -> list[float]:
    """Return RMSE, log-likelihood, and the seconds of the training, of one way on one split.

    Of several runs, the log-likelihood of the mixture of their distributions follows, with the means over the runs of
    RMSE and log-likelihood of each by itself.
    """
    x, y = table.arrays()
    train, held_out = table.split(number, validation=validation)
    learnt = (x[train], y[train])
    started = perf_counter()
    if way == "seeds":
        with tempfile.TemporaryDirectory() as folder:
            runs = [Path(folder) / str(seed) for seed in range(SEEDS)]
            for seed, run in enumerate(runs):
                specnet.run(table.document(seed), data=learnt, out=run)
            model = specnet.load_run(runs)
    else:
        model = specnet.run(table.document(0, SEEDS if way == "ensemble" else None), data=learnt).model
    seconds = perf_counter() - started
    result = model.evaluate(x[held_out], y[held_out])
    figures = result.splits["data"]
    # The density of the target is that of the standardized one by its standard deviation.
    scale = float(np.log(y[train].std()))
    found = [figures["rmse"], -figures["loss"] - scale, seconds]
    if way == "seeds":
        target = (y[held_out] - y[train].mean()) / y[train].std()
        found.append(mixture(model.models, x[held_out], target, table.epsilon) - scale)
        means = result.members["data"].mean
        found += [means["rmse"], -means["loss"] - scale]
    return found


def mixture(models: list[Any], x: np.ndarray, target: np.ndarray, epsilon: float) -> float:
    """Return the mean log-likelihood of standardized targets under the mixture of what networks predict."""
    each = []
    for model in models:
        mean, logs = np.asarray(model.outputs_of("dense_3", x), np.float64).T
        variance = np.exp(logs) + epsilon
        each.append(-(np.log(2.0 * np.pi * variance) + np.square(target - mean) / variance) / 2.0)
    return float((np.logaddexp.reduce(each, axis=0) - np.log(len(each))).mean())


def row(name: str, table: UciTable, found: dict[str, list[list[float]]]) -> str:
    cells = [name, f"{len(table.arrays()[1]):,}"]
    for n, published in enumerate((table.rmse, table.log_likelihood)):
        cells.append(f"{published:.2f}")
        for way in WAYS:
            own = np.array([each[n] for each in found[way]])
            error = own.std(ddof=1) / np.sqrt(len(own)) if len(own) > 1 else 0.0
            cells.append(f"{own.mean():.2f} ± {error:.2f}")
    cells.append(f"{np.mean([each[3] for each in found['seeds']]):.2f}")
    cells.append(f"{np.median([each[2] for each in found['network']]):.1f}")
    return f"| {' | '.join(cells)} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", metavar="NAME", action="append", choices=TABLES, help="a table; may be repeated"
    )
    parser.add_argument("--splits", type=int, default=20, help="how many of the splits, from the first on")
    parser.add_argument(
        "--validation", action="store_true", help="hold out a tenth of the training rows instead"
    )
    parser.add_argument("--again", action="store_true", help="compute what is kept again")
    options = parser.parse_args()
    kept = json.loads(KEPT.read_text()) if KEPT.exists() and not options.validation else {}
    print(HEAD, flush=True)
    worse = []
    for name in options.only or TABLES:
        table, found = TABLES[name], dict[str, list[list[float]]]()
        document = json.dumps(table.document(0))
        if options.again or kept.get(name, {}).get("document") != document:
            kept[name] = {"document": document, "version": specnet.__version__}
        for way in MEASURED:
            own = kept[name].setdefault(way, {})
            for number in range(options.splits):
                if str(number) not in own:
                    own[str(number)] = measure(table, number, way, validation=options.validation)
                    if not options.validation:
                        KEPT.write_text(json.dumps(kept, indent=1) + "\n")
            found[way] = [own[str(number)] for number in range(options.splits)]
        found["network"] = [[rmse, likelihood, own[2] / SEEDS] for *own, rmse, likelihood in found["seeds"]]
        print(row(name, table, found), flush=True)
        means = np.mean(found["network"], axis=0)
        if means[0] > table.rmse or means[1] < table.log_likelihood:
            worse.append(name)
    if worse:
        print(f"one network is worse than published: {', '.join(worse)}", file=sys.stderr)
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
