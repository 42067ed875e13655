"""Tables that a document opens in two ways: what helps, and what `validate --fix` writes."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

import specnet
from specnet.cli.fixing import apply_fixes
from specnet.diagnostics import Diagnostic
from specnet.language.source import text_source

SECTION = 'a = { b = 1, "c d" = [2] }\ne = 3\n\n[a.f]\ng = 4\n'


def repeated(text: str) -> list[Diagnostic]:
    return [d for d in specnet.validate(text, data=False).diagnostics if d.code == "SN102"]


def fixed(text: str) -> str:
    source = text_source(text)
    return apply_fixes(source, specnet.validate(source, data=False), specnet.validate).source.text


@pytest.mark.parametrize(
    ("text", "written", "data"),
    [
        (
            SECTION,
            'e = 3\n\n[a]\nb = 1\n"c d" = [2]\n\n[a.f]\ng = 4\n',
            {"e": 3, "a": {"b": 1, "c d": [2], "f": {"g": 4}}},
        ),
        (
            SECTION.replace("\n", "\r\n"),
            'e = 3\r\n\r\n[a]\r\nb = 1\r\n"c d" = [2]\r\n\r\n[a.f]\r\ng = 4\r\n',
            {"e": 3, "a": {"b": 1, "c d": [2], "f": {"g": 4}}},
        ),
        (
            "a = { b = 1 }\n# more\n[[a.f]]\ng = 4\n[a.h]\n",
            "# more\n[a]\nb = 1\n\n[[a.f]]\ng = 4\n[a.h]\n",
            {"a": {"b": 1, "f": [{"g": 4}], "h": {}}},
        ),
        (
            "[[x]]\ny.'z z' = { b = 1 }\n[[x]]\nq = { b = 2 }\n[x.q.f]\n",
            "[[x]]\ny.'z z' = { b = 1 }\n[[x]]\n[x.q]\nb = 2\n\n[x.q.f]\n",
            {"x": [{"y": {"z z": {"b": 1}}}, {"q": {"b": 2, "f": {}}}]},
        ),
        (
            "a = { b = 1 }\na.c = 2 # two\n",
            "a = { b = 1 }\na.c = 2 # two\n",
            None,
        ),
        ("a = { b = 1 }\na.c = 2\nd = 3\n", "a = { b = 1, c = 2 }\nd = 3\n", {"a": {"b": 1, "c": 2}, "d": 3}),
        ("a = {}\na.c = 2", "a = { c = 2 }\n", {"a": {"c": 2}}),
        ("a.b = 1\na . c = 2\n[a]\nd = 3\n", "[a]\nb = 1\nc = 2\nd = 3\n", {"a": {"b": 1, "c": 2, "d": 3}}),
        ("a.b = 1 # one\n[a]\n", "a.b = 1 # one\n[a]\n", None),
        ("a = { b.c = 1 }\n[a.d]\n", "a = { b.c = 1 }\n[a.d]\n", None),
        ("[a]\nb = 1\n[a]\nc = 1\n", "[a]\nb = 1\n[a]\nc = 1\n", None),
    ],
)
def test_a_conflict_is_fixed_where_it_is_certain_how(text: str, written: str, data: Any) -> None:
    assert all(d.help for d in repeated(text))
    assert bool([d for d in repeated(text) if d.fix]) == (data is not None)
    assert fixed(text) == written
    if data is not None:
        assert tomllib.loads(written) == data


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("a = { b = 1 }\n[a.c]\n", "write [a] instead, or move the entry into its braces"),
        ("a = { b = 1 }\n[a]\n", "write [a] instead, or move the entry into its braces"),
        ("a = { b = 1 }\na.c = 1\n", "move the entry into its braces"),
        ("a = [{ b = 1 }]\n[[a]]\n", "an array in brackets is closed"),
        ("a.b = 1\n[a]\n", "dotted keys have opened the table: write all of its keys below [a]"),
        ("[a]\n[[a]]\n", "[a] is one table, and [[a]] begins an element of an array"),
        ("[[a]]\n[a]\n", "[a] is one table, and [[a]] begins an element of an array"),
        ("[a]\nb = 1\n[a]\n", "write all of its keys below one [a]"),
        ("[a.b]\n[a]\nb.c = 1\n", "write the key below [a.b]"),
    ],
)
def test_each_conflict_has_its_help(text: str, help: str) -> None:
    (found,) = repeated(text)
    assert help in (found.help or "")


def test_a_key_given_twice_needs_no_help() -> None:
    (found,) = repeated("a = 1\na = 2\n")
    assert found.help is None
    assert found.fix is None


def test_all_conflicts_are_fixed_at_once_beside_other_syntax_errors() -> None:
    text = "a = { b = 1 }\nc.d = 1\nx = relu\n[a.e]\n[c]\n"
    assert fixed(text) == "x = relu\n[a]\nb = 1\n\n[a.e]\n[c]\nd = 1\n"
