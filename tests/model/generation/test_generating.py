"""Sequences as users get them: texts, stops, seeds and samples."""

from __future__ import annotations

import numpy as np
import pytest

import specnet
from specnet.data.text import TOKENIZERS
from specnet.data.text.vocabulary import Vocabulary
from specnet.diagnostics import RunError
from specnet.model.generation.task import NotGenerating
from specnet.model.generation.texts import Cut, VocabularyTokens
from tests.support.streaming import TOKENS, language_model

LSTM = [{"type": "lstm", "units": 5, "return_sequences": True}]
ALPHABET = "abcdef\n"


@pytest.fixture
def model():
    return language_model(LSTM, 6)


@pytest.fixture
def spelling(model):
    """A model whose seven tokens are characters."""
    model.encoding.vocabulary = vocabulary(ALPHABET[:-1])
    return model


def vocabulary(text, **special):
    return Vocabulary.learn([text], TOKENIZERS.validate("char"), **special)


def counting():
    """Return a model that predicts the next number, which is nearly certain."""
    model = language_model([], 6)
    for array in model.parameters.values():
        array[...] = 0.0
    model.parameters["embedding_1.embeddings"][:, :TOKENS] = np.eye(TOKENS)
    following = np.roll(np.eye(TOKENS), 1, axis=1)
    model.parameters["dense_1.kernel"][:TOKENS] = 30.0 * following
    return model


def test_tokens_come_one_at_a_time_and_are_computed_when_they_are_asked_for(monkeypatch):
    model = counting()
    made = model.generate([2], tokens=3, n=2)
    fed = []
    feed = made._stream.feed
    monkeypatch.setattr(made._stream, "feed", lambda tokens: fed.append(tokens.tolist()) or feed(tokens))
    found = [next(made), next(made)]
    assert fed == [[[2], [2]]]
    assert [(t.sample, t.token, t.text) for t in found] == [(0, 3, "3"), (1, 3, "3")]
    assert next(made).token == 4
    assert fed == [[[2], [2]], [[3], [3]]]
    assert [t.token for t in made] == [4, 5, 5]
    # Nothing is computed after the last token.
    assert fed == [[[2], [2]], [[3], [3]], [[4], [4]]]
    assert [sample.text for sample in made.samples] == ["3 4 5", "3 4 5"]
    assert {sample.ended for sample in made.samples} == {"tokens"}


def test_log_probabilities_are_those_of_the_model_whatever_the_temperature(model):
    made = model.generate([1, 2], tokens=4, temperature=0.3, top_k=2).finish()
    (sample,) = made.samples
    sequence = np.array([[1, 2, *sample.tokens]])
    whole = np.log(model.predict(sequence))[0]
    expected = [whole[1 + t, token] for t, token in enumerate(sample.tokens)]
    np.testing.assert_allclose(sample.log_probabilities, expected, 1e-10)
    assert sample.log_probability == pytest.approx(sum(expected))


def test_the_same_seed_gives_the_same_sequences_and_another_one_others(model):
    def texts(**more):
        return [sample.text for sample in model.generate([0], tokens=30, n=3, **more).finish().samples]

    assert texts() == texts(seed=0)
    assert texts() != texts(seed=1)
    assert len(set(texts())) == 3


def test_a_sample_does_not_depend_on_how_many_there_are(model):
    one, three = (model.generate([0], tokens=30, n=n).finish().samples for n in (1, 3))
    assert one[0].tokens == three[0].tokens


def test_greedy_generation_is_repeated_argmax(model):
    tokens = [1, 4]
    made = model.generate(tokens, tokens=4, temperature=0).finish().samples[0].tokens
    for token in made:
        padded = np.array([[*tokens, *[0] * (6 - len(tokens))]])
        assert token == model.predict(padded)[0, len(tokens) - 1].argmax()
        tokens.append(token)


def test_text_is_encoded_and_decoded(spelling):
    made = spelling.generate("abc", tokens=20, seed=3)
    text = "".join(token.text for token in made)
    (sample,) = made.samples
    assert text == sample.text == spelling.encoding.vocabulary.decode(sample.tokens)
    assert spelling.generate("abc", tokens=20, seed=3).text == text
    same = spelling.encoding.vocabulary.encode("abc")
    assert spelling.generate(same, tokens=20, seed=3).text == text


def test_unknown_and_padding_tokens_are_never_generated(spelling):
    words = spelling.encoding.vocabulary
    assert words.unknown is not None
    made = spelling.generate("a", tokens=200, n=3, temperature=5.0).finish()
    assert all(words.unknown not in sample.tokens for sample in made.samples)


def test_a_prompt_with_characters_outside_the_vocabulary_names_them(spelling):
    with pytest.raises(ValueError, match=r"the prompt contains `x`, `ü`, which the training data"):
        spelling.generate("axbü")


def test_an_empty_prompt_needs_something_to_begin_with(spelling):
    with pytest.raises(ValueError, match="the prompt is empty, and the model has no begin token"):
        spelling.generate("")
    spelling.encoding.vocabulary = vocabulary(ALPHABET[1:])
    line = spelling.encoding.vocabulary.encode("\n").tolist()
    assert spelling.generate("", seed=2).text == spelling.generate(line, seed=2).text


def test_a_text_begins_and_ends_with_the_tokens_for_that():
    model = counting()
    # 0 is the boundary, 1 the unknown token, and the letters follow.
    model.encoding.vocabulary = vocabulary("abcde", boundary=True)
    assert model.encoding.vocabulary.tokens[:3] == ("<|>", "<unk>", "a")
    made = model.generate("c", tokens=50, temperature=0)
    assert made.text == "de"
    (sample,) = made.samples
    assert sample.tokens[-1] == model.encoding.vocabulary.end
    assert sample.ended == "end"
    assert made.ends


@pytest.mark.parametrize(
    ("stop", "text"),
    [("5", "3 4 "), (["6 0", "5 6"], "3 4 "), (["nothing"], "3 4 5 6 0"), (["4 5 6"], "3 ")],
)
def test_a_text_ends_before_the_first_stop(stop, text):
    model = counting()
    model.encoding.vocabulary = None
    with pytest.raises(ValueError, match="stop at tokens"):
        model.generate([2], stop=stop)
    cut = Cut([stop] if isinstance(stop, str) else stop)
    pieces = []
    for piece in ("3", " 4", " 5", " 6", " 0"):
        pieces.append(cut.push(piece))
        if cut.ended:
            break
    assert "".join([*pieces, cut.finish()]) == text


def test_what_may_begin_a_stop_is_kept_back_until_it_does_not():
    cut = Cut(["abc"])
    assert [cut.push(piece) for piece in ("xa", "b", "d", "ab")] == ["x", "", "abd", ""]
    assert not cut.ended
    assert cut.finish() == "ab"


def test_a_stop_ends_a_text_and_is_not_part_of_it():
    model = counting()
    model.encoding.vocabulary = vocabulary("abcdef")
    made = model.generate("a", tokens=50, temperature=0, stop="de")
    assert [token.text for token in made] == ["b", "c", "", ""]
    assert made.samples[0].text == "bc"
    assert made.samples[0].ended == "stop"
    assert model.generate("a", tokens=3, temperature=0, stop="de").text == "bcd"


def test_a_model_without_a_vocabulary_stops_at_tokens():
    made = counting().generate([2], stop=5, temperature=0).finish()
    assert made.samples[0].tokens == [3, 4, 5]
    assert made.samples[0].text == "3 4"
    assert made.samples[0].ended == "stop"


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ([7], "the prompt contains the token 7, and they go from 0 to 6"),
        ([-1], "the prompt contains the token -1, and they go from 0 to 6"),
        ([0.5], "the prompt must be a string, or a sequence of whole numbers"),
        ([[1, 2]], "the prompt must be a string, or a sequence of whole numbers"),
        (
            "1 x",
            "the model has no vocabulary, and the prompt must be indices of tokens such as `3 1 4`, not `1 x`",
        ),
        (None, "the prompt is empty"),
        ([], "the prompt is empty"),
    ],
    ids=str,
)
def test_prompts_that_are_no_tokens_are_refused(model, prompt, message):
    with pytest.raises(ValueError, match=message):
        model.generate(prompt)


def test_indices_may_be_given_as_text(model):
    assert model.generate("1 2, 3").text == model.generate([1, 2, 3]).text


def test_parameters_that_are_not_finite_end_in_an_error(model):
    model.parameters["dense_1.kernel"][...] = np.nan
    with pytest.raises(RunError, match="the model predicts NaN"):
        next(model.generate([1]))


def test_a_source_is_for_models_that_read_one(model):
    with pytest.raises(ValueError, match="the model takes no source"):
        model.generate([1], source=[1, 2])


def of(layers, inputs, targets, loss="cross_entropy", **more):
    spec = {
        "specnet": 1,
        "data": {"type": "arrays"},
        "loss": loss,
        "layers": layers,
        **more,
    }
    return specnet.compile(spec, data=(inputs, targets))


INDICES = np.arange(60).reshape(10, 6) % TOKENS
EMBEDDING = {"type": "embedding", "input_dim": TOKENS, "output_dim": 4}
LOGITS = {"type": "dense", "units": TOKENS}


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            lambda: of([{"type": "dense", "units": 3}], np.eye(6), np.arange(6) % 3),
            "none of its inputs is a sequence of tokens",
        ),
        (
            lambda: of(
                [EMBEDDING, {"type": "flatten"}, {"type": "dense", "units": 3}], INDICES, np.arange(10) % 3
            ),
            r"it predicts \(3,\) for an input \(6,\) of 7 tokens, and not a probability for each token",
        ),
        (
            lambda: of([EMBEDDING, {"type": "dense", "units": 1}], INDICES, INDICES[..., None] * 0.5, "mse"),
            "mse does not give probabilities of tokens",
        ),
        (
            lambda: language_model([{"type": "bidirectional", "layers": LSTM}], 6),
            r"bidirectional_1 \(bidirectional\) goes through the steps of a sequence in both directions",
        ),
        (
            lambda: language_model([{"type": "transformer_block", "name": "block"}], 6),
            r"block \(transformer_block\) sees steps ahead: it is not causal",
        ),
    ],
    ids=["classifier", "text classifier", "regression", "bidirectional", "not causal"],
)
def test_a_model_that_cannot_generate_says_why(model, message):
    with pytest.raises(NotGenerating, match=message):
        model().generate([1])


def test_a_fixed_context_is_filled_with_the_begin_token():
    inputs = INDICES[:, :3]
    model = of([EMBEDDING, {"type": "flatten"}, LOGITS], inputs, np.arange(10) % TOKENS, dtype="float64")
    with pytest.raises(ValueError, match="the prompt has 1 token, and the model predicts from the 3 before"):
        model.generate([1])
    model.encoding.vocabulary = vocabulary("abcde", boundary=True)
    assert model.encoding.vocabulary.begin == 0
    (sample,) = model.generate("a", tokens=3, temperature=0).finish().samples
    token = 2  # what `a` is
    first = np.log(model.predict([[0, 0, token]]))[0]
    first[1] = -np.inf  # the unknown token
    assert sample.tokens[0] == first.argmax()


def test_outputs_that_stand_for_no_token_are_never_generated(tmp_path):
    (tmp_path / "t.txt").write_text("abcabcab" * 8)
    spec = {
        "specnet": 1,
        "data": {"type": "text", "path": str(tmp_path / "t.txt"), "tokens": "char", "block": 4},
        "loss": "cross_entropy",
        "layers": [
            {"type": "embedding", "name": "tokens", "input_dim": 20, "output_dim": 4},
            *LSTM,
            {"type": "dense", "units": 4},
            {"type": "dense", "tie": "tokens"},
        ],
    }
    model = specnet.compile(spec)
    made = model.generate("a", tokens=100, temperature=9.0)
    assert set(made.text) == set("abc")
    assert made.prompt == "a"


def test_words_of_a_vocabulary_without_special_tokens_may_all_be_generated():
    assert VocabularyTokens(Vocabulary.learn(["ab"], TOKENIZERS.validate("byte"))).never == ()


def test_a_mean_of_models_does_not_generate():
    spec = {
        "specnet": 1,
        "data": {"type": "arrays", "split": {"folds": 2}},
        "loss": "cross_entropy",
        "layers": [EMBEDDING, *LSTM, LOGITS],
        "training": {"epochs": 1},
    }
    model = specnet.run(spec, data=(INDICES, (INDICES + 1) % TOKENS)).model
    with pytest.raises(ValueError, match=r"model\.models\[0\]\.generate"):
        model.generate([1])
    assert model.models[0].generate([1], tokens=2).text
