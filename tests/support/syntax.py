"""Texts to read: a sound document, and where the toml-test documents are."""

from __future__ import annotations

import os
from pathlib import Path

SOUND = """\
specnet = 1
name = "iris"
seed = 7
dtype = "float32"
metrics = ["accuracy"]
input_shape = [4]

[data]
type = "csv"
path = "iris.csv"
target = "species"
split = { validation = 0.2, test = 0.2, stratify = true }

[[data.transforms]]
type = "standardize"
on = "inputs"

[[layers]]
type = "dense"
units = 32
activation = { type = "leaky_relu", slope = 0.1 }
kernel_init = { type = "constant", value = [[1.0, 2.0], [3.0, 4.0]] }

[[layers]]
type = "dropout"
rate = 0.5

[[layers]]
type = "dense"
units = 3

[loss]
type = "cross_entropy"

[training]
epochs = 100
batch_size = "full"
optimizer.type = "adam"
optimizer.learning_rate = 1e-2

[training.schedule]
type = "cosine"

[training.early_stopping]
monitor = "validation.loss"

[output]
show = ["predictions"]
"""

FOUND = [
    Path(os.environ.get("SPECNET_TOML_TEST", "")),
    *(folder / "shared" / "data" / "toml-test" for folder in Path(__file__).resolve().parents),
]
TOML_TEST = next((f for f in FOUND if (f / "tests" / "files-toml-1.0.0").is_file()), None)
