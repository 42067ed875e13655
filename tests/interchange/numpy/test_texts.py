"""Exports of models of texts: programs that cut texts as the model does, and ONNX of their tokens."""

from __future__ import annotations

import json
from typing import Literal

import numpy as np
import pytest

import specnet
from specnet.data.text import TOKENIZERS
from specnet.data.text.words import Word
from specnet.interchange.exporting import WRITERS, Exported, write_numpy
from tests.support.exports import bare, session

TEXTS = [f"It is{' not' * (n % 3)} Good, WARM or word{n}. café {n % 7}" for n in range(40)]
NEW = [
    ["It is not good", 3.0],
    ["", 1.0],
    [None, 2.0],
    ["Ein ganz anderer, langer Text; über 'cafe\u0301' don't ﬁt \\ \n\x00 it all in", 0.5],
]
TOKENS = {
    "words": {"tokens": "word", "lowercase": True, "normalization": "nfkc", "fill": "not given"},
    "words and lines": {
        "tokens": {"type": "word", "line_breaks": True},
        "size": 150,
        "length": 5,
        "truncate": "start",
    },
    "characters": {"tokens": "char", "length": 12},
    "bytes": {"tokens": "byte", "normalization": "nfc", "length": 9, "truncate": "start"},
    "pairs of bytes": {"tokens": {"type": "bpe", "size": 300}, "lowercase": True},
}


@pytest.fixture(params=TOKENS.values(), ids=TOKENS)
def finished(request, tmp_path):
    return run(tmp_path, **request.param)


def run(tmp_path, **settings):
    lines = [json.dumps(text) + f",{n / 10},{n % 2}" for n, text in enumerate(TEXTS)]
    (tmp_path / "t.csv").write_text("\n".join(["text,size,y", *lines]) + "\n", encoding="utf-8")
    document = {
        "specnet": 1,
        "dtype": "float64",
        "loss": "cross_entropy",
        "data": {
            "type": "csv",
            "path": str(tmp_path / "t.csv"),
            "target": "y",
            "columns": {"text": {"type": "text", **settings}},
            "scale": "standardize",
        },
        "inputs": {"words": {"columns": ["text"]}, "facts": {"columns": ["size"]}},
        "layers": [
            {"type": "embedding", "inputs": ["words"], "input_dim": 400, "output_dim": 3},
            {"type": "bidirectional", "layers": [{"type": "gru", "units": 2}]},
            {"type": "concat", "inputs": ["bidirectional_1", "facts"]},
            {"type": "dense", "units": 2},
        ],
        "training": {"epochs": 2, "batch_size": 8},
    }
    return specnet.run(specnet.load(json.dumps(document)), out=tmp_path / "run")


def test_a_program_predicts_the_same_of_cells(finished, tmp_path):
    write_numpy(tmp_path / "made.py", Exported.of(tmp_path / "run"), training=False)
    code = (tmp_path / "made.py").read_text(encoding="utf-8")
    (tmp_path / "made.py").write_text(f"{code}\n\npredicted = predict({NEW!r})\n", encoding="utf-8")
    found = bare(tmp_path / "made.py")["predicted"]
    np.testing.assert_allclose(found, finished.model.predict(NEW), rtol=1e-10)


def test_a_program_trains_the_same(finished, tmp_path):
    write_numpy(tmp_path / "made.py", Exported.of(tmp_path / "run"), training=True)
    found = bare(tmp_path / "made.py")
    for name, array in finished.model.parameters.items():
        np.testing.assert_allclose(found[name.replace(".", "_")], array, rtol=1e-8, atol=1e-12)


def test_onnx_takes_tokens(finished, tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    WRITERS["onnx"](tmp_path / "made.onnx", Exported.of(tmp_path / "run"))
    texts = finished.model.encoding.columns.features[0].texts
    tokens = texts.rows([text or None for text, _ in NEW], len(NEW))
    rows = np.column_stack([tokens, [size for _, size in NEW]]).astype(np.float64)
    (found,) = session(tmp_path / "made.onnx").run(None, {"inputs": rows})
    np.testing.assert_allclose(found, finished.model.predict(NEW), rtol=1e-6)


class Syllable(Word):
    """Words of another package."""

    type: Literal["syllable"] = "syllable"

    def cut(self, text: str) -> list[str]:
        """Return pairs of letters."""
        return [text[i : i + 2] for i in range(0, len(text), 2)]


def test_a_program_takes_the_tokens_of_another_package(tmp_path):
    with TOKENIZERS.registered(Syllable):
        model = run(tmp_path, tokens={"type": "syllable", "size": 50}).model
        write_numpy(tmp_path / "made.py", Exported.of(tmp_path / "run"), training=False)
        texts = model.encoding.columns.features[0].texts
        given = [[tuple(texts.tokens(text or None).tolist()), size] for text, size in NEW]
        code = (tmp_path / "made.py").read_text(encoding="utf-8")
        assert "Return a tuple of indices of tokens, from 2 on" in code
        (tmp_path / "made.py").write_text(f"{code}\n\npredicted = predict({given!r})\n", encoding="utf-8")
        found = bare(tmp_path / "made.py")["predicted"]
        np.testing.assert_allclose(found, model.predict(NEW), rtol=1e-10)
