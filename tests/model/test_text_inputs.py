"""Text columns as inputs of a network."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specnet
from specnet.analysis.explanation import explain
from specnet.runs.compiling import network_of

ROWS = ["words,title,size,y"] + [
    f"{'a bc'[: 1 + n % 4]} word{n % 5} of {n},t{n % 3} u{n % 2},{n / 10},{n % 2}" for n in range(24)
]
EMBEDDING = {"type": "embedding", "input_dim": 80, "output_dim": 3}
POOL = {"type": "global_average_pooling1d"}
DENSE = {"type": "dense", "units": 1}
WORDS, SIZE = {"columns": ["words"]}, {"columns": ["size"]}
BOTH = [
    {**EMBEDDING, "inputs": ["words"]},
    POOL,
    {"type": "concat", "inputs": ["global_average_pooling1d_1", "size"]},
    DENSE,
]


@pytest.fixture
def document(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where a text without a file lies
    (tmp_path / "rows.csv").write_text("\n".join(ROWS) + "\n", encoding="utf-8")

    def make(layers, texts=("words",), data=(), **more):
        columns = {name: {"type": "text", "lowercase": True} for name in texts}
        data = {"type": "csv", "path": "rows.csv", "target": "y", "columns": columns, **dict(data)}
        root = {
            "specnet": 1,
            "dtype": "float64",
            "data": data,
            "layers": layers,
            "loss": "binary_cross_entropy",
        }
        return json.dumps({**root, **more})

    return make


def found(text):
    return [
        (d.code, d.path, d.message, d.help)
        for d in specnet.validate(text).diagnostics
        if d.severity == "error"
    ]


def test_a_text_beside_other_columns_needs_inputs(document):
    ((code, path, message, help),) = found(document([DENSE], texts=["words", "title"]))
    assert (code, path) == ("SN312", ("data", "columns", "words"))
    assert message == "`words` holds text, which needs an input of its own, and the document names no inputs"
    assert help == (
        'write in [inputs]: `words = { columns = ["words"] }`, `title = { columns = ["title"] }`, '
        '`others = { columns = ["size"] }`, and let layers take them by `inputs = ["words"]`'
    )


def test_an_input_that_mixes_a_text_with_other_columns(document):
    inputs = {"words": {"columns": ["words", "size"]}}
    layers = [{**EMBEDDING, "inputs": ["words"]}, POOL, DENSE]
    assert found(document(layers, inputs=inputs)) == [
        (
            "SN312",
            ("inputs", "words", "columns"),
            "the input `words` mixes `words`, a text column, with other columns",
            'write in [inputs]: `words = { columns = ["words"] }`',
        )
    ]


def test_steps_are_one_axis(document):
    inputs = {"words": {"columns": ["words"], "shape": [2, 2]}}
    (fault,) = found(document([{**EMBEDDING, "inputs": ["words"]}, POOL, DENSE], inputs=inputs))
    assert fault[:2] == ("SN312", ("inputs", "words", "shape"))


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"target": "inputs"}, ("data", "target")),
        ({"augmentations": [{"type": "mixup"}]}, ("data", "augmentations")),
    ],
)
def test_tokens_are_no_numbers(document, more, path):
    text = document([DENSE], data={**more, "features": ["words"]}, loss="mse")
    assert (found(text)[0][0], found(text)[0][1]) == ("SN312", path)


def test_transforms_leave_tokens_alone(document):
    steps = [{"type": "standardize"}, {"type": "log1p", "on": ["size", "words"]}]
    text = document(BOTH, data={"transforms": steps}, inputs={"words": WORDS, "size": SIZE})
    assert [each[:3] for each in found(text)] == [
        ("SN560", ("data", "transforms", 0, "type"), "`standardize` would change the tokens of `words`"),
        (
            "SN560",
            ("data", "transforms", 1, "on", 1),
            "`words` holds text, and `log1p` takes a column of numbers",
        ),
    ]
    text = document(
        BOTH,
        data={
            "transforms": [{"type": "power", "on": ["size"]}],
            "scale": "standardize",
            "exclude": ["title"],
        },
        inputs={"words": WORDS, "size": SIZE},
    )
    assert found(text) == []


@pytest.mark.parametrize("load", ["whole", "batches"])
def test_a_text_beside_numbers_is_read_step_by_step(document, load):
    data = {"exclude": ["title"], "load": load, "scale": "standardize"}
    text = document(
        BOTH, data=data, inputs={"words": WORDS, "size": SIZE}, training={"epochs": 2, "batch_size": 5}
    )
    result = specnet.run(specnet.load(text))
    p = result.model.parameters
    rows = [["bc word1 of 7", 0.4], ["", 1.0]]
    encoding = result.model.encoding.columns.features[0].texts
    size = np.arange(24) / 10
    for row, made in zip(rows, result.model.predict(rows), strict=True):
        tokens = encoding.tokens(row[0])
        assert (len(tokens), len(encoding.vocabulary)) == ((4, 35) if row[0] else (1, 35))
        pooled = p["embedding_1.embeddings"][tokens].mean(axis=0)
        seen = np.append(pooled, (row[1] - size.mean()) / size.std())
        z = seen @ p["dense_1.kernel"] + p["dense_1.bias"]
        np.testing.assert_allclose(made, 1 / (1 + np.exp(-z)), rtol=1e-6 if load == "batches" else 1e-12)


def test_a_text_alone_needs_no_inputs(document):
    text = document([EMBEDDING, POOL, DENSE], data={"features": ["words"]}, training={"epochs": 2})
    model = specnet.run(specnet.load(text)).model
    (only,) = model.network.inputs
    assert (only.name, only.shape, only.dtype) == ("inputs", (5,), "int64")
    tokens = model.encoding.columns.features[0].texts.tokens("bc word1 of 7")
    p = model.parameters
    z = p["embedding_1.embeddings"][tokens].mean(axis=0) @ p["dense_1.kernel"] + p["dense_1.bias"]
    np.testing.assert_allclose(model.predict(["bc word1 of 7"])[0], 1 / (1 + np.exp(-z)), rtol=1e-12)


def test_folds_have_vocabularies_of_their_own(document, tmp_path):
    text = document(
        [EMBEDDING, POOL, DENSE],
        data={"features": ["words"], "split": {"folds": 3}},
        training={"epochs": 1},
    )
    result = specnet.run(specnet.load(text), out=tmp_path / "run")
    vocabularies = [m.encoding.columns.features[0].texts.vocabulary for m in result.model.models]
    assert len({v.tokens for v in vocabularies}) == 3
    expected = result.model.predict(["a word1 of 7", "", "entirely other words"])
    again = specnet.load_run(tmp_path / "run").predict(["a word1 of 7", "", "entirely other words"])
    np.testing.assert_array_equal(again, expected)


def test_a_text_is_permuted_as_a_whole(document, tmp_path):
    inputs = {"words": WORDS, "size": SIZE}
    text = document(BOTH, data={"exclude": ["title"]}, inputs=inputs, training={"epochs": 2})
    specnet.run(specnet.load(text), out=tmp_path / "run")
    found = specnet.permutation_importance(tmp_path / "run")
    assert {each.column for each in found.columns} == {"words", "size"}


def test_an_embedding_is_as_large_as_the_vocabulary(document):
    layers = [{"type": "embedding", "output_dim": 3}, POOL, DENSE]
    model = specnet.compile(specnet.load(document(layers, data={"features": ["words"]})))
    tokens = len(model.encoding.columns.features[0].texts.vocabulary)
    assert model.parameters["embedding_1.embeddings"].shape == (tokens, 3)
    layers[0]["input_dim"] = tokens - 1
    (fault,) = found(document(layers, data={"features": ["words"]}))
    assert fault[:2] == ("SN401", ("layers", 0))
    assert fault[2].startswith("`input_dim` = 34, and the vocabulary of the data has 35 tokens")
    layers[0]["input_dim"] = tokens + 5
    assert found(document(layers, data={"features": ["words"]})) == []


def test_an_embedding_of_other_indices_needs_their_number(document):
    layers = [{"type": "embedding", "output_dim": 3}, {"type": "flatten"}, DENSE]
    (fault,) = found(document(layers, texts=[], data={"features": ["size"]}))
    assert fault[:2] == ("SN401", ("layers", 0))
    assert fault[2].startswith("embedding needs `input_dim`")


def test_explain_shows_the_first_tokens_of_each_column(document):
    text = document(BOTH, data={"exclude": ["title"]}, inputs={"words": WORDS, "size": SIZE})
    explanation = explain(network_of(specnet.load(text)))
    (first,) = explanation.as_dict()["text_columns"].items()
    assert first == (
        "words",
        {
            "count": 35,
            "first": [
                "<pad>",
                "<unk>",
                "a",
                "of",
                "b",
                "bc",
                "word0",
                "word1",
                "word2",
                "word3",
                "word4",
                "0",
            ],
        },
    )
