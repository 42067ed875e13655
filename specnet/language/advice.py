"""Keys of other libraries that have no counterpart of the same form here, and what to write instead."""

from __future__ import annotations

from collections.abc import Mapping

from specnet.diagnostics import KeyPath
from specnet.diagnostics.spelling import closest, folded
from specnet.language.foreign import KEYS
from specnet.vocabulary.kind import Table

CPU = "specnet runs on the CPU: leave the key out"
INFERRED = "the shape of a layer's input follows from the data and the layers before it: leave the key out"
FRACTIONS = "[data.split] holds fractions of the rows"


def _rows(text: str, *keys: str) -> dict[str, str]:
    return dict.fromkeys(keys, text)


ANYWHERE = _rows(CPU, "device", "gpu", "gpus", "cuda", "usegpu", "accelerator", "devices")

SPLITS = {
    **_rows(
        f"{FRACTIONS}: validation = 0.2",
        "validationsplit",
        "valsplit",
        "validationfraction",
        "valfraction",
        "valsize",
    ),
    **_rows(f"{FRACTIONS}: test = 0.2", "testsplit", "testsize", "testfraction"),
    **_rows(
        f"{FRACTIONS}: validation = 0.2 and test = 0.2 leave 0.6 for training",
        *("trainsize", "trainsplit", "trainfraction", "train"),
    ),
}

COLUMNS = {
    **_rows(
        "`missing_markers` lists the cells that mean a missing value",
        "navalues",
        "nullvalues",
        "missingvalues",
    ),
    **_rows("`features` lists the columns to predict from", "usecols", "x", "xcols", "inputcolumns"),
}
"""Of tables alone, whose fields these name."""

WEIGHTS = _rows(
    "rows of these data have no weights: `class_weights` of the loss weighs classes, and npz, npy, idx, inline and "
    "tables have sample weights",
    *("weight", "weights", "sampleweight", "sampleweights"),
)
"""Of data without sample weights alone."""

BY_ROOT: Mapping[str, Mapping[str, str]] = {
    "layers": {
        **_rows(
            INFERRED, "infeatures", "numfeatures", "inchannels", "inputsize", "inputdim", "inputchannels"
        ),
        **_rows(INFERRED, "inputlength", "batchinputshape"),
        **_rows(f"{INFERRED}; `input_shape` at the document's top pins that of the data", "inputshape"),
        **_rows("memory is reused wherever that is safe: leave the key out", "inplace"),
        **_rows('dropout is a layer of its own: { type = "dropout", rate = 0.5 } after this one', "dropout"),
        **_rows(
            'normalisation is a layer of its own: { type = "batch_norm" } after this one',
            "batchnorm",
            "batchnormalization",
            *("norm", "normalize", "normalise", "normalization"),
        ),
        **_rows(
            'a slope is an option of an activation: { type = "leaky_relu", slope = 0.1 }',
            "alpha",
            "negativeslope",
        ),
    },
    "data": {
        **SPLITS,
        **WEIGHTS,
        **_rows(
            'a transform does that: transforms = ["standardize"]',
            "normalize",
            "normalise",
            "scaler",
            "standardize",
        ),
    },
    "training": SPLITS,
    "": {
        **SPLITS,
        **_rows(
            "the network is an array of layers: each begins with [[layers]]",
            "model",
            "network",
            "architecture",
            "net",
        ),
        **_rows("the inputs are columns or arrays of the data: see [data]", "x"),
    },
}
"""What to write instead, by the root key of the table and the folded key; the document's top has no root key."""


QUOTED = 'a key path is one key of [sweep.parameters], in quotes, such as "training.batch_size" = { ... }'


def advice(key: str, path: KeyPath, table: type[Table]) -> str | None:
    """Return what to write instead of a key that a table does not have; None where nothing is known of it.

    A key that is spelled like a field of the table is a slip, whatever other libraries call so; and an option of a
    layer that has another name here is a better answer than a layer of its own.
    """
    word = folded(key)
    if any(folded(name) == word for name in table.model_fields):
        return None
    root = str(path[0]) if path else ""
    # Without quotes, each part of a key path is a table of its own.
    if path[:2] == ("sweep", "parameters") and "." not in str(path[-1]):
        return QUOTED if closest(key, table.model_fields) is None else None
    if path == ("data", "split"):  # which has the fields that fractions belong in
        return None
    if root == "data" and "missing_markers" in table.model_fields and word in COLUMNS:
        return COLUMNS[word]
    if root == "layers" and not set(KEYS.get(word, ())).isdisjoint(table.model_fields):
        return None
    if root == "data" and "weight" in table.model_fields and word in WEIGHTS:
        return None
    return ANYWHERE.get(word) or BY_ROOT.get(root, {}).get(word)
