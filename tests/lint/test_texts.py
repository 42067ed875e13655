"""Warnings about text columns."""

from __future__ import annotations

import pytest

DATA = '[data]\ntype = "csv"\npath = "a.csv"\ntarget = "y"\nload = "{load}"\n'
TEXT = "[data.columns.words]\ntype = 'text'\n"
READS = (
    '[[layers]]\ntype = "embedding"\ninput_dim = 500\noutput_dim = 2\n'
    '[[layers]]\ntype = "global_average_pooling1d"\n[[layers]]\ntype = "dense"\nunits = 1\n'
)


@pytest.fixture(params=["whole", "batches"])
def warned(found, request, tmp_path):
    def make(texts, settings=""):
        lines = [f"{text},{n % 3 % 2}" for n, text in enumerate(texts)]
        (tmp_path / "a.csv").write_text("\n".join(["words,y", *lines]) + "\n", encoding="utf-8")
        return [
            d
            for d in found(DATA.format(load=request.param) + settings + (READS if settings else ""))
            if d.code >= "SN747"
        ]

    return make


SENTENCES = [f"this is the text {chr(97 + n % 26)} of {n} cells" for n in range(40)]


def test_a_vocabulary_that_lacks_most_tokens(warned):
    (warning,) = warned(SENTENCES, TEXT + "size = 5\n")
    assert (warning.code, warning.path) == ("SN755", ("data", "columns", "words"))
    assert warning.message == (
        "62 % of the tokens of `words` in the rows are not in its vocabulary, and all of them look alike to the network"
    )
    assert warned(SENTENCES, TEXT + "size = 6\n") == []


def test_texts_that_are_cut(warned):
    more = ["a few words", *SENTENCES]
    (warning,) = warned(more, TEXT + "length = 7\n")
    assert (warning.code, warning.path) == ("SN756", ("data", "columns", "words", "length"))
    assert warning.message == (
        "98 % of the cells of `words` are longer than `length`, and lose tokens; the longest has 8"
    )
    assert warned(more, TEXT + "length = 8\n") == []


def test_texts_that_are_taken_for_categories(warned):
    (warning,) = warned(SENTENCES)
    assert (warning.code, warning.path) == ("SN757", ("data",))
    assert (
        warning.help == 'write `type = "text"` in [data.columns."words"], so that a network reads its words'
    )
    assert warned(SENTENCES, TEXT) == []
    assert "SN757" not in [d.code for d in warned([f"n{n}" for n in range(40)])]
    assert warned([SENTENCES[n % 15] for n in range(40)]) == []


def test_texts_of_another_split(found, tmp_path):
    for name, word in (("a.csv", "own"), ("b.csv", "other")):
        lines = [f"{word} {n % 4},{n % 3 % 2}" for n in range(30)]
        (tmp_path / name).write_text("\n".join(["words,y", *lines]) + "\n", encoding="utf-8")
    data = DATA.format(load="whole") + '[data.test]\npath = "b.csv"\n' + TEXT + READS
    assert [d.message for d in found(data) if d.code == "SN755"] == []
    (tmp_path / "b.csv").write_text("words,y\nsome other words,1\n", encoding="utf-8")
    (warning,) = [d for d in found(data) if d.code == "SN755"]
    assert warning.message.startswith("100 % of the tokens of `words` in the test rows")


@pytest.mark.parametrize(("same", "expected"), [(True, ["SN745"]), (False, [])])
def test_repeated_rows_are_compared_by_their_texts(found, tmp_path, same, expected):
    names = ["a", "b"]
    for name, file in zip(names, ("a.csv", "b.csv"), strict=True):
        texts = [f"text {n if same else name} of row {n}" for n in range(60)]
        rows = [f"{text},{n * 7919 % 61},{n * 104729 % 59},{n % 3 % 2}" for n, text in enumerate(texts)]
        rows = rows if name == "a" else rows[::-1]
        (tmp_path / file).write_text("\n".join(["words,size,width,y", *rows]) + "\n", encoding="utf-8")
    data = DATA.format(load="whole") + '[data.test]\npath = "b.csv"\n' + TEXT
    inputs = '[inputs]\nwords = { columns = ["words"] }\n'
    reads = READS.replace('"embedding"', '"embedding"\ninputs = ["words"]')
    assert [d.code for d in found(data + inputs + reads) if d.code == "SN745"] == expected
