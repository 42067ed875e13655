"""Whatever number a document gives a key, validating it ends in findings: no error of Python's, and no warning."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specnet
from specnet.cli.examples import FIELDS, _needed
from specnet.language.kinds import FAMILIES
from specnet.language.spec import Spec
from specnet.language.training import Training
from specnet.vocabulary.domain import Domain, domains, members
from specnet.vocabulary.kind import Table

WHOLE = (0, -1, 2**31, 2**63, -(2**63), 10**400)
REAL = (1.7e308, -1.7e308, 1e-320, -0.0, math.nan, math.inf, 10**400)
VALUES = {"int": WHOLE, "float": REAL, "any": REAL}

LABELS = [0, 1, 2, 0, 1, 2, 0, 1]
SHAPES = ((4,), (6, 4), (6, 6, 4), (4, 4, 4, 4))
TARGETS: tuple[tuple[list[Any], int], ...] = (
    (LABELS, 3),
    ([0.5] * 8, 1),
    ([0.5] * 8, 2),
    ([[0.5, 0.25, 0.25]] * 8, 3),
    ([[1.0, -1.0]] * 8, 2),
)


def rows(shape: tuple[int, ...]) -> list[Any]:
    return np.random.default_rng(0).normal(size=(len(LABELS), *shape)).round(2).tolist()  # type: ignore[no-any-return]


def document(*layers: Any, units: int = 3, **more: Any) -> dict[str, Any]:
    data = {"type": "inline", "inputs": rows((4,)), "targets": LABELS}
    last = [{"type": "flatten"}, {"type": "dense", "units": units}]
    training = {"epochs": 2, "batch_size": 2}
    fixed = {"specnet": 1, "data": data, "loss": "cross_entropy", "training": training}
    return {**fixed, "layers": [*layers, *last], **more}


def inline(shape: tuple[int, ...], targets: list[Any] = LABELS, **more: Any) -> dict[str, Any]:
    return {"type": "inline", "inputs": rows(shape), "targets": targets, **more}


def hosts(family: str, kind: dict[str, Any]) -> Iterator[tuple[dict[str, Any], tuple[str | int, ...]]]:
    """Yield documents that name a kind, of which one is sound, with the place of its table."""
    dense = {"type": "dense", "units": 4}
    match family:
        case "layer":
            if kind["type"] == "ensemble":  # which no layer comes behind
                members = [dense, {"type": "dense", "units": 3}]
                yield {**document(), "layers": [{**kind, "layers": members}]}, ("layers", 0)
            if "layers" in kind and kind["type"] != "bidirectional":  # whose example is one that it takes
                kind = {**kind, "layers": [dense, dense]}
            if "inputs" in kind:
                named = [{**dense, "name": name} for name in "ab"]
                yield document(*named, {**kind, "inputs": ["a", "b"]}), ("layers", 2)
            for shape in SHAPES:
                for more in ({}, {"input_dim": 9, "output_dim": 2}, {"groups": 2}, {"shape": [2, -1]}):
                    data = {"type": "inline", "inputs": [[1, 2]] * 8, "targets": LABELS}
                    data = data if "input_dim" in more else inline(shape)
                    yield document({**kind, **more}, data=data), ("layers", 0)
        case "activation" | "initializer" | "regularizer":
            usual = {"initializer": "kernel_init", "regularizer": "kernel_regularizer"}.get(family, family)
            key = FIELDS.get(kind["type"], usual)
            yield document({**dense, key: kind}), ("layers", 0, key)
        case _:
            yield from others(family, kind)


def others(  # noqa: C901  one case after the other
    family: str, kind: dict[str, Any]
) -> Iterator[tuple[dict[str, Any], tuple[str | int, ...]]]:
    """Yield the same for kinds that are not parts of layers."""
    match family:
        case "optimizer" | "schedule":
            for size in (3, "full"):
                training = {"epochs": 2, "batch_size": size, family: kind}
                split = inline((4,), split={"validation": 0.25})
                yield document(data=split, training=training), ("training", family)
        case "loss":
            for targets, units in TARGETS:
                yield document(units=units, data=inline((4,), targets), loss=kind), ("loss",)
            yield spelling(kind), ("loss",)
        case "metric":
            for targets, units in TARGETS:
                for loss in ("cross_entropy", "binary_cross_entropy", "mse"):
                    for more in ({}, {"k": 2}):
                        metrics = [{**kind, **more}]
                        made = document(units=units, data=inline((4,), targets), loss=loss, metrics=metrics)
                        yield made, ("metrics", 0)
            yield spelling("ctc", metrics=[kind]), ("metrics", 0)
            yield document(data=inline((4,), [0.5] * 8), loss="quantile", metrics=[kind]), ("metrics", 0)
            yield forecasting({}, metrics=[kind]), ("metrics", 0)
        case "transform" | "augmentation":
            for shape in SHAPES:
                for more in ({}, {"shape": [2, -1]}):
                    data = inline(shape, **{f"{family}s": [{**kind, **more}]})
                    yield document(data=data), ("data", f"{family}s", 0)
            whole = {"type": "inline", "inputs": [[1, 2]] * 8, "targets": LABELS, f"{family}s": [kind]}
            yield document(data=whole), ("data", f"{family}s", 0)
        case "sampler" | "pruner":
            for more in ({}, {"upper": 3.0}):
                yield searching({family: {**kind, **more}}), ("sweep", family)
        case _:
            if family == "tokenizer":
                yield reading({"tokens": kind}), ("data", "tokens")
            yield from reading_files(kind)
            if kind["type"] in {"synthetic", "builtin"}:
                yield document(data=kind, loss="cross_entropy"), ("data",)
            if kind["type"] == "synthetic":
                yield document(data={**kind, "kind": "blobs"}), ("data",)
                yield document(data={**kind, "kind": "linear"}, loss="mse", units=1), ("data",)


def reading_files(kind: dict[str, Any]) -> Iterator[tuple[dict[str, Any], tuple[str | int, ...]]]:
    """Yield documents of data formats that read files which they cannot do without."""
    match kind["type"]:
        case "text":
            yield reading({}), ("data",)
        case "pairs":
            yield pairing(), ("data",)
        case "series":
            yield forecasting({"validation_steps": 9}), ("data",)
        case "ucr":
            yield document(data={**kind, "path": "waves.ts"}), ("data",)


def spelling(loss: Any, **more: Any) -> dict[str, Any]:
    """Return a document of sequences that the steps of others spell."""
    data = inline((6, 4), [[1, 2]] * len(LABELS))
    return {**document(data=data, loss=loss, **more), "layers": [{"type": "dense", "units": 3}]}


def forecasting(split: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a document of a series."""
    data = {"type": "series", "path": "sales.csv", "target": "sales", "lookback": 4, "horizon": 3}
    return document(data={**data, "split": split}, loss="mse", **more)


def pairing() -> dict[str, Any]:
    """Return a document of pairs of sequences."""
    named = [
        {"type": "embedding", "output_dim": 2, "name": f"{side}_seen", "inputs": [side]}
        for side in ("source", "target")
    ]
    attention = {"type": "attention", "heads": 1, "inputs": ["target_seen", "source_seen"]}
    return {
        **document(data={"type": "pairs", "path": "pairs.tsv"}),
        "inputs": {"source": {"array": "source"}, "target": {"array": "target"}},
        "layers": [*named, attention, {"type": "dense", "units": "auto"}],
    }


def searching(more: dict[str, Any]) -> dict[str, Any]:
    """Return a document with a sweep."""
    varied = {"training.batch_size": {"choices": [2, 4]}}
    split = inline((4,), split={"validation": 0.25})
    return document(data=split, sweep={"trials": 4, "parameters": varied, **more})


def reading(more: dict[str, Any]) -> dict[str, Any]:
    """Return a language model of a file of text that comes with specnet."""
    text = str(files("specnet.data") / "builtin" / "iris.csv")
    layers = [{"type": "embedding", "output_dim": 2}, {"type": "dense", "units": "auto"}]
    return document(data={"type": "text", "path": text, **more}, layers=layers)


def settings(table: type[Table], depth: int = 2) -> Iterator[tuple[str, Any]]:
    """Yield each numeric key of a table with an extreme value, and those of tables within it."""
    for name, domain in domains(table).items():
        for member in members(domain):
            for value in values(member, depth):
                yield name, value


def values(domain: Domain, depth: int) -> Iterator[Any]:
    yield from VALUES.get(domain.form, ())
    if domain.form == "array":
        parts = domain.members or (domain.items,)
        for value in VALUES.get(members(parts[0])[0].form if parts[0] is not None else "", ()):
            yield [value] * (len(domain.members) or 2)
    if domain.form == "table" and domain.table is not None and depth:
        for key, value in settings(domain.table, depth - 1):
            yield {**_needed(domain.table), key: value}  # type: ignore[type-var, arg-type, unused-ignore]


def changed(made: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    made = copy.deepcopy(made)
    at: Any = made
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return made


KINDS = [(family, name) for family in FAMILIES for name in family.kinds]
UNHOSTED = {"csv", "parquet", "npz", "npy", "idx", "images", "arrays", "frame", "inline", "builtin"}
"""Data formats whose numbers are those of their files, or which have none."""


@pytest.fixture
def data_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the files of the hosts."""
    monkeypatch.chdir(tmp_path)
    Path("sales.csv").write_text("\n".join(["sales", *(f"{n % 7}" for n in range(60))]))
    Path("pairs.tsv").write_text("".join(f"{n}\t{n + 1}\n" for n in range(20)))
    waves = [f"{n},{n % 3},1:{n % 2}" for n in range(8)]
    Path("waves.ts").write_text("\n".join(["@classLabel true 0 1", "@data", *waves]))


@pytest.mark.usefixtures("data_files")
@pytest.mark.parametrize(("family", "name"), KINDS, ids=[f"{f.name}-{name}" for f, name in KINDS])
def test_every_number_of_every_kind(family: Any, name: str) -> None:
    kind = family.kinds[name]
    sound = 0
    for made, path in hosts(family.name, {"type": name, **_needed(kind)}):
        if sound or not specnet.validate(made).ok:
            continue
        sound += 1
        for key, value in settings(kind):
            report = specnet.validate(changed(made, (*path, key), value))
            assert all(d.message and len(str(d)) < 2000 for d in report.diagnostics)
    assert sound or name in UNHOSTED


@pytest.mark.parametrize("table", [Spec, Training])
def test_every_number_outside_of_kinds(table: type[Table]) -> None:
    made = document(data=inline((4,), split={"validation": 0.25}))
    path = () if table is Spec else ("training",)
    for key, value in settings(table):
        if key not in {"data", "layers", "loss", "metrics"}:
            specnet.validate(changed(made, (*path, key), value))
            assert key in table.model_fields


@pytest.mark.parametrize(
    ("family", "name", "key", "value"),
    [
        ("sampler", "tpe", "n_ei_candidates", 2**40),
        ("sampler", "cma_es", "popsize", 3),
        ("sampler", "cma_es", "popsize", 2**40),
        ("pruner", "successive_halving", "min_early_stopping_rate", 2**40),
    ],
)
def test_numbers_that_no_sweep_gets_done_with(family: str, name: str, key: str, value: int) -> None:
    """Optuna runs out of memory or time, or computes with numbers that are not finite."""
    (found,) = specnet.validate(searching({family: {"type": name, key: value}})).diagnostics
    assert (found.code, found.path) == ("SN208", ("sweep", family, key))


@pytest.mark.parametrize("value", [*WHOLE, *REAL])
def test_numbers_of_data(value: float) -> None:
    for data in (
        inline((4,), [value] * 8),
        {"type": "inline", "inputs": [[value, 1.0]] * 8, "targets": LABELS},
        inline((4,), split={"validation": value}),
        inline((4,), split={"validation": value, "stratify": True}),
    ):
        for transforms in ([], ["standardize"], ["minmax"]):
            specnet.validate(document(data={**data, "transforms": transforms}))
