from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specnet.data import FORMATS, load_data
from specnet.data.encoding import Encoding
from specnet.data.text import TOKENIZERS
from specnet.data.text.encoded import read_back, shown
from specnet.data.text.vocabulary import Vocabulary

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
KINDS = ["char", "byte", "word", {"type": "bpe", "size": 300}]
TEXT = "It's a bee, a bee (or two)!\n  Bees? Two bees: don't be.\n"


def learnt(tokens, *texts, **special):
    return Vocabulary.learn(texts or (TEXT,), TOKENIZERS.validate(tokens), **special)


def test_characters_are_in_the_order_of_code_points():
    vocabulary = learnt("char", "bca", "é")
    assert vocabulary.tokens == ("<unk>", "a", "b", "c", "é")
    assert vocabulary.encode("abcé").tolist() == [1, 2, 3, 4]


def test_an_unknown_character_is_the_unknown_token_even_beyond_the_last_known_one():
    vocabulary = learnt("char", "abz")
    assert vocabulary.encode("aq~\U0001f600").tolist() == [1, 0, 0, 0]
    assert vocabulary.outside("aq~q") == ["q", "~"]
    assert vocabulary.decode([1, 0]) == "a\ufffd"


def test_words_are_in_the_order_of_their_frequency_and_then_of_code_points():
    vocabulary = learnt("word", "the cat sat", "the end, cat's end. the")
    assert vocabulary.tokens == ("<unk>", "the", "end", ",", ".", "cat", "cat's", "sat")
    assert vocabulary.decode(vocabulary.encode("the end, the dog.")) == "the end, the <unk>."
    assert vocabulary.outside("the dog, the fox") == ["dog", "fox"]


def test_the_end_of_a_line_can_be_a_token_among_words():
    vocabulary = learnt({"type": "word", "line_breaks": True}, "a b\nc\n")
    assert vocabulary.decode(vocabulary.encode("a\nb c")) == "a\nb c"
    assert learnt("word", "a b\nc\n").decode([1, 2]) == "a b"


@pytest.mark.parametrize("kind", ["char", "word"])
def test_a_size_keeps_the_most_frequent_tokens_and_counts_special_ones(kind):
    text = "c c c b b a"
    vocabulary = learnt({"type": kind, "size": 4}, text, padding=True)
    assert len(vocabulary) == 4
    assert set(vocabulary.tokens[2:]) == ({"c", "b"} if kind == "word" else {" ", "c"})
    assert "a" not in learnt({"type": kind, "min_count": 2}, text).tokens


def test_special_tokens_come_first_and_padding_is_0():
    vocabulary = learnt("char", "a", padding=True, begin=True, end=True)
    assert vocabulary.tokens == ("<pad>", "<s>", "</s>", "<unk>", "a")
    found = (vocabulary.padding, vocabulary.begin, vocabulary.end, vocabulary.unknown)
    assert found == (0, 1, 2, 3)
    assert vocabulary.decode([1, 4, 4, 2, 0, 0]) == "aa"


def test_one_token_can_be_both_begin_and_end():
    vocabulary = learnt("byte", boundary=True)
    assert (vocabulary.begin, vocabulary.end, vocabulary.padding, vocabulary.unknown) == (0, 0, None, None)
    assert vocabulary.encode("A").tolist() == [66]


def test_normalization_and_lower_case():
    composed, decomposed = "\u00e9", "e\u0301"
    for kind in ("char", "word", "bpe"):
        vocabulary = learnt(kind, f"{composed} a")
        assert vocabulary.encode(decomposed).tolist() == vocabulary.encode(composed).tolist()
    assert learnt("byte").encode(decomposed).tolist() == list(decomposed.encode())
    assert learnt({"type": "char", "normalization": "nfkc"}, "\ufb01").tokens[1:] == ("f", "i")
    assert learnt({"type": "word", "lowercase": True}, "The the").tokens[1:] == ("the",)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stored_vocabulary_is_the_same(kind):
    vocabulary = learnt(kind, padding=True, boundary=True)
    again = Vocabulary.from_state(json.loads(json.dumps(vocabulary.state())))
    assert again == vocabulary
    assert again.encode(TEXT).tolist() == vocabulary.encode(TEXT).tolist()
    assert (again.padding, again.begin, again.end, again.unknown) == (
        vocabulary.padding, vocabulary.begin, vocabulary.end, vocabulary.unknown,
    )  # fmt: skip
    assert again != learnt(kind, padding=True)


def test_a_model_keeps_the_vocabulary_of_its_data():
    data_format = FORMATS.validate({"type": "inline", "inputs": [[1], [2]], "targets": [0, 1]})
    encoding = load_data(data_format, Path(), seed=0, dtype="float32").encoding
    assert "vocabulary" not in encoding.state()["encoding"]
    vocabulary = learnt("char")
    stored = json.loads(json.dumps(replace(encoding, vocabulary=vocabulary).state()))
    assert Encoding.from_state(stored, data_format).vocabulary == vocabulary
    del stored["encoding"]["vocabulary"]
    assert Encoding.from_state(stored, data_format).vocabulary is None


@given(ANY_TEXT)
@pytest.mark.parametrize("kind", ["byte", {"type": "bpe", "size": 280, "normalization": "none"}])
def test_bytes_express_every_text(kind, text):
    vocabulary = learnt(kind, boundary=True)
    assert vocabulary.decode(vocabulary.encode(text)) == text
    decoder = vocabulary.decoder()
    assert "".join(decoder.push(i) for i in vocabulary.encode(text)) == text
    assert vocabulary.outside(text) == []


@given(ANY_TEXT)
def test_characters_of_the_training_text_come_back(text):
    vocabulary = learnt({"type": "char", "normalization": "none"}, text)
    assert vocabulary.decode(vocabulary.encode(text)) == text
    assert vocabulary.encode(text).dtype == np.int64


def test_a_character_that_is_never_completed_is_replaced():
    vocabulary = learnt("byte")
    decoder = vocabulary.decoder()
    assert [decoder.push(i) for i in "é".encode()] == ["", "é"]
    assert decoder.push(0xC3) == ""
    assert decoder.finish() == "\ufffd"


@given(st.lists(st.binary(max_size=4), max_size=5))
def test_bytes_that_are_shown_can_be_read_back(several):
    texts = [shown(data) for data in several]
    assert [read_back(text) for text in texts] == several
    assert all(text.isprintable() for text in texts)


def merged(word, pair, joined):
    """A word in which each pair is joined, from left to right."""
    out = []
    for part in word:
        if out and (out[-1], part) == pair and out[-1] is not joined:
            out[-1] = joined
        else:
            out.append(part)
    return out


def plain_bpe(text, size):
    """Byte-pair encoding as its definition says: all pairs are counted anew for each token."""
    words = Counter(re.findall(r" ?\w+| ?[^\w\s]+|\s+(?!\S)|\s+", text))
    tokens = [bytes([i]) for i in range(256)]
    cut = {word: [bytes([b]) for b in word.encode()] for word in words}
    while len(tokens) < size:
        pairs = Counter()
        for word, times in words.items():
            for pair in pairwise(cut[word]):
                pairs[pair] += times
        if not pairs or max(pairs.values()) < 2:
            break
        pair = min(pairs, key=lambda p: (-pairs[p], tokens.index(p[0]), tokens.index(p[1])))
        joined = pair[0] + pair[1]
        if joined not in tokens:
            tokens.append(joined)
        cut = {word: merged(parts, pair, joined) for word, parts in cut.items()}
    return tokens, cut


@given(st.text(st.sampled_from("ab c\né!"), max_size=80))
def test_pairs_are_merged_as_the_definition_says(text):
    text = text * 2 + TEXT
    tokens, _ = plain_bpe(text, 290)
    found = learnt({"type": "bpe", "size": 290, "normalization": "none"}, text)
    assert [read_back(token) for token in found.tokens] == tokens


def test_words_of_the_training_text_are_encoded_as_they_were_learnt():
    text = "low lower lowest newer newest wider widest new low low\n" * 3
    tokens, cut = plain_bpe(text, 290)
    vocabulary = learnt({"type": "bpe", "size": 290}, text)
    for word, parts in cut.items():
        assert [tokens[i] for i in vocabulary.encode(word)] == parts


def test_a_vocabulary_stops_growing_where_no_pair_occurs_twice():
    assert len(learnt({"type": "bpe", "size": 1000}, "ab ab")) == 256 + 1


@pytest.mark.parametrize("size", [0, 256])
def test_a_vocabulary_of_pairs_has_room_for_all_bytes(size):
    with pytest.raises(ValueError, match="greater than 256"):
        TOKENIZERS.validate({"type": "bpe", "size": size})
