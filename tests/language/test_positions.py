from __future__ import annotations

import json
import math
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specnet.diagnostics import Position, TextSpan
from specnet.language.positions import Positions, locate
from tests.support.syntax import TOML_TEST


def same(a: Any, b: Any) -> bool:
    """Equality in which NaN equals NaN and 1 differs from 1.0 and true."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b or (isinstance(a, float) and math.isnan(a) and math.isnan(b))


def at(data: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        data = data[step]
    return data


def leaves(data: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path] * bool(path) + [p for k, v in items for p in leaves(v, (*path, k))]


def check_all(text: str, syntax: str) -> Positions:
    """Every entry that the parser found has a place, and the text there parses back to key and value."""
    parse = tomllib.loads if syntax == "toml" else json.loads
    data = parse(text)
    positions = locate(text, syntax)
    entries = dict(positions.walk())
    assert set(entries) == set(leaves(data))
    assert positions.duplicates == ()
    assert positions.faults == ()
    for path, entry in entries.items():
        assert entry.place() is not None
        if entry.key is not None:
            key = text[slice(*entry.key)]
            name = next(iter(tomllib.loads(f"{key} = 0"))) if syntax == "toml" else json.loads(key)
            assert name == path[-1]
        else:
            assert isinstance(path[-1], int)
        if entry.value is not None:
            raw = text[slice(*entry.value)]
            back = tomllib.loads(f"v = {raw}")["v"] if syntax == "toml" else json.loads(raw)
            assert same(back, at(data, path))
        elif entry.header is not None:
            assert isinstance(at(data, path), dict | list)
    return positions


@pytest.mark.skipif(TOML_TEST is None, reason="the toml-test documents are not there ($SPECNET_TOML_TEST)")
def test_every_valid_document_of_toml_test() -> None:
    assert TOML_TEST is not None
    names = (TOML_TEST / "tests" / "files-toml-1.0.0").read_text(encoding="utf-8").split()
    checked = 0
    for name in names:
        if name.startswith("valid/") and name.endswith(".toml"):
            text = (TOML_TEST / "tests" / name).read_bytes().decode("utf-8-sig")
            check_all(text, "toml")
            checked += 1
        elif name.startswith("valid/") and name.endswith(".json"):
            check_all((TOML_TEST / "tests" / name).read_text(encoding="utf-8"), "json")
    assert checked > 150


DOCUMENT = '''\
specnet = 1
training.optimizer.type = "adam"  # dotted
"näme" = """
two
lines"""

[data] # a comment
type = "inline"
inputs = [
    [0, 1], # one
    [1, 0],
]
split = { validation = 0.2, deep.er = true }

[[layers]]
type = "dense"
[layers.kernel_init]
type = "zeros"

[[layers]]
units = 2000-01-01 10:00:00
'''


@pytest.mark.parametrize(
    ("path", "part", "expected"),
    [
        (("specnet",), "value", "1"),
        (("specnet",), "key", "specnet"),
        (("training", "optimizer", "type"), "value", '"adam"'),
        (("training", "optimizer"), "table", "training.optimizer"),
        (("training", "optimizer"), "key", "optimizer"),
        (("training", "optimizer"), "type", '"adam"'),
        (("training", "epochs"), "table", "training"),
        (("näme",), "key", '"näme"'),
        (("näme",), "value", '"""\ntwo\nlines"""'),
        (("data",), "table", "[data]"),
        (("data",), "key", "data"),
        (("data",), "value", "[data]"),
        (("data", "path"), "table", "[data]"),
        (("data", "inputs"), "table", "inputs"),
        (("data", "inputs", 1), "value", "[1, 0]"),
        (("data", "inputs", 1, 0), "value", "1"),
        (("data", "split"), "table", "{ validation = 0.2, deep.er = true }"),
        (("data", "split", "test"), "table", "{ validation = 0.2, deep.er = true }"),
        (("data", "split", "deep", "er"), "value", "true"),
        (("data", "split", "deep"), "key", "deep"),
        (("layers",), "key", "layers"),
        (("layers",), "value", "[[layers]]"),
        (("layers", 0), "table", "[[layers]]"),
        (("layers", 0), "type", '"dense"'),
        (("layers", 0, "kernel_init"), "table", "[layers.kernel_init]"),
        (("layers", 0, "kernel_init"), "type", '"zeros"'),
        (("layers", 1), "type", "[[layers]]"),
        (("layers", 1, "units"), "value", "2000-01-01 10:00:00"),
        (("layers", 1, "units", "more"), "value", "2000-01-01 10:00:00"),
    ],
)
def test_toml_parts(path: tuple[str | int, ...], part: Any, expected: str) -> None:
    found = locate(DOCUMENT, "toml").offsets(path, part)
    assert found is not None
    assert DOCUMENT[slice(*found)] == expected


def test_toml_document_as_a_whole_and_lines() -> None:
    positions = locate(DOCUMENT, "toml")
    assert positions.offsets(("loss",), "table") is None
    assert positions.offsets((), "table") is None
    assert positions.span(("layers", 1), "table") == TextSpan(Position(20, 1), Position(20, 11))
    assert positions.span(("näme",), "value") == TextSpan(Position(3, 10), Position(5, 9))


def test_the_second_element_of_an_array_of_tables_has_its_own_header() -> None:
    positions = locate(DOCUMENT, "toml")
    first, second = positions.find(("layers", 0)), positions.find(("layers", 1))
    assert first is not None
    assert second is not None
    assert first.header != second.header


def test_crlf_and_tables_below_array_elements() -> None:
    text = "[[a.b]]\r\nx = 1\r\n[a.b.c]\r\ny = '''\r\nz'''\r\n[[a.b]]\r\nx = 2\r\n"
    positions = check_all(text, "toml")
    assert positions.span(("a", "b", 1, "x")) == TextSpan(Position(7, 5), Position(7, 6))


def test_toml_1_1_inline_tables() -> None:
    text = "a = {\n  b = 1, # why\n  c = [2,],\n}\nd = 3\n"
    positions = locate(text, "toml")
    assert {p for p, _ in positions.walk()} == {("a",), ("a", "b"), ("a", "c"), ("a", "c", 0), ("d",)}
    assert positions.offsets(("a", "x"), "table") == (0, 1)


@pytest.mark.parametrize("value", ["0.5] # a = 1", "0.5 # a = 1\n]", "1.5, # a.b = 1\n]"])
def test_a_fraction_before_a_comment_begins_no_statement(value: str) -> None:
    positions = check_all(f"a = [\n{value}\nb = 2\n", "toml")
    assert positions.faults == ()


@pytest.mark.parametrize(
    ("text", "path", "first", "second"),
    [
        ("a = 1\nb = 2\na = 3", ("a",), 1, 3),
        ("[x]\na = 1\n[y]\n[x", ("x",), 1, 4),
        ("[x]\na.b = 1\n[x.a]", ("x", "a"), 2, 3),
        ("x = 1\n[[x]]", ("x",), 1, 2),
        ("[x]\n[[x]]", ("x",), 1, 2),
        ("x = { a = 1,\n a = 2 }", ("x", "a"), 1, 2),
    ],
)
def test_toml_duplicates(text: str, path: tuple[str | int, ...], first: int, second: int) -> None:
    positions = locate(text, "toml")
    (duplicate,) = positions.duplicates
    assert duplicate.path == path
    assert positions.position(duplicate.first[0]).line == first
    assert positions.position(duplicate.second[0]).line == second


def test_json_parts() -> None:
    text = '{\n "layers": [\n  {"type": "dense", "units": [1, {}]},\n  {\n  }\n ],\n "t": {\n }\n}'
    positions = check_all(text, "json")

    def there(path: tuple[str | int, ...], part: Any) -> str:
        found = positions.offsets(path, part)
        assert found is not None
        return text[slice(*found)]

    assert there(("layers", 0, "units"), "key") == '"units"'
    assert there(("layers", 0), "table") == '{"type": "dense", "units": [1, {}]}'
    assert there(("layers", 0), "type") == '"dense"'
    assert there(("layers", 1), "table") == "{"
    assert there(("t", "missing"), "table") == '"t"'
    assert there(("layers", 0, "units", 1), "value") == "{}"


def test_json_duplicates() -> None:
    text = '{"a": 1, "b": {"c": 1, "\\u0063": 2}, "a": 3, "a": 4}'
    positions = locate(text, "json")
    assert [d.path for d in positions.duplicates] == [("b", "c"), ("a",), ("a",)]
    assert positions.span(("a",)) == TextSpan(Position(1, 51), Position(1, 52))


KEYS = st.one_of(
    st.text("abcXYZ019_-", min_size=1, max_size=6),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=5),
)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
SCALARS = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.booleans(), st.floats(allow_nan=False, allow_infinity=False), TEXTS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)
FILLERS = st.sampled_from(["", " ", "  ", "\t"])
BREAKS = st.sampled_from(["", " ", "\n", "\r\n", "\n\t", " # ]}'\"\n", "\n#\n\n "])


def toml_text(text: str, draw: Any) -> str:
    forms = [json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")]
    plain = all(letter == "\t" or (letter >= " " and letter != "\x7f") for letter in text)
    if plain and "'" not in text:
        forms += [f"'{text}'", f"'''\n{text}'''", f"'''{text}'''"]
    if plain and '"' not in text and "\\" not in text:
        forms += [f'"""{text}"""', f'"""\r\n{text}\\\n   """']
    if plain and "'" not in text:
        forms.append(f"'''a''b{text}b''''")
    return str(draw(st.sampled_from(forms)))


def toml_key(key: str, draw: Any) -> str:
    forms = [json.dumps(key, ensure_ascii=False).replace("\x7f", "\\u007f")]
    if key and all(letter.isascii() and (letter.isalnum() or letter in "_-") for letter in key):
        forms.append(key)
    if all(letter >= " " and letter not in "'\x7f" for letter in key):
        forms.append(f"'{key}'")
    return str(draw(st.sampled_from(forms)))


def toml_value(value: Any, draw: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return toml_text(value, draw)
    if isinstance(value, int):
        forms = [str(value)] + ([hex(value), f"+{value}"] if value >= 0 else [])
        return str(draw(st.sampled_from(forms)))
    if isinstance(value, float):
        return repr(value) if "." in repr(value) or "e" in repr(value) else f"{value}.0"
    if isinstance(value, list):
        items = [draw(BREAKS) + toml_value(v, draw) + draw(BREAKS) for v in value]
        return (
            "[" + ",".join(items) + draw(st.sampled_from(["", ","] if items else [""])) + draw(BREAKS) + "]"
        )
    pairs = [draw(FILLERS) + toml_pair(k, v, draw) + draw(FILLERS) for k, v in value.items()]
    return "{" + draw(FILLERS) + ",".join(pairs) + "}"


def toml_pair(key: str, value: Any, draw: Any) -> str:
    name = toml_key(key, draw)
    while isinstance(value, dict) and len(value) == 1 and draw(st.booleans()):
        ((key, value),) = value.items()
        name += draw(FILLERS) + "." + draw(FILLERS) + toml_key(key, draw)
    return f"{name}{draw(FILLERS)}={draw(FILLERS)}{toml_value(value, draw)}"


@st.composite
def toml_documents(draw: Any) -> str:
    """A document in a random layout."""
    data = draw(st.dictionaries(KEYS, VALUES, max_size=5))
    lines, tables = [], []
    for key, value in data.items():
        name = toml_key(key, draw)
        if isinstance(value, dict) and draw(st.booleans()):
            tables.append([f"[{draw(FILLERS)}{name}{draw(FILLERS)}]"])
            tables[-1] += [toml_pair(k, v, draw) for k, v in value.items()]
        elif isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
            for element in value:
                tables.append([f"[[{name}]] # here"])
                tables[-1] += [toml_pair(k, v, draw) for k, v in element.items()]
        else:
            lines.append(toml_pair(key, value, draw))
    newline = draw(st.sampled_from(["\n", "\r\n", "\n\n \t", " # x = 1\n"]))
    return newline.join(lines + [line for table in tables for line in table])


def test_a_line_of_an_array_that_looks_like_a_statement() -> None:
    check_all('a = [\n"\\"=", # an escaped quote ends no key\n\'"=\',\n"x=1"\n]\nb = 2', "toml")


@given(toml_documents())
def test_any_toml_document(text: str) -> None:
    check_all(text, "toml")


@given(st.dictionaries(KEYS, VALUES, max_size=5), st.sampled_from([None, 0, 3, "\t"]), st.booleans())
def test_any_json_document(data: dict[str, Any], indent: int | str | None, ascii_only: bool) -> None:
    check_all(json.dumps(data, indent=indent, ensure_ascii=ascii_only), "json")
