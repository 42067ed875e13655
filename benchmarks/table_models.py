"""specnet's models of tables: what `specnet init` writes, and RealMLP of specs/zoo with the columns that it uses."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import specnet
from benchmarks.public_tables import BenchmarkTable
from specnet.data.formats.csv.survey import survey
from specnet.reporting.drafting import Draft, draft

ZOO = Path(__file__).parents[1] / "specs" / "zoo"

Document = dict[str, Any]


def _written(made: Draft) -> Document:
    """Return what `init` writes, without the test split that it holds out."""
    document = tomllib.loads(made.text)
    document["data"].get("split", {}).pop("test", None)
    return document


def _realmlp(made: Draft) -> Document:
    """Return RealMLP for the columns that `init` uses, as the comments of its document say."""
    own, zoo = _written(made), tomllib.loads((ZOO / "realmlp.toml").read_text(encoding="utf-8"))
    classes = made.classes
    data = own["data"] | {"transforms": [{"type": "robust_scale"}, {"type": "smooth_clip"}]}
    data.pop("scale", None)
    layers, training = zoo["layers"], zoo["training"]
    layers[-1]["units"] = classes or 1
    document = own | {"data": data, "layers": layers, "training": training}
    if classes is not None:
        return document | {"loss": zoo["loss"]}
    data["transforms"].append({"type": "standardize", "on": "targets"})
    layers[2]["layers"][1]["activation"] = "mish"
    training["optimizer"]["learning_rate"] = 0.2
    training["early_stopping"]["monitor"] = "validation.loss"
    return document


MODELS: dict[str, tuple[str, Callable[[Draft], Document]]] = {
    "init": ("quick", _written),
    "best": ("best", _written),
    "zoo RealMLP": ("quick", _realmlp),
}
"""The style of `init`, and what is made of its document."""


def _import() -> None:
    """Import what a training needs, so that imports are not measured."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "table.csv"
        path.write_text("x,y\n" + "".join(f"{n % 7}.5,{'ab'[n % 2]}\n" for n in range(100)), encoding="utf-8")
        made = draft(survey(path), None, path.with_suffix(".toml"))
        document = _written(made)
        document["data"]["path"], document["training"]["epochs"] = str(path), 1
        specnet.run(document, threads=1).model.predict([["2.5"]])


def specnet_task(name: str) -> Callable[[BenchmarkTable, Path, int], dict[str, float]]:
    """Return what gives the score of a model.

    `specnet init` reads the rows to learn from as a CSV file. Its document is trained as it is, except that its own
    test split is not held out of them: the validation split that it stops by still is.
    """
    style, document_of = MODELS[name]
    _import()

    def task(table: BenchmarkTable, folder: Path, split: int) -> dict[str, float]:
        learnt, held_out = table.split(folder, split)
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "table.csv"
            path.write_text(learnt.text, encoding="utf-8")
            made = draft(survey(path), table.target, path.with_suffix(".toml"), style)
            document = document_of(made)
            document["seed"], document["data"]["path"] = split, str(path)
            result = specnet.run(document, threads=1)
        if (made.task == "classes") != table.classes:
            raise ValueError(f"init predicts {made.task}")
        frame = held_out.frame
        used = [use.column.place for use in made.uses if use.role == "input"]
        (target,) = (use.column.place for use in made.uses if use.role == "target")
        truth = frame.iloc[:, target].to_numpy(str)
        predicted = np.asarray(result.model.predict(frame.iloc[:, used].to_numpy(object).tolist()))
        rows = len(learnt.records)
        if made.classes is None:
            error = float(np.sqrt(np.mean((predicted.ravel() - truth.astype(float)) ** 2)))
            return {"score": error, "rows": rows}
        classes = np.array(list(result.model.classes or map(str, range(made.classes))))
        return {"score": float(np.mean(classes[predicted.argmax(axis=1)] == truth)), "rows": rows}

    return task
