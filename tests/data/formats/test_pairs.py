"""Pairs of sequences: from a file to the two inputs of a network, and back to text."""

from __future__ import annotations

import numpy as np
import pytest

import specnet
from specnet.data import FORMATS, load_data
from specnet.diagnostics import SpecError

PAIRS = "ab\tBAA\nb\tB\nabc\tCB\n"


@pytest.fixture
def pairs(desk):
    desk.write("pairs.tsv", PAIRS)
    return desk


def load(desk, **fields):
    fields = {"type": "pairs", "path": "pairs.tsv", **fields}
    return load_data(FORMATS.validate(fields), desk.folder, seed=3, dtype="float32")


def document(desk, *, layers=None, **data):
    asked = [
        {"type": "embedding", "name": "question", "inputs": ["source"], "input_dim": 20, "output_dim": 8},
        {
            "type": "bidirectional",
            "name": "read",
            "layers": [{"type": "gru", "units": 4, "return_sequences": True}],
        },
        {"type": "embedding", "name": "answer", "inputs": ["target"], "input_dim": 20, "output_dim": 8},
        {
            "type": "transformer_block",
            "heads": 2,
            "causal": True,
            "positions": "rotary",
            "inputs": ["answer", "read"],
        },
        {"type": "dense", "units": "auto"},
    ]
    return {
        "specnet": 1,
        "dtype": "float64",
        "data": {"type": "pairs", "path": str(desk.folder / "pairs.tsv"), **data},
        "inputs": {"source": {"array": "source"}, "target": {"array": "target"}},
        "layers": layers or asked,
        "loss": "cross_entropy",
        "metrics": ["accuracy", "exact_match"],
        "training": {"epochs": 2, "batch_size": 2},
    }


def test_a_target_is_shown_a_step_late(pairs):
    data = load(pairs)
    vocabulary = data.encoding.vocabulary
    assert vocabulary.tokens == ("<pad>", "<s>", "</s>", "<unk>", "A", "B", "C", "a", "b", "c")
    x, y = data.splits["train"].inputs, data.splits["train"].targets
    source, target = x[:, :3], x[:, 3:]
    assert source.tolist() == [[7, 8, 0], [8, 0, 0], [7, 8, 9]]
    assert target.tolist() == [[1, 5, 4, 4], [1, 5, 0, 0], [1, 6, 5, 0]]
    assert y.tolist() == [[5, 4, 4, 2], [5, 2, 0, 0], [6, 5, 2, 0]]
    assert [(s.name, s.shape, s.kind) for s in data.signature.column_slices] == [
        ("source", (3,), "tokens"),
        ("target", (4,), "tokens"),
    ]


def test_longer_sequences_are_truncated(pairs):
    x = load(pairs, source_length=2, target_length=2).splits["train"].inputs
    assert x.tolist() == [[7, 8, 1, 5], [8, 0, 1, 5], [7, 8, 1, 6]]


def test_the_vocabulary_is_that_of_the_training_pairs(pairs):
    pairs.write("other.tsv", "xa\tA\n")
    data = load(pairs, test={"path": "other.tsv"})
    assert data.splits["test"].inputs[0].tolist() == [3, 7, 0, 1, 4, 0, 0]
    drawn = load(pairs, split={"test": 0.4})
    assert len(drawn.encoding.vocabulary) < 10


def test_padding_of_sources_and_targets_has_no_influence(pairs):
    model = specnet.run(document(pairs)).model
    longer = specnet.run(document(pairs, source_length=6, target_length=7)).model
    for name, value in model.parameters.items():
        longer.parameters[name][...] = value
    rows = [("ab", "BAA"), ("b", "B"), ("abc", "CB")]
    short, long = model.predict(rows), longer.predict(rows)
    assert (short.shape, long.shape) == ((3, 4, 10), (3, 7, 10))
    for i, (_, target) in enumerate(rows):
        steps = len(target) + 1
        np.testing.assert_allclose(short[i, :steps], long[i, :steps], rtol=1e-10)


def test_the_greedy_answer_is_what_exact_match_counts(pairs):
    result = specnet.run(
        document(pairs) | {"training": {"epochs": 150, "batch_size": 3, "optimizer": "adam"}}
    )
    assert result.splits["train"]["exact_match"] == 1.0
    for source, target in (("ab", "BAA"), ("b", "B"), ("abc", "CB")):
        assert result.model.generate(source=source, temperature=0).text == target
    with pytest.raises(ValueError, match=r"`source` has 4 tokens, and the model takes 1 to 3"):
        result.model.generate(source="abca")


def test_files_of_pairs_are_evaluated_and_predicted(pairs, tmp_path):
    result = specnet.run(document(pairs), out=tmp_path / "run")
    evaluation = specnet.evaluate(tmp_path / "run", pairs.folder / "pairs.tsv").splits["data"]
    assert evaluation["loss"] == pytest.approx(result.splits["train"]["loss"], rel=1e-12)
    model = specnet.load_run(tmp_path / "run")
    rows = [("ab", "BAA"), ("abc", "CB")]
    np.testing.assert_array_equal(model.predict(rows), result.model.predict(rows))


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        ("ab\n", "SN546", "line 1 of `pairs.tsv` has no tab"),
        ("a\tb\n\tb\n", "SN546", "line 2 of `pairs.tsv` has no source"),
        ("a\t\nb\tb\n", "SN546", "line 1 of `pairs.tsv` has no target"),
        ("a\tb\tc\n", "SN546", "line 1 of `pairs.tsv` has a second tab"),
        ("", "SN506", "`pairs.tsv` holds no pairs"),
        (b"\xff\t\xff\n", "SN503", "`pairs.tsv` is not text in utf-8"),
    ],
)
def test_lines_that_are_no_pairs(desk, content, code, message):
    desk.write("pairs.tsv", content)
    with pytest.raises(SpecError) as caught:
        load(desk)
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert found.message.startswith(message)


@pytest.mark.parametrize(("fields", "code"), [({"transforms": [{"type": "standardize"}]}, "SN560")])
def test_tokens_are_no_numbers(pairs, fields, code):
    with pytest.raises(SpecError) as caught:
        load(pairs, **fields)
    assert code in [found.code for found in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ([7, 0, 8, 1, 4, 0, 0], "padding before its last step"),
        ([7, 8, 0, 1, 0, 4, 0], "padding before its last step"),
    ],
)
def test_padding_within_either_sequence_is_named(pairs, row, why):
    model = specnet.run(document(pairs)).model
    with pytest.raises(SpecError, match=f"row 1 of the data has {why}"):
        model.predict([row])


def test_inputs_have_to_be_named(pairs):
    asked = document(
        pairs,
        layers=[{"type": "embedding", "input_dim": 20, "output_dim": 8}, {"type": "dense", "units": 10}],
    )
    del asked["inputs"]
    (found,) = specnet.validate(asked).diagnostics
    assert found.code == "SN312"
    assert found.help == 'write in [inputs]: `source = { array = "source" }`, `target = { array = "target" }`'
