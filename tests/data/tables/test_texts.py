"""Text columns: `type = "text"` makes indices of tokens of their cells, by what the training rows hold."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specnet
from specnet.data import FORMATS, Encoding, inspect_data, load_data
from specnet.data.collector import Collector
from specnet.data.passed import PassedData
from specnet.data.signature import ColumnSlice
from specnet.data.streamed import StreamedRows, whole
from specnet.data.tables import stream_rows
from specnet.data.tables import table as tables
from specnet.data.tables.scan import MAXIMUM

RANDOM = np.random.default_rng(5)
WORDS = ["good", "bad", "warm", "cold", "soft", "hard", "loud", "calm", "new", "old"]
TEXTS = [" ".join(RANDOM.choice(WORDS, RANDOM.integers(1, 7))) for _ in range(60)]
FEW = ["Not good.", "good GOOD day", "a day", "", "bad night"]


def rows(texts, *more) -> str:
    lines = [f'"{text}",{n},{n % 2}' for n, text in enumerate(texts)]
    return "\n".join(["words,n,y", *lines, *more]) + "\n"


def fields(**more):
    own = more.pop("own", {})
    return {
        "type": "csv",
        "path": "f.csv",
        "target": "y",
        "columns": {"words": {"type": "text", **own}},
        **more,
    }


def load(desk, seed=7, passed=None, **settings):
    reader = FORMATS.validate(settings)
    data = load_data(reader, desk.folder, seed=seed, dtype="float64", passed=passed)
    if passed is None:
        assert inspect_data(reader, desk.folder, seed=seed) == data.signature
    return data


def encoding(data):
    return data.encoding.columns.features[0].texts


def tokens(data, split="train"):
    """The tokens of each text, by their names, without padding."""
    names = encoding(data).vocabulary.tokens
    inputs = data.splits[split].inputs
    table = whole(inputs) if isinstance(inputs, StreamedRows) else inputs
    width = encoding(data).length
    return [[names[int(i)] for i in row if i] for row in table[:, :width]]


def test_texts_become_indices_of_words_and_padding(desk):
    desk.write("f.csv", rows(FEW))
    data = load(desk, **fields(own={"lowercase": True}))
    assert encoding(data).vocabulary.tokens == (
        "<pad>",
        "<unk>",
        "good",
        "day",
        ".",
        "a",
        "bad",
        "night",
        "not",
    )
    np.testing.assert_array_equal(
        data.splits["train"].inputs,
        [[8, 2, 4, 0], [2, 2, 3, 1], [5, 3, 0, 2], [1, 0, 0, 3], [6, 7, 0, 4]],
    )
    assert data.signature.column_slices == (
        ColumnSlice("words", 0, 3, "tokens", 9, whole=True),
        ColumnSlice("n", 3, 1, "number", whole=True),
    )
    assert data.signature.features == ("words[0]", "words[1]", "words[2]", "n")


@pytest.mark.parametrize(("truncate", "left"), [("end", ["good", "GOOD"]), ("start", ["GOOD", "day"])])
def test_longer_texts_are_cut(desk, truncate, left):
    desk.write("f.csv", rows(FEW))
    assert tokens(load(desk, **fields(own={"length": 2, "truncate": truncate})))[1] == left


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("char", [["a", "é"], ["b"], ["<unk>"]]),
        ("byte", [["a", "\\xc3", "\\xa9"], ["b"], [" "]]),
        ({"type": "bpe", "size": 258}, [["a", "\\xc3", "\\xa9"], ["b"], [" "]]),
    ],
)
def test_other_tokens(desk, kind, expected):
    desk.write("f.csv", rows(["aé", "b", ""]))
    assert tokens(load(desk, **fields(own={"tokens": kind}))) == expected


def test_keys_beside_tokens_are_those_of_the_tokenizer(desk):
    desk.write("f.csv", rows(["ﬁne Ａ a a", "b"]))
    own = {"tokens": {"type": "word", "min_count": 2}, "lowercase": True, "normalization": "nfkc", "size": 3}
    assert encoding(load(desk, **fields(own=own))).vocabulary.tokens == ("<pad>", "<unk>", "a")


SPLITS = {
    "fractions": {"validation": 0.3, "test": 0.2},
    "stratified": {"validation": 0.3, "stratify": True},
    "groups": {"validation": 0.3, "group": "n"},
    "times": {"test": 0.3, "time": "n"},
    "third fold": {"folds": 4, "fold": 3, "validation": 0.2},
}


@pytest.mark.parametrize("load_", ["whole", "batches"])
@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
def test_the_vocabulary_is_that_of_the_training_rows_alone(desk, split, load_, monkeypatch):
    monkeypatch.setattr(tables, "RECORDS", 7)
    texts = [f"{text} only{n}" for n, text in enumerate(TEXTS)]
    desk.write("f.csv", rows(texts))
    settings = fields(split=split, features=["words"], target="y", load=load_)
    data = load(desk, **settings)
    trained = set(data.places["train"].tolist())
    assert 0 < len(trained) < len(texts)
    known = {word for n in trained for word in texts[n].split()}
    assert set(encoding(data).vocabulary.tokens[2:]) == known
    assert encoding(data).length == max(len(texts[n].split()) for n in trained)
    for name, places in data.places.items():
        expected = [[w if w in known else "<unk>" for w in texts[n].split()] for n in places]
        assert tokens(data, name) == [row[: encoding(data).length] for row in expected]


def test_other_files_are_encoded_as_the_training_file_is(desk):
    desk.write("f.csv", rows(["a b c", "b a"]))
    desk.write("v.csv", "y,n,words\n1,2,c d b a\n0,1,\n")
    data = load(desk, **fields(validation={"path": "v.csv"}))
    assert tokens(data, "validation") == [["c", "<unk>", "b"], ["<unk>"]]


@pytest.mark.parametrize("own", [{}, {"tokens": "char", "length": 9, "truncate": "start"}])
def test_rows_that_stay_in_their_file_are_the_same(desk, own, monkeypatch):
    monkeypatch.setattr(tables, "RECORDS", 7)
    monkeypatch.setattr(stream_rows, "rows_ahead", lambda width: 7)
    desk.write("f.csv", rows([*TEXTS, "", "?"]))
    split = {"validation": 0.25}
    held = load(desk, **fields(own=own, split=split))
    lazy = load(desk, **fields(own=own, split=split, load="batches"))
    assert encoding(held) == encoding(lazy)
    for name, part in held.splits.items():
        assert isinstance(lazy.splits[name].inputs, StreamedRows)
        np.testing.assert_array_equal(whole(lazy.splits[name].inputs), part.inputs)


def test_a_file_that_is_read_in_batches_holds_few_of_its_texts(desk, monkeypatch):
    monkeypatch.setattr("specnet.data.tables.scan.MAXIMUM", 20)
    texts = [f"word{n}" for n in range(600)]
    desk.write("f.csv", rows(texts))
    reader = FORMATS.validate(fields(load="batches", max_categories=10))
    opened = specnet.data.open_data(reader, desk.folder)
    column = opened.source.parts["train"].found.columns[0]
    assert len(column.values) == 20
    assert len(column.categories) < 600 < MAXIMUM
    assert opened.signature.column_slices[0].categories == 602


MISSING = ["one two", "NA", "three"]


@pytest.mark.parametrize(
    ("own", "table", "expected"),
    [
        ({}, {}, [["one", "two"], ["<unk>"], ["three"]]),
        ({}, {"missing": "mean"}, [["one", "two"], ["<unk>"], ["three"]]),
        ({"missing": "empty"}, {"missing": "drop"}, [["one", "two"], ["<unk>"], ["three"]]),
        ({}, {"missing": "drop"}, [["one", "two"], ["three"]]),
        ({"missing": "drop"}, {}, [["one", "two"], ["three"]]),
        ({"fill": "two or three"}, {}, [["one", "two"], ["two", "<unk>"], ["three"]]),
        ({}, {"missing_markers": []}, [["one", "two"], ["NA"], ["three"]]),
    ],
)
@pytest.mark.parametrize("load_", ["whole", "batches"])
def test_cells_without_a_value(desk, own, table, expected, load_):
    desk.write("f.csv", rows(MISSING))
    assert tokens(load(desk, **fields(own=own, load=load_, **table))) == expected


def test_missing_texts_can_be_refused(desk):
    desk.write("f.csv", rows(MISSING))
    fault = desk.fault(**fields(own={"missing": "refuse"}))
    assert (fault.code, fault.path) == ("SN511", ("data", "path"))
    assert "line 3" in fault.message


@pytest.mark.parametrize("name", ["latin-1", "utf-16", "utf-8"])
def test_the_encoding_of_the_file_is_that_of_its_texts(desk, name):
    desk.write("f.csv", rows(["café très bon", "naïve"]).encode(name))
    data = load(desk, **fields(encoding=name))
    assert tokens(data) == [["café", "très", "bon"], ["naïve"]]


def test_text_in_another_encoding_is_reported_with_the_one_that_it_seems_to_be(desk):
    desk.write("f.csv", rows(["café très bon", "naïve"]).encode("latin-1"))
    fault = desk.fault(**fields())
    assert fault.code == "SN503"
    assert fault.message.startswith("`f.csv` is not text in utf-8")
    assert "encoding" in fault.help


def test_new_rows_come_as_cells_by_name_and_in_frames(desk):
    pandas = pytest.importorskip("pandas")
    desk.write("f.csv", rows(TEXTS))
    encoded = load(desk, **fields(own={"length": 4})).encoding
    new = [["bad unheard good bad", 3], [None, 1], ["", 2]]
    expected = encoded.encode(new)
    unknown, bad, good = (
        encoded.columns.features[0].texts.vocabulary.tokens.index(w) for w in ("<unk>", "bad", "good")
    )
    np.testing.assert_array_equal(
        expected, [[bad, unknown, good, bad, 3], [unknown, 0, 0, 0, 1], [unknown, 0, 0, 0, 2]]
    )
    named = [dict(zip(("n", "words"), row[::-1], strict=True)) for row in new]
    np.testing.assert_array_equal(encoded.encode(named), expected)
    np.testing.assert_array_equal(encoded.encode(pandas.DataFrame(named)), expected)
    np.testing.assert_array_equal(encoded.encode(named[0]), expected[:1])


def test_new_rows_without_a_text_that_is_needed(desk):
    desk.write("f.csv", rows(TEXTS))
    encoded = load(desk, **fields(own={"missing": "refuse"})).encoding
    with pytest.raises(specnet.SpecError, match="row 1, column `words`: there is no value"):
        encoded.rows([[None, 3]], Collector(()))


def test_frames_of_texts(desk):
    pandas = pytest.importorskip("pandas")
    desk.write("f.csv", rows(TEXTS))
    frame = pandas.read_csv(desk.folder / "f.csv")
    settings = {**fields(), "type": "frame"}
    del settings["path"]
    passed = load(desk, passed=PassedData(frames={"train": frame}), **settings)
    np.testing.assert_array_equal(
        passed.splits["train"].inputs, load(desk, **fields()).splits["train"].inputs
    )


def test_a_model_keeps_its_vocabulary(desk):
    desk.write("f.csv", rows(TEXTS))
    data = load(desk, **fields(own={"length": 5, "truncate": "start", "fill": "old"}))
    state = data.encoding.state()
    plain = json.loads(json.dumps(state["encoding"]))
    again = Encoding.from_state({**state, "encoding": plain}, data.encoding.format)
    assert encoding(data) == again.columns.features[0].texts
    new = [["bad unheard good bad new old calm", 3], [None, 1]]
    np.testing.assert_array_equal(again.encode(new), data.encoding.encode(new))


def test_a_document_keeps_what_it_says_of_texts():
    own = {"type": "text", "tokens": {"type": "word", "min_count": 2}, "size": 50, "lowercase": True}
    settings = FORMATS.validate(fields(own=own)).columns["words"]
    again = type(settings).model_validate(settings.model_dump(mode="json"))
    assert again.tokenizer == settings.tokenizer
    assert (again.tokenizer.size, again.tokenizer.min_count, again.tokenizer.lowercase) == (50, 2, True)


FAULTS = {
    "of numbers": (
        {"tokens": "word"},
        {},
        "n",
        "tokens",
        "`tokens` applies to text only, and the column holds numbers",
    ),
    "as a target": (
        {"type": "text"},
        {},
        "y",
        "type",
        "`y` is a target, and a text column can be a feature only",
    ),
}


@pytest.mark.parametrize(("own", "table", "column", "key", "message"), FAULTS.values(), ids=FAULTS)
def test_settings_of_other_columns(desk, own, table, column, key, message):
    desk.write("f.csv", rows(TEXTS))
    fault = desk.fault(
        **{**fields(), "columns": {column: own}, "exclude": [] if column == "n" else ["words"]}, **table
    )
    assert (fault.code, fault.path) == ("SN517", ("data", "columns", column, key))
    assert fault.message.endswith(message)


def test_texts_without_any_token(desk):
    desk.write("f.csv", rows(["a b", "a c"]))
    fault = desk.fault(**fields(own={"tokens": {"type": "word", "min_count": 3}}))
    assert (fault.code, fault.path) == ("SN511", ("data", "columns", "words"))
    assert fault.message.startswith("column `words` has no token in the training split")


def test_many_different_texts_are_no_categories(desk):
    desk.write("f.csv", rows(f"the review of number {n}" for n in range(30)))
    for load_ in ("whole", "batches"):
        fault = desk.fault(type="csv", path="f.csv", target="y", max_categories=20, load=load_)
        assert fault.code == "SN515"
        assert fault.help.startswith('write `type = "text"` in [data.columns."words"]')
