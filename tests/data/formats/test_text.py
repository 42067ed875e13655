from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest

import specnet
from specnet.data import FORMATS, Encoding, load_data, open_data, row_files
from specnet.data.labelled import labelled_rows
from specnet.data.streamed import taken
from specnet.data.text.token_array import token_array
from specnet.diagnostics import SpecError

SONG = "abcdefghij" * 10


def load(desk, *, seed=3, **fields):
    return load_data(FORMATS.validate({"type": "text", **fields}), desk.folder, seed=seed, dtype="float32")


def text_of(data, indices):
    return data.encoding.vocabulary.decode(np.asarray(indices).astype(int))


def rows(held):
    return taken(held, np.arange(len(held))).astype(int)


def codes(desk, **fields):
    with pytest.raises(SpecError) as caught:
        load(desk, **fields)
    return [(d.code, d.message, d.path, d.help) for d in caught.value.diagnostics]


def refused(**fields):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the message is looked at
        FORMATS.validate({"type": "text", "path": "song.txt", **fields})
    return str(caught.value)


# One long text


@pytest.fixture
def song(desk):
    desk.write("song.txt", SONG)
    return desk


def test_targets_are_the_tokens_that_follow(song):
    data = load(song, path="song.txt", block=8)
    train = data.splits["train"]
    inputs, targets = rows(train.inputs), rows(train.targets)
    assert [text_of(data, row) for row in inputs[:2]] == ["abcdefgh", "ijabcdef"]
    assert [text_of(data, row) for row in targets[:2]] == ["bcdefghi", "jabcdefg"]
    # 100 characters have 99 that follow one: 12 blocks of 8, and 3 are left out.
    assert inputs.shape == targets.shape == (12, 8)
    assert data.signature.rows == {"train": 12}
    assert (data.signature.tokens, data.signature.padding) == (11, None)
    assert data.signature.classes == data.encoding.vocabulary.tokens


def test_validation_and_test_are_the_ends_of_the_text(song):
    data = load(song, path="song.txt", block=4, split={"validation": 0.2, "test": 0.1})
    parts = {name: "".join(text_of(data, row) for row in rows(s.inputs)) for name, s in data.splits.items()}
    assert list(parts) == ["train", "validation", "test"]
    # 70, 20 and 10 characters, of which the last ones are only targets.
    assert [len(part) for part in parts.values()] == [68, 16, 8]
    assert all(SONG.startswith(part) for part in parts.values())


def test_every_token_of_the_validation_text_is_a_target_once(desk):
    desk.write("song.txt", "".join(chr(200 + i) for i in range(60)))
    data = load(desk, path="song.txt", block=7, split={"validation": 0.5})
    found = rows(data.splits["validation"].targets).ravel()
    # None of them is in the training text.
    assert found.tolist() == [data.encoding.vocabulary.unknown] * 28


def test_a_stride_begins_examples_closer_to_each_other_in_training_alone(song):
    data = load(song, path="song.txt", block=8, stride=1, split={"validation": 0.2})
    assert data.signature.rows == {"train": 72, "validation": 2}
    inputs = rows(data.splits["train"].inputs)
    np.testing.assert_array_equal(inputs[1:, :-1], inputs[:-1, 1:])


def test_the_vocabulary_is_that_of_the_training_text(desk):
    desk.write("song.txt", "ab" * 20 + "xyz" * 5)
    data = load(desk, path="song.txt", block=4, split={"validation": 0.25})
    assert data.encoding.vocabulary.tokens == ("<unk>", "a", "b", "x")


def test_files_follow_each_other_and_splits_have_their_own(desk):
    for name in "abc":
        desk.write(f"{name}.txt", name * 10)
    data = load(
        desk, path=["a.txt", "b.txt"], block=3, validation={"path": "a.txt"}, test={"path": ["c.txt"]}
    )
    assert text_of(data, rows(data.splits["train"].inputs).ravel()) == "a" * 10 + "b" * 8
    assert data.encoding.vocabulary.tokens == ("<unk>", "a", "b")
    assert set(rows(data.splits["test"].inputs).ravel()) == {0}
    assert [name for name, _ in data.sources] == ["a.txt", "b.txt", "c.txt"]


@pytest.mark.parametrize("tokens", ["byte", "word", {"type": "bpe", "size": 300}])
def test_a_text_read_by_blocks_has_the_tokens_of_the_whole(tokens, desk, monkeypatch):
    text = "It's a  bee,\n\n a bée (or two)! " * 40
    desk.write("song.txt", text)
    whole = load(desk, path="song.txt", block=16, tokens=tokens)
    monkeypatch.setattr("specnet.data.text.files.BLOCK", 13)
    cut = load(desk, path="song.txt", block=16, tokens=tokens)
    assert cut.encoding.vocabulary == whole.encoding.vocabulary
    np.testing.assert_array_equal(rows(cut.splits["train"].inputs), rows(whole.splits["train"].inputs))
    encoded = whole.encoding.vocabulary.encode(text)
    assert (
        rows(cut.splits["train"].inputs).ravel().tolist() == encoded[: (len(encoded) - 1) // 16 * 16].tolist()
    )


def test_examples_are_views_of_one_array_of_small_numbers(desk):
    desk.write("song.txt", "abcdefghij" * 20_000)
    tracemalloc.start()
    try:
        data = load(desk, path="song.txt", block=64, stride=1)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert data.signature.rows["train"] == 200_000 - 64
    assert held < 4 * 200_000


def test_a_large_text_is_held_in_a_file():
    pieces = [np.arange(start, start + 100) % 300 for start in range(0, 1000, 100)]
    small, large = (token_array(pieces, 300, limit) for limit in (10_000, 500))
    assert not isinstance(small, np.memmap)
    assert isinstance(large, np.memmap)
    assert small.dtype == large.dtype == np.uint16
    np.testing.assert_array_equal(small, large)
    assert token_array([], 300).shape == (0,)


@pytest.mark.parametrize(
    ("fields", "code", "key", "message"),
    [
        ({"block": 100}, "SN545", ("block",), "the train text has 100 tokens, and an example needs 100"),
        ({"block": 30, "split": {"validation": 0.3}}, "SN545", ("split", "validation"), "has 30 tokens"),
        ({"path": "empty.txt"}, "SN506", ("path",), "`empty.txt` holds no text"),
        ({"path": ["song.txt", "none.txt"]}, "SN501", ("path", 1), "there is no file `none.txt`"),
        ({"transforms": ["standardize"]}, "SN560", ("transforms",), "the inputs are indices of tokens"),
        ({"augmentations": ["mixup"]}, "SN580", ("augmentations",), "the inputs are indices of tokens"),
        ({"path": "latin.txt"}, "SN503", ("path",), "not text in utf-8: line 2 has the byte 0xe9"),
        ({"test": {"path": "latin.txt"}}, "SN503", ("test", "path"), "line 2 has the byte 0xe9"),
    ],
)
def test_what_is_wrong_with_a_text_is_said_at_its_key(fields, code, key, message, song):
    song.write("empty.txt", "")
    song.write("latin.txt", "un\ncafé\n".encode("latin-1"))
    ((found, said, path, help_),) = codes(song, **{"path": "song.txt", "block": 8, **fields})
    assert (found, path) == (code, key) or (found, path) == (code, ("data", *key))
    assert message in said
    assert help_ or code in ("SN506", "SN501")


def test_latin_1_is_read_where_the_document_says_so(desk):
    desk.write("song.txt", ("café " * 20).encode("latin-1"))
    data = load(desk, path="song.txt", block=8, encoding="latin-1")
    assert text_of(data, rows(data.splits["train"].inputs)[0]) == "café caf"
    ((_, _, _, help_),) = codes(desk, path="song.txt", block=8)
    assert help_ == 'write `encoding = "latin-1"`, which it seems to be'


def test_a_byte_order_mark_is_no_part_of_the_text(desk):
    desk.write("song.txt", b"\xef\xbb\xbf" + b"abc" * 10)
    assert load(desk, path="song.txt", block=8).encoding.vocabulary.tokens == ("<unk>", "a", "b", "c")


# Documents


@pytest.fixture
def names(desk):
    desk.write("names.txt", "".join(f"{name}\n" for name in ("ann", "bo", "cara", "dan", "eve", "fay")))
    return desk


def test_a_document_is_predicted_from_its_beginning_to_its_end(names):
    data = load(names, path="names.txt", lines="documents")
    vocabulary, train = data.encoding.vocabulary, data.splits["train"]
    assert vocabulary.tokens[:2] == ("<|>", "<unk>")
    inputs, targets = rows(train.inputs), rows(train.targets)
    assert inputs.shape == targets.shape == (6, 5)
    bo = vocabulary.encode("bo").tolist()
    assert inputs[1].tolist() == [0, *bo, 0, 0]
    assert targets[1].tolist() == [*bo, 0, 0, 0]
    assert data.signature.padding == "boundary"
    assert data.signature.target == (5,)


def test_longer_documents_are_truncated_without_an_end(names):
    names.write("long.txt", "caracara\n")
    for truncate, wanted in (("end", "carac"), ("start", "acara")):
        data = load(names, path="names.txt", lines="documents", truncate=truncate, test={"path": "long.txt"})
        test = data.splits["test"]
        if truncate == "end":
            assert text_of(data, rows(test.targets)[0]) == wanted
            assert rows(test.inputs)[0][0] == data.encoding.vocabulary.begin
        else:
            assert text_of(data, rows(test.inputs)[0]) == wanted
            assert rows(test.targets)[0][-1] == data.encoding.vocabulary.end


def test_documents_of_a_split_are_drawn_at_random(names):
    data = load(names, path="names.txt", lines="documents", split={"test": 0.5})
    assert data.signature.rows == {"train": 3, "test": 3}
    trained = {text_of(data, row) for row in rows(data.splits["train"].inputs)}
    known = set(data.encoding.vocabulary.tokens[2:])
    assert known == set("".join(trained))


def test_a_context_makes_an_example_of_each_token(names):
    data = load(names, path="names.txt", lines="documents", context=3)
    vocabulary, train = data.encoding.vocabulary, data.splits["train"]
    assert vocabulary.tokens[:2] == ("<|>", "<unk>")
    assert (data.signature.padding, data.signature.integers) == (None, True)
    inputs, targets = rows(train.inputs), train.targets
    assert (
        len(inputs)
        == len(targets)
        == sum(len(name) + 1 for name in ("ann", "bo", "cara", "dan", "eve", "fay"))
    )
    shown = ["".join(vocabulary.tokens[i] for i in row) for row in inputs.tolist()]
    assert shown[:8] == ["<|><|><|>", "<|><|>a", "<|>an", "ann", "<|><|><|>", "<|><|>b", "<|>bo", "<|><|><|>"]
    assert "".join(vocabulary.tokens[i] for i in targets[:7]) == "ann<|>bo<|>"


def test_the_tokens_of_a_document_are_in_one_split(desk):
    desk.write("names.txt", "".join(f"{letter * 3}\n" for letter in "abcdefghij"))
    data = load(desk, path="names.txt", lines="documents", context=2, split={"validation": 0.2, "test": 0.3})
    assert data.signature.rows == {"train": 20, "validation": 8, "test": 12}
    assert len(data.encoding.vocabulary) == 2 + 5
    whole = load(desk, path="names.txt", lines="documents", split={"validation": 0.2, "test": 0.3})
    # They are the documents that a model of whole lines has.
    assert data.encoding.vocabulary.tokens == whole.encoding.vocabulary.tokens


def test_without_an_unknown_token_text_outside_the_vocabulary_is_refused(names):
    tokens = {"type": "char", "unknown": False}
    data = load(names, path="names.txt", lines="documents", tokens=tokens)
    assert data.encoding.vocabulary.tokens[:2] == ("<|>", "a")
    with pytest.raises(specnet.RunError, match="has characters that the vocabulary lacks: `x`, `!`"):
        data.encoding.encode(["axa!"])
    names.write("others.txt", "xa\n")
    found = codes(names, path="names.txt", lines="documents", tokens=tokens, test={"path": "others.txt"})
    assert [code for code, *_ in found] == ["SN548"]


def test_padding_after_the_end_of_documents_costs_nothing(names):
    layers = [
        {"type": "embedding", "input_dim": 13, "output_dim": 4},
        {"type": "gru", "units": 4, "return_sequences": True},
        {"type": "dense", "units": "auto"},
    ]
    document = {
        "specnet": 1,
        "dtype": "float64",
        "data": {"type": "text", "path": str(names.folder / "names.txt"), "lines": "documents"},
        "layers": layers,
        "loss": "cross_entropy",
        "metrics": ["perplexity"],
        "training": {"epochs": 1, "batch_size": 2},
    }
    result = specnet.run(document)
    words = ("ann", "bo", "cara", "dan", "eve", "fay")
    vocabulary = load(names, path="names.txt", lines="documents").encoding.vocabulary
    costs = []
    for word, p in zip(words, result.model.predict(list(words)), strict=True):
        targets = [*vocabulary.encode(word), vocabulary.end]
        costs += [-np.log(p[i, target]) for i, target in enumerate(targets)]
    assert result.splits["train"]["loss"] == pytest.approx(np.mean(costs), rel=1e-12)
    assert result.splits["train"]["perplexity"] == pytest.approx(np.exp(np.mean(costs)), rel=1e-9)


@pytest.mark.parametrize("context", [None, 3])
def test_an_empty_document_is_named(context, names):
    names.write("names.txt", "ann\n\nbo\n\n\n")
    ((code, message, path, _),) = codes(names, path="names.txt", lines="documents", context=context)
    assert (code, message) == ("SN546", "line 2 of `names.txt` is empty")
    assert path[-1] == "path"


@pytest.mark.parametrize("key", ["length", "context"])
def test_examples_larger_than_the_memory_are_refused_before_they_are_made(key, names):
    found = codes(names, **{"path": "names.txt", "lines": "documents", key: 2**62})
    assert [code for code, *_ in found] == ["SN570"]


def test_a_stride_beyond_the_text_leaves_one_example(song):
    data = load(song, path="song.txt", block=8, stride=2**70)
    assert text_of(data, rows(data.splits["train"].inputs)[0]) == "abcdefgh"
    assert data.signature.rows == {"train": 1}


# Lines with labels


def test_a_line_feed_alone_ends_a_line_and_nothing_is_quoted(desk):
    desk.write("lines.txt", '1 "one\x85two\u2028three\n0 four"\tfive\r\n1\tsix\n'.encode())
    data = load(desk, path="lines.txt", lines="label_first")
    train = data.splits["train"]
    assert [text_of(data, row) for row in rows(train.inputs)] == [
        '"one\x85two\u2028three',
        'four"\tfive',
        "six",
    ]
    assert train.targets.tolist() == [1, 0, 1]
    assert data.signature.classes == ("0", "1")


def test_a_tab_parts_a_label_from_its_text(desk):
    desk.write("lines.txt", "very good\tI like it\nbad\tno\t!\n")
    data = load(desk, path="lines.txt", lines="tab", tokens="word")
    assert data.signature.classes == ("bad", "very good")
    assert [text_of(data, row) for row in rows(data.splits["train"].inputs)] == ["I like it", "no!"]


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, ["abc", "abcd"]),
        ({"length": 2}, ["ab", "ab"]),
        ({"length": 2, "truncate": "start"}, ["bc", "cd"]),
        ({"length": 6}, ["abc", "abcd"]),
    ],
)
def test_lines_are_padded_and_truncated(fields, wanted, desk):
    desk.write("lines.txt", "x abc\ny abcd\n")
    data = load(desk, path="lines.txt", lines="label_first", **fields)
    inputs = rows(data.splits["train"].inputs)
    assert inputs.shape == (2, fields.get("length", 4))
    assert [text_of(data, row) for row in inputs] == wanted
    assert (data.signature.padding, data.signature.tokens) == ("token", 6)


def test_the_length_is_that_of_the_longest_training_line(desk):
    desk.write("lines.txt", "x ab\ny a\n")
    desk.write("test.txt", "x abababab\n")
    data = load(desk, path="lines.txt", lines="label_first", test={"path": "test.txt"})
    assert rows(data.splits["test"].inputs).shape == (1, 2)


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        ("x abc\ny\n", "SN546", "line 2 of `lines.txt` has no text"),
        ("x abc\n\ny abc\n", "SN546", "line 2 of `lines.txt` has no label"),
        ("\n\n", "SN506", "`lines.txt` holds no text"),
    ],
)
def test_a_line_without_a_label_or_a_text_is_named(content, code, message, desk):
    desk.write("lines.txt", content)
    (found,) = codes(desk, path="lines.txt", lines="label_first")
    assert found[:2] == (code, message)


def test_a_line_without_a_word_is_named(desk):
    desk.write("lines.txt", "x a\ny  \t \u200b \n")
    assert codes(desk, path="lines.txt", lines="tab", tokens="word")[0][0] == "SN546"


def test_a_label_that_the_training_file_lacks_is_named(desk):
    desk.write("lines.txt", "spam abc\nham abc\n")
    desk.write("test.txt", "spam abc\nhams abc\n")
    ((code, message, path, help_),) = codes(
        desk, path="lines.txt", lines="label_first", test={"path": "test.txt"}
    )
    assert (code, path[-2:]) == ("SN514", ("test", "path"))
    assert message == "line 2 of `test.txt` has the label `hams`, which no line of the training file has"
    assert help_ == "did you mean `ham`?"


def test_folds_have_a_vocabulary_each(desk):
    desk.write("lines.txt", "".join(f"{'xy'[i % 2]} {chr(97 + i) * 2}\n" for i in range(8)))
    found = []
    for fold in (1, 2):
        split = {"folds": 2, "fold": fold, "stratify": True}
        data = load(desk, path="lines.txt", lines="label_first", split=split)
        assert data.signature.rows == {"train": 4, "test": 4}
        found.append(set(data.encoding.vocabulary.tokens[2:]))
    assert found[0].isdisjoint(found[1])


# Documents of specnet


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"lines": "tab", "block": 8}, "`block` does not apply where lines are examples"),
        ({"lines": "tab", "stride": 8}, "`stride` does not apply where lines are examples"),
        ({"lines": "tab", "context": 8}, '`context` applies only with `lines = "documents"`'),
        ({"length": 8}, "`length` applies only with"),
        ({"truncate": "end"}, "`truncate` applies only with"),
        ({"lines": "documents", "context": 3, "length": 8}, "whatever the length of its line"),
        ({"split": {"folds": 3}}, "`folds` does not apply to a text that is split by position"),
        ({"split": {"test": 0.1, "stratify": True}}, "`stratify` does not apply"),
        ({"lines": "documents", "context": 3, "split": {"folds": 3}}, "split by lines"),
        ({"split": {"test": 0.1, "group": "a"}}, "`text` data have none"),
        ({"encoding": "utf-9"}, "`utf-9` is not a text encoding"),
        ({"split": {"test": 0.1}, "test": {"path": "b.txt"}}, "the test split has both a fraction"),
        ({"tokens": "words"}, "`words` is not a tokenizer"),
        ({"path": []}, "at least 1 item"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(fields, message):
    assert message in refused(**fields)


# New texts


def again(data):
    state = json.loads(json.dumps(data.state()["encoding"]))
    return Encoding.from_state({"encoding": state}, data.encoding.format)


def test_a_stored_model_encodes_texts_as_it_was_trained_on_them(desk):
    desk.write("lines.txt", "x ab\ny abc\n")
    data = load(desk, path="lines.txt", lines="label_first")
    encoding = again(data)
    assert encoding.encode(["ab", "abc"]).tolist() == rows(data.splits["train"].inputs).tolist()
    assert encoding.encode(["zabab"]).tolist() == [[1, 2, 3]]
    assert encoding.encode(np.array(["b"])).tolist() == [[3, 0, 0]]
    assert encoding.encode([[2, 3, 0]]).tolist() == [[2, 3, 0]]


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ([""], "SN546", "row 1 has no token"),
        (["a", 3], "SN540", "row 2 is not a text"),
        ([[2, 9, 0]], "SN547", "row 1 of the data has the index 9, and the tokens are 0 to 4"),
        ([[2, -1, 0]], "SN547", "row 1 of the data has the index -1"),
        ([[2, 1.5, 0]], "SN547", "row 1 of the data has the index 1.5"),
        ([[2, 1]], "SN572", "one input has shape [2]"),
        ("abc", "SN540", "the inputs are not rows"),
    ],
)
def test_what_is_no_text_of_the_model_is_refused(given, code, message, desk):
    desk.write("lines.txt", "x ab\ny abc\n")
    encoding = load(desk, path="lines.txt", lines="label_first").encoding
    with pytest.raises(SpecError) as caught:
        encoding.encode(given)
    assert caught.value.diagnostics[0].code == code
    assert message in caught.value.diagnostics[0].message


def test_a_model_of_a_text_takes_the_last_tokens(song):
    encoding = load(song, path="song.txt", block=4).encoding
    assert encoding.encode(["abcdef"]).tolist() == [encoding.vocabulary.encode("cdef").tolist()]
    with pytest.raises(SpecError, match="row 1 has 3 tokens; the model takes 4"):
        encoding.encode(["abc"])


def test_a_model_of_documents_takes_their_beginnings(names):
    encoding = load(names, path="names.txt", lines="documents").encoding
    vocabulary = encoding.vocabulary
    assert encoding.encode(["an", ""]).tolist() == [[0, *vocabulary.encode("an"), 0, 0], [0, 0, 0, 0, 0]]
    encoding = load(names, path="names.txt", lines="documents", context=3).encoding
    begin = encoding.vocabulary.begin
    wanted = [[begin, begin, *encoding.vocabulary.encode("a")], encoding.vocabulary.encode("ann").tolist()]
    assert encoding.encode(["a", "cann"]).tolist() == wanted


def test_new_texts_of_a_file_are_its_lines(desk):
    desk.write("lines.txt", "x ab\ny abc\n")
    encoding = load(desk, path="lines.txt", lines="label_first").encoding
    path = desk.write("new.txt", "ab\nbc\x85\n")
    (block,) = row_files.blocks(encoding, path, "new.txt", pytest.fail)
    assert (block.rows, block.places) == (["ab", "bc\x85"], ["line 1", "line 2"])
    assert encoding.encode_file(path).tolist() == [[2, 3, 0], [3, 4, 1]]


@pytest.mark.parametrize(
    "fields",
    [{"block": 8}, {"lines": "documents"}, {"lines": "documents", "context": 3}, {"lines": "label_first"}],
    ids=["stream", "documents", "context", "labels"],
)
def test_a_text_of_the_training_form_is_evaluated_as_it_was_trained_on(fields, desk):
    path = desk.write("song.txt", "".join(f"{'xy'[i % 2]} {SONG[i : i + 3 + i % 4]}\n" for i in range(12)))
    data = load(desk, path="song.txt", **fields)
    found = labelled_rows(again(data), path)
    train = data.splits["train"]
    np.testing.assert_array_equal(found.inputs.take(slice(None)), rows(train.inputs))
    assert found.targets.dtype == np.int64
    np.testing.assert_array_equal(found.targets, rows(train.targets))


def test_an_evaluation_needs_a_whole_example(song):
    encoding = load(song, path="song.txt", block=50).encoding
    with pytest.raises(SpecError, match=r"short\.txt` has 3 tokens"):
        labelled_rows(encoding, song.write("short.txt", "abc"))


@pytest.mark.usefixtures("names")
def test_what_is_described_is_what_is_read(song):
    for fields in (
        {"path": "song.txt", "block": 8, "split": {"test": 0.2}},
        {"path": "names.txt", "lines": "documents", "split": {"test": 0.5}},
        {"path": "names.txt", "lines": "documents", "context": 2, "split": {"test": 0.5}},
    ):
        data_format = FORMATS.validate({"type": "text", **fields})
        opened = open_data(data_format, song.folder, seed=3)
        assert opened.signature == load(song, **fields).signature
