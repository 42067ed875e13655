"""What a page shows of models over tokens."""

from __future__ import annotations

import math

import numpy as np
import pytest

import specnet
from specnet.reporting.predictions import calibration, confusion, predicted
from specnet.runs.compiling import compile_spec
from tests.support.text_models import text_document

pytest.importorskip("matplotlib")

from specnet.reporting.html.language import attention_maps, samples_of, worst_sequences

CAUSAL = {"type": "transformer_block", "heads": 2, "causal": True, "positions": "rotary"}
NAMES = ["anna", "bo", "abba", "nabob", "ono", "banana"]


def compiled(tmp_path, *layers, **data):
    return compile_spec(specnet.load(text_document(tmp_path, NAMES * 3, list(layers), **data)))


def test_samples_of_a_model_of_documents_are_lines(tmp_path):
    model, data = compiled(tmp_path, CAUSAL, lines="documents")
    found = samples_of(model, data.splits["train"])
    assert (found.prompt, found.lines, len(found.texts)) == ("", True, 10)
    made = model.generate(n=10, tokens=200).finish()
    assert found.texts == tuple(sample.text for sample in made.samples)


def test_samples_of_a_model_of_text_continue_a_held_out_example(tmp_path):
    learned = [{"type": "positional_embedding"}, {"type": "transformer_block", "causal": True}]
    model, data = compiled(tmp_path, *learned, tokens="char", block=20)
    found = samples_of(model, data.splits["train"])
    words = model.encoding.vocabulary
    assert found.prompt == words.decode(np.asarray(data.splits["train"].at(np.arange(1))[0])[0][:10])
    # No sample reads the last block again for each token.
    assert [len(text) for text in found.texts] == [4, 4, 4]


def test_a_model_that_does_not_generate_has_no_samples(tmp_path):
    model, data = compiled(tmp_path, {"type": "transformer_block"}, lines="documents")
    assert samples_of(model, data.splits["train"]) is None
    data = {"type": "builtin", "name": "iris"}
    spec = {"specnet": 1, "data": data, "loss": "cross_entropy", "layers": [{"type": "dense", "units": 3}]}
    model, data = compile_spec(specnet.load(spec))
    assert samples_of(model, data.splits["train"]) is None
    assert worst_sequences(model, predicted(model, data, "train")[0], data) is None
    assert attention_maps(model, data.splits["train"]) == []


def test_worst_sequences_have_the_loss_of_each_token(tmp_path):
    model, data = compiled(tmp_path, CAUSAL, lines="documents")
    (given,) = predicted(model, data, "train")
    rows = worst_sequences(model, given, data)
    assert [row.cost for row in rows] == sorted((row.cost for row in rows), reverse=True)
    inputs, targets, *_ = data.splits["train"].at(np.arange(len(data.splits["train"])))
    words = model.encoding.vocabulary
    for row in rows:
        text = words.decode(np.asarray(targets)[row.number - 1])
        # Padding is no token; the end is.
        assert [token for token, _, _ in row.tokens] == [*text, words.tokens[words.end]]
        probabilities = model.forward(np.asarray(inputs)[row.number - 1][None])[0]
        for t, (_, cost, share) in enumerate(row.tokens):
            target = int(np.asarray(targets)[row.number - 1][t])
            assert cost == pytest.approx(-math.log(probabilities[t, target]))
            assert share == pytest.approx(min(1.0, cost / (2 * math.log(len(words)))))


def test_attention_maps_have_each_head_of_each_layer(tmp_path):
    repeated = {"type": "sequential", "repeat": 2, "layers": [CAUSAL]}
    model, data = compiled(tmp_path, repeated, {**CAUSAL, "name": "last"}, lines="documents")
    found = attention_maps(model, data.splits["train"])
    assert [each.name.split(".")[-1] for each in found] == [
        "transformer_block_1, 1",
        "transformer_block_1, 2",
        "last",
    ]
    assert all(len(each.heads) == 2 for each in found)
    assert len({head for each in found for head in each.heads}) == 6


def pairs(folder, **data):
    lines = [f"{word}\t{word[::-1]}" for word in (*NAMES, "<b>&x")]
    (folder / "pairs.tsv").write_text("\n".join(lines) + "\n")
    document = {
        "specnet": 1,
        "dtype": "float64",
        "data": {"type": "pairs", "path": str(folder / "pairs.tsv"), **data},
        "inputs": {"source": {"array": "source"}, "target": {"array": "target"}},
        "layers": [
            {"type": "embedding", "inputs": ["source"], "output_dim": 8},
            {"type": "gru", "name": "read", "units": 8, "return_sequences": True},
            {"type": "embedding", "name": "written", "inputs": ["target"], "output_dim": 8},
            {**CAUSAL, "inputs": ["written", "read"]},
            {"type": "dense", "units": "auto"},
        ],
        "loss": "cross_entropy",
        "metrics": ["accuracy"],
        "training": {"epochs": 1},
    }
    return lines, document


def test_worst_pairs_have_their_source_and_what_the_model_writes(tmp_path):
    lines, document = pairs(tmp_path)
    model, data = compile_spec(specnet.load(document))
    (given,) = predicted(model, data, "train")
    rows = worst_sequences(model, given, data)
    assert sorted(row.number for row in rows) == list(range(1, len(lines) + 1))
    assert [row.cost for row in rows] == sorted((row.cost for row in rows), reverse=True)
    for row in rows:
        source, target = lines[row.number - 1].split("\t")
        tokens = [token for token, _, _ in row.tokens]
        assert tokens == [*target, model.encoding.vocabulary.tokens[model.encoding.vocabulary.end]]
        written = model.generate(source=source, tokens=len("banana") + 1, temperature=0).text
        assert row.pair == (source, written)
        # Padding counts nothing: the loss of a row is the mean over its own tokens.
        assert row.cost == pytest.approx(np.mean([cost for _, cost, _ in row.tokens]))


def test_padding_is_no_prediction(tmp_path):
    lines, document = pairs(tmp_path)
    model, data = compile_spec(specnet.load(document))
    (given,) = predicted(model, data, "train")
    assert given.counted.sum() == sum(len(line.split("\t")[1]) + 1 for line in lines)
    assert confusion(given).sum() == given.counted.sum()
    assert sum(calibration(given).rows) == given.counted.sum()
    accuracy = (given.read == given.targets)[given.counted].mean()
    assert model.measure(data.splits).splits["train"]["accuracy"] == pytest.approx(accuracy)


def test_a_model_of_one_sequence_has_no_pairs(tmp_path):
    model, data = compiled(tmp_path, CAUSAL, lines="documents")
    (given,) = predicted(model, data, "train")
    assert {row.pair for row in worst_sequences(model, given, data)} == {None}
