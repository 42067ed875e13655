"""Batches of sequences of similar length: each step and each figure is what it is for rows padded to one length."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specnet
from specnet.data import Dataset
from specnet.model.arrays import as_arrays
from specnet.model.compiled import CompiledModel
from specnet.runs.compiling import compile_spec
from specnet.training.loop import Trainer

WORDS = [
    "the",
    "cat",
    "sat",
    "on",
    "a",
    "mat",
    "and",
    "saw",
    "one",
    "red",
    "fox",
    "run",
    "far",
    "from",
    "old",
    "barns",
]
ROWS, STEPS = 60, 9
RATE = 0.01
EMBEDDING = {"type": "embedding", "output_dim": 4, "embeddings_init": "normal"}
LAST = {"type": "dense", "units": "auto"}


def sentences(count: int = ROWS, most: int = STEPS, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, size)) for size in rng.integers(1, most + 1, count)]


def sequences(features: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of numbers with zeros behind their end, and how long they are."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(2, STEPS + 1, ROWS)
    x = rng.normal(size=(ROWS, STEPS, features))
    x[np.arange(STEPS) >= lengths[:, None]] = 0.0
    return x, lengths


def lines(folder: Path) -> dict[str, Any]:
    rows = [f"{number % 3} {text}" for number, text in enumerate(sentences())]
    (folder / "lines.txt").write_text("\n".join(rows) + "\n")
    return {
        "data": {"type": "text", "path": "lines.txt", "lines": "label_first", "tokens": "word"},
        "layers": [
            EMBEDDING,
            {"type": "positional_embedding"},
            {"type": "transformer_block", "heads": 2},
            {"type": "global_average_pooling1d"},
            LAST,
        ],
        "metrics": ["accuracy", "auc", "confusion"],
    }


def documents(folder: Path) -> dict[str, Any]:
    (folder / "names.txt").write_text("\n".join(sentences()) + "\n")
    return {
        "data": {"type": "text", "path": "names.txt", "lines": "documents", "tokens": "word"},
        "layers": [EMBEDDING, {"type": "lstm", "units": 5, "return_sequences": True}, LAST],
        "metrics": ["perplexity", "accuracy", "edit_distance", "exact_match"],
    }


def pairs(folder: Path) -> dict[str, Any]:
    rows = [f"{a}\t{b}" for a, b in zip(sentences(), sentences(most=5, seed=1), strict=True)]
    (folder / "pairs.tsv").write_text("\n".join(rows) + "\n")
    return {
        "data": {"type": "pairs", "path": "pairs.tsv", "tokens": "word"},
        "inputs": {"source": {"array": "source"}, "target": {"array": "target"}},
        "layers": [
            {**EMBEDDING, "inputs": ["source"]},
            {
                "type": "bidirectional",
                "name": "read",
                "layers": [{"type": "gru", "units": 3, "return_sequences": True}],
            },
            {**EMBEDDING, "inputs": ["target"]},
            {"type": "positional_embedding", "name": "written", "kind": "sinusoidal"},
            {"type": "transformer_block", "heads": 2, "causal": True, "inputs": ["written", "read"]},
            LAST,
        ],
        "metrics": ["exact_match", "edit_distance"],
    }


def series(folder: Path) -> dict[str, Any]:
    x, lengths = sequences()
    rows = []
    for number, (row, length) in enumerate(zip(x, lengths, strict=True)):
        channels = [",".join(f"{value:.6f}" for value in row[:length, channel]) for channel in range(3)]
        rows.append(":".join([*channels, "ab"[number % 2]]))
    head = ["@problemName t", "@univariate false", "@equalLength false", "@classLabel true a b", "@data"]
    (folder / "t.ts").write_text("\n".join([*head, *rows]) + "\n")
    return {
        "data": {"type": "ucr", "path": "t.ts"},
        "layers": [
            {"type": "batch_norm"},
            {"type": "conv1d", "filters": 4, "kernel_size": 3, "padding": "same", "activation": "relu"},
            {"type": "global_max_pooling1d"},
            LAST,
        ],
        "metrics": ["accuracy"],
    }


def columns(folder: Path) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    with (folder / "rows.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["title", "body", "age", "price"])
        for title, body in zip(sentences(most=4), sentences(seed=2), strict=True):
            writer.writerow([title, body, round(rng.normal(), 3), round(rng.normal(), 3)])
    text = {"type": "text", "tokens": "word"}
    return {
        "data": {
            "type": "csv",
            "path": "rows.csv",
            "target": "price",
            "columns": {"title": text, "body": text},
        },
        "inputs": {
            "title": {"columns": ["title"]},
            "body": {"columns": ["body"]},
            "rest": {"columns": ["age"]},
        },
        "layers": [
            {**EMBEDDING, "inputs": ["title"]},
            {"type": "gru", "units": 3, "name": "short"},
            {**EMBEDDING, "inputs": ["body"]},
            {"type": "conv1d", "filters": 3, "kernel_size": 3, "name": "windows"},
            {"type": "last_step", "name": "long"},
            {"type": "concat", "inputs": ["short", "long", "rest"]},
            {"type": "dense", "units": 1},
        ],
        "loss": "mse",
        "metrics": ["mae", "r2"],
    }


def arrays(folder: Path) -> dict[str, Any]:
    x, _ = sequences()
    rng = np.random.default_rng(5)
    y, w = rng.normal(size=(ROWS, STEPS, 1)), rng.uniform(0.5, 2.0, ROWS)
    np.savez(folder / "rows.npz", x=x, y=y, w=w)
    return {
        "data": {"type": "npz", "path": "rows.npz", "inputs": "x", "targets": "y", "weight": "w"},
        "layers": [
            {"type": "masking"},
            {"type": "tcn_block", "filters": 4, "kernel_size": 2, "dilation": 2},
            {"type": "dense", "units": 1},
        ],
        "loss": "mse",
        "metrics": ["mae"],
    }


def aligned(folder: Path) -> dict[str, Any]:
    """Two arrays of the same steps, whose features are joined."""
    x, _ = sequences()
    np.savez(folder / "rows.npz", a=x, b=np.random.default_rng(8).normal(size=x.shape), y=np.arange(ROWS) % 2)
    return {
        "data": {"type": "npz", "path": "rows.npz", "inputs": ["a", "b"], "targets": "y"},
        "inputs": {"a": {"array": "a"}, "b": {"array": "b"}},
        "layers": [
            {"type": "masking", "inputs": ["a"], "name": "there"},
            {"type": "concat", "inputs": ["there", "b"]},
            {"type": "lstm", "units": 4},
            LAST,
        ],
        "metrics": ["accuracy"],
    }


KINDS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "lines": lines,
    "documents": documents,
    "pairs": pairs,
    "series": series,
    "columns": columns,
    "arrays": arrays,
    "aligned": aligned,
}


def spec_of(kind: str, folder: Path, **training: Any) -> specnet.Spec:
    content = {"specnet": 1, "dtype": "float64", "loss": "cross_entropy", **KINDS[kind](folder)}
    content["data"] = {**content["data"], "split": {"validation": 0.2}}
    content["data"]["path"] = str(folder / content["data"]["path"])
    settings = {"epochs": 2, "batch_by": "length", "optimizer": {"type": "sgd", "learning_rate": RATE}}
    if "batch_tokens" not in training:
        settings["batch_size"] = 8
    return specnet.load({**content, "training": {**settings, **training}})


def trained(spec: specnet.Spec) -> tuple[CompiledModel, Dataset, Trainer]:
    model, data = compile_spec(spec)
    return model, data, Trainer(model, data)


@pytest.mark.parametrize("size", [{}, {"batch_tokens": 50}], ids=["rows", "tokens"])
@pytest.mark.parametrize("kind", KINDS)
def test_steps_are_those_of_padded_rows(kind, size, tmp_path):
    model, data, trainer = trained(spec_of(kind, tmp_path, **size))
    train, feed = data.splits["train"], trainer.feed
    feed.begin()
    lengths = set()
    with np.errstate(all="ignore"):
        for batch in feed.batches:
            feed.fetch(batch)
            inputs, targets = train.at(batch.places)
            weights = None if train.weights is None else train.weights[batch.places]
            # A mean weight of 1 is that of the split in a training, and that of the rows that are given here.
            share = 1.0 if weights is None else weights.mean() / train.weights.mean()
            loss, gradients = model.loss_and_gradients(inputs, targets, weights=weights, training=True)
            before = model.parameters.trained.copy()
            assert batch.bound.step()[0] == pytest.approx(loss * share, rel=1e-10)
            expected = share * np.concatenate([gradients[p.name].reshape(-1) for p in model.network.trained])
            np.testing.assert_allclose((before - model.parameters.trained) / RATE, expected, 1e-7, 1e-10)
            lengths.add(tuple(batch.arrays[name].shape[1] for name in model.network.lengths))
    assert len(lengths) > 3
    assert sorted(np.concatenate([batch.places for batch in feed.batches])) == list(range(len(train)))


@pytest.mark.parametrize("kind", KINDS)
def test_figures_are_those_of_padded_rows(kind, tmp_path):
    model, data, trainer = trained(spec_of(kind, tmp_path))
    for name, split in data.splits.items():
        padded = model.evaluator([split]).prepare(split).evaluate()
        for found in (trainer.splits[name].evaluate(), model.measure({name: split}).splits[name]):
            assert found.keys() == padded.keys()
            for figure, value in padded.items():
                np.testing.assert_allclose(found[figure], value, rtol=1e-9, err_msg=figure)


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_are_those_of_padded_rows(kind, tmp_path):
    model, data, _ = trained(spec_of(kind, tmp_path))
    plain = specnet.compile(spec_of(kind, tmp_path, batch_by=None))
    plain.parameters.flat[...] = model.parameters.flat
    train = data.splits["train"]
    for rows in ([3], [1, 4, 2, 9], range(len(train))):
        given = as_arrays(model.network, *train.at(np.array(rows)))
        inputs = {array.name: given[array.name] for array in model.network.inputs}
        found, expected = (each._uncalibrated.predict(inputs) for each in (model, plain))
        np.testing.assert_allclose(found["predictions"], expected["predictions"], 1e-9, 1e-12)
