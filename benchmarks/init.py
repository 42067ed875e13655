"""Whether the first run of what `specnet init` writes beats scikit-learn's linear models, on three tables.

Both learn from the same rows and are judged by the same test split; scikit-learn also gets the rows that
specnet keeps for early stopping. Its features are specnet's: standardized numbers and one-hot categories.

    python benchmarks/init.py FOLDER     # with adult/, wine-quality/ and california-housing/ in it
"""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression

import specnet
from specnet.data import load_data
from specnet.data.formats.csv.survey import survey
from specnet.reporting.drafting import draft

TABLES = {
    "adult": ("adult/adult-train.csv", None),
    "red wine": ("wine-quality/winequality-red.csv", None),
    "white wine": ("wine-quality/winequality-white.csv", None),
    "housing": ("california-housing/housing.csv", "median_house_value"),
}


def measure(table: Path, target: str | None, folder: Path) -> dict[str, object]:
    document = folder / f"{table.stem}.toml"
    document.write_text(draft(survey(table), target, document).text)
    spec = specnet.load(document)
    data = load_data(spec.data, spec.folder, seed=spec.seed, dtype="float64")
    train = [data.splits[name] for name in ("train", "validation")]
    x, t = (np.concatenate([getattr(split, what) for split in train]) for what in ("inputs", "targets"))
    test = data.splits["test"]
    classes = spec.loss.type == "cross_entropy"
    peer = (LogisticRegression(max_iter=2000) if classes else LinearRegression()).fit(x, t)
    figure = "accuracy" if classes else "r2"
    result = specnet.run(spec)
    mine, theirs = result.splits["test"][figure], peer.score(test.inputs, test.targets)
    return {
        "figure": figure,
        "specnet": round(mine, 4),
        "scikit-learn": round(theirs, 4),
        "rows": len(test),
        "seconds": round(result.seconds, 1),
        "epochs": result.epochs,
        "better": bool(mine > theirs),
    }


def main(data: Path) -> int:
    found = {}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, (path, target) in TABLES.items():
            found[name] = measure((data / path).resolve(), target, Path(folder))
            print(name, json.dumps(found[name]), flush=True)
    return 0 if all(entry["better"] for entry in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
