"""Documents of small models of several kinds, for tests of threads that share them."""

from __future__ import annotations

import json

import numpy as np

import specnet

RNG = np.random.default_rng(0)
CLASSES = RNG.integers(0, 3, 90).tolist()
VECTORS = RNG.normal(size=(90, 4)).round(3)
IMAGES = RNG.normal(size=(90, 10, 10, 1)).round(3)
TABLE = [
    ["size", "colour", "made", "price"],
    *(
        [size, ["red", "green", "blue"][size % 3], ["wood", "steel"][size % 2], size * 1.5]
        for size in range(90)
    ),
]


def dense(**more):
    layers = [
        {"type": "dense", "units": 16, "activation": "relu"},
        {"type": "batch_norm"},
        {"type": "dropout", "rate": 0.3},
        {"type": "dense", "units": 3},
    ]
    data = {"type": "inline", "inputs": VECTORS.tolist(), "targets": CLASSES}
    training = {"epochs": 2, "batch_size": 16, "optimizer": "adam", **more}
    document = {"specnet": 1, "data": data, "layers": layers, "loss": "cross_entropy", "training": training}
    return specnet.load(json.dumps(document))


def images():
    layers = [
        {"type": "conv2d", "filters": 4, "kernel_size": 3, "activation": "relu"},
        {"type": "batch_norm"},
        {"type": "max_pooling2d"},
        {"type": "average_pooling2d"},
        {"type": "flatten"},
        {"type": "dropout", "rate": 0.3},
        {"type": "dense", "units": 3},
    ]
    data = {"type": "inline", "inputs": IMAGES.tolist(), "targets": CLASSES}
    training = {"epochs": 2, "batch_size": 32, "optimizer": "adam"}
    document = {"specnet": 1, "data": data, "layers": layers, "loss": "cross_entropy", "training": training}
    return specnet.load(json.dumps(document))


def heads():
    layers = [
        {"type": "dense", "units": 6, "activation": "tanh", "name": "stem"},
        {"type": "dense", "units": 3, "name": "kind"},
        {"type": "dense", "units": 4, "inputs": ["stem"], "name": "back"},
    ]
    outputs = {
        "kind": {"loss": "cross_entropy"},
        "image": {"layer": "back", "target": "inputs", "loss": "mse"},
    }
    data = {
        "type": "inline",
        "inputs": VECTORS.tolist(),
        "targets": CLASSES,
        "transforms": [{"type": "standardize"}],
    }
    document = {
        "specnet": 1,
        "data": data,
        "layers": layers,
        "outputs": outputs,
        "training": {"epochs": 2, "batch_size": 32},
    }
    return specnet.load(json.dumps(document))


def table(folder):
    (folder / "things.csv").write_text("\n".join(",".join(map(str, row)) for row in TABLE), encoding="utf-8")
    data = {
        "type": "csv",
        "path": "things.csv",
        "target": "price",
        "transforms": [{"type": "standardize", "on": "targets"}],
        "columns": {"made": {"encode": "index"}, "size": {"scale": "standardize"}},
        "split": {"validation": 0.2},
    }
    document = {
        "specnet": 1,
        "data": data,
        "layers": [{"type": "dense", "units": 8, "activation": "relu"}, {"type": "dense", "units": 1}],
        "loss": "mse",
        "training": {"epochs": 2, "batch_size": 32},
    }
    (folder / "things.json").write_text(json.dumps(document), encoding="utf-8")
    return specnet.load(folder / "things.json")


def document(kind, folder):
    return table(folder) if kind == "table" else {"dense": dense, "images": images, "heads": heads}[kind]()


def rows_of(kind):
    if kind == "table":
        return [dict(zip(TABLE[0][:3], row[:3], strict=True)) for row in TABLE[1:]]
    return IMAGES if kind == "images" else VECTORS


def same(found, expected):
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(same(found[name], expected[name]) for name in expected)
    return np.array_equal(found, expected)
