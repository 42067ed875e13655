"""Whatever the text, reading it ends: in a spec, or in findings that every writer can write."""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specnet.diagnostics import Report, SpecFileError
from specnet.diagnostics.formats.concise import concise_report
from specnet.diagnostics.formats.full import full_text
from specnet.diagnostics.formats.json_report import json_report
from specnet.diagnostics.segments import width_of
from specnet.language import check, text_source
from specnet.language.other_files import other_file
from tests.support.examples import examples
from tests.support.syntax import SOUND

DATA: dict[str, Any] = tomllib.loads(SOUND)
PIECES = [
    "[", "]", "[[", "]]", "{", "}", "=", '"', "'", '"""', "\\", ",", ".", "#", "\n", "\r", "\t", "\0", "-", "+", "_",
    "0x", "1e999", "inf", "nan", "2024-01-01", "true", "null", "type", "layers", "[layers]", "é", "\ud800", "\u202e",
    "日本", "e\u0301", "9" * 50, "units = ", "[training.optimizer]\n", '"type" = "dense"\n', "\ufeff", "\x1b[31m",
]  # fmt: skip


def examine(text: str, name: str, overrides: Any = ()) -> Report:
    _, report = check(text_source(text, name), overrides)
    shown = full_text(report)
    assert all(width_of(line) <= 80 for line in shown.split("\n"))
    assert concise_report(report).count("\n") == len(report.diagnostics)
    assert json.loads(json_report(report))["diagnostics"] == report.as_dict()["diagnostics"]
    lines = text.removeprefix("\ufeff").split("\n")
    for found in report.diagnostics:
        assert found.file is not None
        if found.file == name and found.span is not None:
            assert 1 <= found.span.start.line <= len(lines)
            assert 1 <= found.span.start.column <= len(lines[found.span.start.line - 1]) + 1
            assert found.span.start <= found.span.end
    return report


def test_the_sound_document() -> None:
    assert examine(SOUND, "a.toml").ok
    assert examine(json.dumps(DATA), "a.json").ok


@given(st.data())
@settings(max_examples=examples(300))
def test_mutated_text(data: st.DataObject) -> None:
    text, name = data.draw(st.sampled_from([(SOUND, "a.toml"), (json.dumps(DATA, indent=1), "a.json")]))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(start + data.draw(st.integers(0, 12)), len(text))
        text = text[:start] + data.draw(st.sampled_from(["", *PIECES])) + text[end:]
    examine(text, name)


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**20), 10**20),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from(["dense", "adam", "relu", "mse", "full", "", "x", "Linear", "1", "true", "a\nb"]),
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "x", "units"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def paths(node: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(p for key, value in items for p in paths(value, (*path, key)))]


PATHS = paths(DATA)[1:]


@given(
    st.lists(
        st.tuples(st.sampled_from(PATHS), st.sampled_from(["set", "rename", "drop", "add"]), VALUES),
        max_size=5,
    )
)
@settings(max_examples=examples(300))
def test_mutated_data(changes: list[tuple[tuple[str | int, ...], str, Any]]) -> None:
    data = json.loads(json.dumps(DATA))
    for path, what, value in changes:
        node = data
        for step in path[:-1]:
            held = isinstance(node, dict) and step in node
            held = held or (isinstance(node, list) and isinstance(step, int) and step < len(node))
            node = node[step] if held else None
        if isinstance(node, dict):
            key = str(path[-1])
            if what in {"drop", "rename"}:
                old = node.pop(key, value)
                if what == "rename":
                    node[key[1:] + key[:1]] = old
            else:
                node[key if what == "set" else "ex_tra"] = value
    examine(json.dumps(data), "a.json")


@given(
    st.lists(
        st.one_of(
            st.text(max_size=20),
            st.builds(
                "{}={}".format,
                st.sampled_from([".".join(map(str, path)) for path in PATHS]),
                st.sampled_from(
                    ["1", "x", '"x"', "[]", "{}", '{type="dense"}', "nan", "", "1\n2", "true", "[" * 200]
                ),
            ),
        ),
        max_size=4,
    )
)
@settings(max_examples=examples(200))
def test_overrides(flags: list[str]) -> None:
    examine(SOUND, "a.toml", flags)


@given(st.text(max_size=200), st.sampled_from(["a.toml", "a.json", "a"]))
@settings(max_examples=examples(200))
def test_any_text(text: str, name: str) -> None:
    examine(text, name)


@given(st.binary(max_size=300), st.sampled_from([".toml", ".json", ""]))
@settings(max_examples=examples(100))
def test_any_bytes(data: bytes, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"a{suffix}"
        file.write_bytes(data)
        try:
            _, report = check(file)
        except SpecFileError:
            assert b"\0" in data or other_file(str(file), data[:16]) is not None
        else:
            assert report.diagnostics
            full_text(report)


FOUND = [
    Path(os.environ.get("SPECNET_TOML_TEST", "")),
    *(folder / "shared" / "data" / "toml-test" for folder in Path(__file__).resolve().parents),
]
TOML_TEST = next((f for f in FOUND if (f / "tests" / "files-toml-1.0.0").is_file()), None)


@pytest.mark.skipif(TOML_TEST is None, reason="the toml-test documents are not there ($SPECNET_TOML_TEST)")
def test_every_document_of_toml_test() -> None:
    assert TOML_TEST is not None
    names = (TOML_TEST / "tests" / "files-toml-1.0.0").read_text(encoding="utf-8").split()
    invalid = [name for name in names if name.endswith(".toml") and name.startswith("invalid/")]
    assert len(invalid) > 300
    for name in (name for name in names if name.endswith(".toml")):
        try:
            _, report = check(TOML_TEST / "tests" / name)
        except SpecFileError:
            continue
        shown = full_text(report)
        syntax = {d.code for d in report.diagnostics if d.code.startswith("SN1")}
        assert bool(syntax - {"SN104"}) == name.startswith("invalid/"), (name, shown)
        if name.startswith("invalid/") and syntax != {"SN103"}:
            assert all(d.span is not None for d in report.diagnostics), name
