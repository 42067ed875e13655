"""A document with syntax errors is read as far as it can be, and all of its errors are reported at once."""

from __future__ import annotations

import itertools
import json
import random
import sys
import tomllib
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import specnet
from specnet.language.parsers import NestingError
from specnet.language.positions import locate
from specnet.language.recovery import UNREAD, readable_data
from specnet.language.syntax import MAX_LISTED
from specnet.language.toml_reading import load_toml
from tests.support.syntax import SOUND, TOML_TEST

PARSERS: dict[str, Callable[[str], Any]] = {"toml": load_toml, "json": json.loads}
SOUND_JSON = json.dumps(tomllib.loads(SOUND.replace("input_shape = [4]\n", "")), indent=1)
DOCUMENT = """\
specnet = 1
data = { type = "synthetic", kind = "blobs", classes = 3, features = 4, samples = 60 }
loss = "cross_entropy"
layers = [
    { type = "dense", units = 8, activation = "relu" },
    { type = "reshape", shape = [8] },
    { type = "dense", units = 3 },
]

[training]
epochs = 5
batch_size = 10
"""


def found(text: str, old: str = "", new: str = "") -> list[tuple[str, int, int]]:
    """The code, line and column of each finding about a document in which something is replaced."""
    assert old in text
    spans = [(d.code, d.span) for d in specnet.validate(text.replace(old, new, 1)).diagnostics]
    return [(code, span.start.line, span.start.column) if span else (code, 0, 0) for code, span in spans]


def test_the_document_is_sound() -> None:
    assert specnet.validate(DOCUMENT).ok


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"cross_entropy"', "cross_entropy", [("SN101", 3, 8)]),
        ('"cross_entropy"', "", [("SN101", 3, 8)]),
        ('loss = "cross_entropy"', 'loss: "cross_entropy"', [("SN101", 3, 5)]),
        ('loss = "cross_entropy"', '= "cross_entropy"', [("SN101", 3, 1)]),
        ('loss = "cross_entropy"', 'my loss = "cross_entropy"', [("SN101", 3, 4)]),
        ('loss = "cross_entropy"', 'loss = "cross_entropy"\nlos = relu', [("SN202", 4, 1), ("SN101", 4, 7)]),
        ('{ type = "dense", units = 3 },\n]', '{ type = "dense", units = 3 },\n', [("SN101", 10, 1)]),
        ('"relu" },', '"relu" }', [("SN101", 6, 5)]),
        ('units = 8, activation = "relu"', "units = 8, activation = relu", [("SN101", 5, 47)]),
        ('units = 8, activation = "relu"', 'units = , activation = "relu"', [("SN101", 5, 31)]),
        ("units = 3 }", "units = 3", [("SN101", 7, 33)]),
        ("shape = [8] }", "shape = [8 }", [("SN101", 6, 36)]),
        ('"dense", units = 8', '"dense, units = 8', [("SN101", 5, 47)]),
        ("[training]", "[training", [("SN101", 10, 10)]),
        ("[training]", "[trai ning]", [("SN101", 10, 7)]),
        ("epochs = 5", "epochs = 5 batch_size = 10", [("SN101", 11, 12)]),
        ("epochs = 5", "epochs = 05", [("SN101", 11, 10)]),
        ("classes = 3,", "classes 3,", [("SN101", 2, 54)]),
    ],
)  # fmt: skip
def test_one_syntax_error_is_one_finding(old: str, new: str, expected: list[tuple[str, int, int]]) -> None:
    assert found(DOCUMENT, old, new) == expected


def test_all_syntax_errors_are_reported_with_what_is_wrong_in_the_rest() -> None:
    text = DOCUMENT.replace('"cross_entropy"', "cross_entropy").replace("units = 3 }", "units = -3 }")
    text = text.replace('"relu" }', 'relu" }').replace("epochs = 5", "epochs = 0\nbatch_size: 5")
    assert found(text, "shape =", "shap =") == [
        ("SN101", 3, 8),
        ("SN101", 5, 47),
        ("SN202", 6, 25),
        ("SN208", 7, 31),
        ("SN208", 11, 10),
        ("SN101", 12, 11),
        ("SN102", 13, 1),
    ]


def test_layers_before_an_unreadable_one_are_checked_and_no_others() -> None:
    text = DOCUMENT.replace("shape = [8]", "shape = [9]")
    assert found(text) == [("SN401", 6, 14)]
    assert found(text, "units = 3", "units = three") == [("SN401", 6, 14), ("SN101", 7, 31)]
    assert found(text, "units = 8", "units = eight") == [("SN101", 5, 31)]
    assert found(text, '{ type = "dense", units = 3 },\n]', "") == [("SN401", 6, 14), ("SN101", 9, 1)]


def test_a_line_break_in_an_inline_table_is_one_error_and_all_of_it_is_read() -> None:
    text = DOCUMENT.replace('"blobs", ', '"blobs",\n  ').replace("units = 3", "units = 4")
    assert found(text) == [("SN101", 2, 45)]
    assert found(text, "features = 4", "features = 0") == [("SN101", 2, 45), ("SN208", 3, 27)]


def test_json_is_read_as_far_as_it_can_be() -> None:
    text = json.dumps(tomllib.loads(DOCUMENT), indent=1)
    lines = text.split("\n")
    at = {
        word: next(i for i, line in enumerate(lines, 1) if word in line)
        for word in ("epochs", "relu", "loss")
    }
    text = text.replace('"epochs": 5,', '"epochs": 0, // all').replace('"relu"', "relu")
    text = text.replace('"loss": "cross_entropy"', '"loss" "cross_entropy"').replace(
        '"batch_size": 10', "'batch_size': -1,"
    )
    assert [(code, line) for code, line, _ in found(text)] == [
        ("SN101", at["loss"]),
        ("SN101", at["relu"]),
        ("SN208", at["epochs"]),
        ("SN101", at["epochs"]),
        ("SN101", at["epochs"] + 1),
        ("SN208", at["epochs"] + 1),
        ("SN101", at["epochs"] + 1),
    ]


def test_many_syntax_errors_are_counted() -> None:
    report = specnet.validate(DOCUMENT + "".join(f"x{n} = 1\nx{n} = relu\n" for n in range(30)))
    *listed, counting = (d for d in report.diagnostics if d.code != "SN202")
    assert len(listed) == MAX_LISTED
    assert (counting.code, counting.message) == ("SN200", "40 more syntax errors are not listed")


@pytest.mark.parametrize("syntax", ["toml", "json"])
def test_what_is_valid_has_no_faults_and_its_data(syntax: str) -> None:
    text = SOUND if syntax == "toml" else SOUND_JSON
    positions = locate(text, syntax)
    assert positions.faults == ()
    assert readable_data(positions, syntax) == PARSERS[syntax](text)


def agree(text: str, syntax: str) -> None:
    """Our reader finds a fault exactly where Python's parser refuses, and reads what it reads."""
    try:
        data = PARSERS[syntax](text)
    except ValueError:
        data = None
    try:
        positions = locate(text, syntax)
    except NestingError:
        return
    accepted = data is not None
    assert accepted == (not positions.faults and (syntax == "json" or not positions.duplicates)), text
    if accepted:
        assert positions.lost == positions.incomplete == frozenset()
        assert readable_data(positions, syntax) == data


@pytest.mark.skipif(TOML_TEST is None, reason="the toml-test documents are not there ($SPECNET_TOML_TEST)")
def test_every_document_of_toml_test() -> None:
    assert TOML_TEST is not None
    names = (TOML_TEST / "tests" / "files-toml-1.0.0").read_text(encoding="utf-8").split()
    refused = 0
    for name in names:
        data = (TOML_TEST / "tests" / name).read_bytes() if name.endswith(".toml") else b"\xff"
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            continue
        try:
            load_toml(text)
        except ValueError:
            refused += 1
            positions = locate(text, "toml")
            assert positions.faults or positions.duplicates, name
        else:
            assert locate(text, "toml").faults == ()
    assert refused > 300


LETTERS = "{}[]\",:=.'\n\\1ae #-\t\x01é"


@given(st.sampled_from(["toml", "json"]), st.integers(0, 2**32), st.integers(1, 3))
def test_a_text_is_faulty_exactly_if_it_is_refused(syntax: str, seed: int, changes: int) -> None:
    generator = random.Random(seed)
    text = SOUND if syntax == "toml" else SOUND_JSON
    for _ in range(changes):
        at = generator.randrange(len(text))
        kept = text[at + generator.randrange(3) :]
        text = text[:at] + generator.choice(["", generator.choice(LETTERS)]) + kept
    agree(text, syntax)


@given(st.text(LETTERS, max_size=30), st.sampled_from(["toml", "json"]))
def test_any_text_is_faulty_exactly_if_it_is_refused(text: str, syntax: str) -> None:
    agree(text, syntax)


@pytest.mark.parametrize(
    ("syntax", "start"),
    [("toml", start) for start in ("", "a=[", "a={", "a=[{", "[", "a=[1]\n[")]
    + [("json", start) for start in ("", "[", "{", '{"a":[', "[{")],
)
def test_every_short_text_is_read_to_its_end(syntax: str, start: str) -> None:
    """Whatever stands where a value, a key or a closing bracket is due, reading goes on behind it."""
    for length in range(4):
        for rest in itertools.product('[]{},=\n"1a:', repeat=length):
            agree(start + "".join(rest), syntax)


def places(data: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path] * bool(path) + [p for key, value in items for p in places(value, (*path, key))]


@pytest.mark.parametrize("path", places(json.loads(SOUND_JSON)), ids=lambda path: ".".join(map(str, path)))
def test_whatever_cannot_be_read_has_no_finding_but_its_own(path: tuple[str | int, ...]) -> None:
    entry = locate(SOUND_JSON, "json").find(path)
    assert entry is not None
    assert entry.value is not None
    start, end = entry.value
    report = specnet.validate(f"{SOUND_JSON[:start]}relu{SOUND_JSON[end:]}", data=False)
    assert [(d.code, d.path) for d in report.diagnostics] == [("SN101", path)]


def calls(text: str, syntax: str) -> int:
    """How many functions reading a text calls, Python's and those of its library."""
    count = 0

    def counting(_frame: FrameType, event: str, _arg: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(counting)
    try:
        readable_data(locate(text, syntax), syntax)  # type: ignore[arg-type]
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    ("piece", "syntax"),
    [
        ("a = relu\n", "toml"),
        ("a = 1\n", "toml"),
        ("é\n", "toml"),
        ('x = "a\n', "toml"),
        ("]}[{\n", "toml"),
        ('a = [\n{ b = "x, c = 1 },\n', "toml"),
        ("[a.b]\nc = x\n", "toml"),
        ("[[a]]\nc = \n", "toml"),
        ('{"a": x},', "json"),
        ('"a" "b" : ', "json"),
        ("'a': 1, ", "json"),
        ("/**/ ,", "json"),
    ],
)
def test_reading_garbage_takes_linear_work(piece: str, syntax: str) -> None:
    start = "[" if syntax == "json" else ""
    few, many = (calls(start + piece * n, syntax) for n in (200, 800))
    assert many < 4.4 * few


def test_unread_stays_itself_in_copies() -> None:
    import copy

    assert copy.deepcopy([UNREAD])[0] is UNREAD
