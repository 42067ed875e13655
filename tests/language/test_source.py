from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import specnet
from specnet.diagnostics import Diagnostic, Position, SpecError, SpecFileError, TextSpan
from specnet.language.parsers import MAX_DEPTH
from specnet.language.parsing import parse
from specnet.language.reading import read
from specnet.language.source import text_source


def faults(text: str, name: str = "a.toml") -> list[Diagnostic]:
    source = text_source(text, name)
    with pytest.raises(SpecError) as caught:
        parse(source)
    assert caught.value.sources == {name: source.text}
    assert all(d.file == name for d in caught.value.diagnostics)
    return list(caught.value.diagnostics)


def only(text: str, name: str = "a.toml") -> Diagnostic:
    (found,) = faults(text, name)
    return found


@pytest.mark.parametrize(
    ("text", "where", "message", "cure"),
    [
        ("a = relu", (1, 5, 9), "`relu` is not a value", 'strings are written in quotes: "relu"'),
        ("a = True", (1, 5, 9), "`True` is not a value", "write true"),
        ("a = null", (1, 5, 9), "`null` is not a value: TOML has no null", "leave the key out"),
        ("\n a = \nb=1", (2, 6, 6), "a value is missing here", "write a number"),
        ("a: 5", (1, 2, 3), "`:` appears where `=` is expected", "TOML writes `key = value`"),
        ("a b = 5", (1, 3, 4), "`=` is missing before `b`", "TOML is written `key = value`"),
        ("a = 007", (1, 5, 8), "`007` is not a number", "without leading zeros"),
        ("a = 5.\n", (1, 5, 7), "`5.` is not a number", "digits on both sides of its point"),
        ("a = .5\n", (1, 5, 7), "`.5` is not a number", "digits on both sides of its point"),
        ("a = 1,5\n", (1, 6, 7), "`,5` follows a value", "a fraction has a point"),
        ("a = 'x' 'y'", (1, 9, 12), "`'y'` follows a complete value", "a line of its own"),
        ("a = 2020-13-45", (1, 5, 15), "`2020-13-45` is not a date or a time", None),
        ('a = "C:\\data"', (1, 8, 10), "a backslash in double quotes starts an escape", "'C:\\data'"),
        ("a = [1 2]", (1, 8, 9), "`2` follows an array's value without a comma", "write [1, 2]"),
        ("a = [\nb = 1\n", (2, 1, 2), "`b =` appears where a value is expected", "close the array"),
        ("a = { b = 1\n}", (1, 12, 12), "cannot continue on the next line", "[table]"),
        ("a = {b=1 c=2}", (1, 10, 11), "without a comma", None),
        ("[a\nb = 1", (1, 3, 3), "header is not closed by `]`", None),
        ("[[a]\n", (1, 4, 5), "header is not closed by `]]`", None),
        ('a = """\nx', (2, 2, 2), "is not closed", "close it with the quotes"),
        ('a = "x\n', (1, 7, 7), "the string is not closed on its line", None),
        ("= 5", (1, 1, 2), "a key is missing before `=`", None),
        ("{\n}", (1, 1, 2), "a TOML line cannot begin with a brace", ".json"),
        ("é = 1", (1, 1, 2), "`é` cannot begin a", None),
        ("a = 1\r\nb = relu\r\n", (2, 5, 9), "`relu` is not a value", None),
        ("\ufeffa = relu", (1, 5, 9), "`relu` is not a value", None),
        ("a = “x”", (1, 5, 8), "`“x”` is in typographic quotes", 'write straight ones: "x"'),
        ("größe = 1", (1, 3, 4), "`ö` cannot be in a key without quotes", "put the key in quotes"),
        ("a\u200b = 1", (1, 2, 3), "the character U+200B is not allowed here", "remove it"),
        ("a\u00a0= 1", (1, 2, 3), "the character U+00A0 is not allowed here", "remove it"),
        ("a = 1\rb = 2", (1, 6, 7), "a carriage return alone does not end a line", "LF or CRLF"),
        ("\ta\t=\trelu", (1, 6, 10), "`relu` is not a value", None),
        ("a = '日本' x", (1, 10, 11), "`x` follows a complete value", None),
        ("a = 1 # \x07", (1, 9, 10), "the character U+0007 is not allowed in TOML", "remove it"),
    ],
)
def test_toml_syntax(text: str, where: tuple[int, int, int], message: str, cure: str | None) -> None:
    found = only(text)
    line, start, end = where
    assert found.code == "SN101"
    assert message in found.message
    assert found.span == TextSpan(Position(line, start), Position(line, end))
    assert cure is None or cure in (found.help or "")


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ('{"a": 1,}', (1, 8, 9), "trailing comma"),
        ("{a: 1}", (1, 2, 3), "a key in double quotes is missing here"),
        ("{“a”: 1}", (1, 2, 5), "`“a”` is in typographic quotes"),
        ('{"a": “x”}', (1, 7, 10), "`“x”` is in typographic quotes"),
        ('{"\\ud800": 1}', (1, 2, 10), "`\\ud800` is half of a surrogate pair"),
        ("{'a': 1}", (1, 2, 5), "JSON strings are written in double quotes"),
        ('{"a": True}', (1, 7, 11), "`True` is not a value"),
        ('{"a": dense}', (1, 7, 12), "`dense` is not a value"),
        ('{"a": 1 "b": 2}', (1, 9, 10), "a comma is missing before this"),
        ('{"a" 1}', (1, 6, 7), "a colon is missing after a key"),
        ('{"a": 1}}', (1, 9, 10), "this follows the end of the document"),
        ('{"a": "x', (1, 7, 8), "the string that starts here is not closed"),
        ("{\n // c\n}", (2, 2, 4), "JSON has no comments"),
        ('{"a": "\\x"}', (1, 8, 10), "a backslash starts an escape"),
        ('{"a": "x\ny"}', (1, 9, 9), "a string cannot contain a line break"),
        ('{"a": \n\n', (1, 6, 6), "the document ends here"),
    ],
)
def test_json_syntax(text: str, where: tuple[int, int, int], message: str) -> None:
    found = only(text, "a.json")
    assert found.code == "SN101"
    assert message in found.message
    assert found.span == TextSpan(Position(where[0], where[1]), Position(where[0], where[2]))


def test_json_extensions_are_all_reported() -> None:
    found = faults('{"a": Infinity, "b": {"c": 1, "c": 2}, "d": [-Infinity], "b": 1}', "a.json")
    assert sorted((d.code, d.path) for d in found) == [
        ("SN101", ("a",)),
        ("SN101", ("d", 0)),
        ("SN102", ("b",)),
        ("SN102", ("b", "c")),
    ]


@pytest.mark.parametrize(
    ("text", "path", "second", "first"),
    [
        ("a = 1\nb = 2\na = [\n3]\n", ("a",), (3, 1), (1, 1)),
        ("[a.b]\nx = 1\n[ a . b ]\n", ("a", "b"), (3, 7), (1, 4)),
        ("a = {b = 1}\na.c = 2\n", ("a",), (2, 1), (1, 1)),
        ("a.b = 1\n[a]\n", ("a",), (2, 2), (1, 1)),
        ("[a]\n[[a]]\n", ("a",), (2, 3), (1, 2)),
        ("[[a]]\n[a]\n", ("a",), (2, 2), (1, 3)),
        ("a = [{}]\n[[a]]\n", ("a",), (2, 3), (1, 1)),
        ("t = {a = 1, a = 2}\n", ("t", "a"), (1, 13), (1, 6)),
    ],
)
def test_toml_duplicates(text: str, path: Any, second: tuple[int, int], first: tuple[int, int]) -> None:
    found = only(text)
    assert (found.code, found.path) == ("SN102", path)
    assert found.span is not None
    assert found.span.start == Position(*second)
    (label,) = found.labels
    assert label.span is not None
    assert label.span.start == Position(*first)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "{}", "\ufeff"])
def test_empty_documents(text: str) -> None:
    assert only(text, "a").code == "SN104"


@pytest.mark.parametrize(
    "text", ["a = " + "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "a = " + "[" * 20_000 + "]" * 20_000]
)
def test_deep_toml(text: str) -> None:
    found = only(text)
    assert found.code == "SN105"
    assert found.span == TextSpan(Position(1, 5 + MAX_DEPTH), Position(1, 6 + MAX_DEPTH))


def test_deep_json_and_dotted_keys() -> None:
    assert only('{"a":' + "[" * 100_000, "a.json").code == "SN105"
    assert only('{"a":' * 101 + "1" + "}" * 101, "a.json").code == "SN105"
    for text in (
        ".".join("a" * 200) + " = 1",
        "\n [" + "'a' . " * 200 + "a]",
        'a = { "b" = 1, ' + "a." * 200 + "a = 1}",
        "a." * 2_000_000 + "a = 1",
    ):
        found = only(text)
        assert found.code == "SN105"
        assert found.span is not None


def test_as_deep_as_may_be() -> None:
    depth = MAX_DEPTH - 1
    assert parse(text_source("a = " + "[" * depth + "]" * depth))["a"]


def test_megabytes_of_brackets_end() -> None:
    for text in ("[" * 2_000_000, "a=" + "[" * 2_000_000, "{" * 2_000_000, '{"a":' * 400_000):
        for name in ("a.toml", "a.json"):
            assert faults(text, name)


def test_overlong_numbers() -> None:
    for text, name in (("a = " + "1" * 5000, "a.toml"), ('{"a": ' + "1" * 5000 + "}", "a.json")):
        found = only(text, name)
        assert found.code == "SN107"
        assert found.span is not None
        assert found.span.end.column - found.span.start.column == 5000


def test_a_json_document_is_an_object() -> None:
    assert only("[1]", "a.json").code == "SN106"
    assert only("3", "a.json").code == "SN106"


def test_reading(tmp_path: Path) -> None:
    file = tmp_path / "spec.toml"
    file.write_bytes(b"\xef\xbb\xbfa = 'x'\r\n")
    source = read(file)
    assert (source.syntax, source.stem, source.folder, source.file) == ("toml", "spec", tmp_path, str(file))
    assert parse(source) == {"a": "x"}
    assert read(source) is source
    assert read(str(file)) == source


@pytest.mark.parametrize(
    ("name", "text", "syntax"),
    [
        ("a.json", "a = 1", "json"),
        ("a.JSON", "{}", "json"),
        ("a.toml", "{}", "toml"),
        ("a", " \n{}", "json"),
        ("a.spec", "a = 1", "toml"),
    ],
)
def test_syntax_by_suffix_or_content(name: str, text: str, syntax: str) -> None:
    assert text_source(text, name).syntax == syntax


def test_texts() -> None:
    assert parse(read("a = 1\n")) == {"a": 1}
    assert parse(read('{"a": 1}')) == {"a": 1}
    assert read("a = 1\n").stem == "spec"


def unreadable(path: Path | str) -> str:
    with pytest.raises(SpecFileError) as caught:
        read(path)
    return str(caught.value)


def test_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "mlp.toml").write_text("a = 1")
    (tmp_path / "loop.toml").symlink_to(tmp_path / "loop.toml")
    (tmp_path / "gone.toml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "junk.toml").write_bytes(b"a\0b")
    assert unreadable(tmp_path / "mpl.toml").endswith(
        f"mpl.toml: no such file; did you mean {tmp_path}/mlp.toml?"
    )
    assert unreadable(tmp_path / "mlp").endswith(f"did you mean {tmp_path}/mlp.toml?")
    assert unreadable(tmp_path / "elsewhere.toml").endswith("elsewhere.toml: no such file")
    assert unreadable(tmp_path / "gone.toml").endswith("this link is broken")
    assert unreadable(tmp_path).endswith("this is a folder, not a file")
    assert "symbolic link" in unreadable(tmp_path / "loop.toml")
    assert unreadable(tmp_path / "mlp.toml" / "x").endswith("not a directory")
    assert unreadable(tmp_path / "junk.toml").endswith("not a text file: it contains null bytes")
    assert unreadable("").endswith(": no such file")
    assert unreadable("a\0b")
    assert unreadable("x" * 5000)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("a = 1")
    file.chmod(0)
    assert unreadable(file).endswith("permission denied")


def test_a_file_too_large(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    with file.open("wb") as handle:
        handle.truncate(65 * 2**20)
    assert "larger than 64 MiB" in unreadable(file)


@pytest.mark.parametrize(
    ("data", "where", "message"),
    [
        (b"a = 1\nb = '\xe4'\n", (2, 6), "the byte 0xe4 is not UTF-8 here"),
        ("b = 'é".encode() + b"\xff'", (1, 7), "the byte 0xff is not UTF-8 here"),
        ("a = 1".encode("utf-16"), None, "the file is UTF-16"),
    ],
)
def test_other_encodings(
    tmp_path: Path, monkeypatch, data: bytes, where: tuple[int, int] | None, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "a.toml"
    file.write_bytes(data)
    with pytest.raises(SpecError) as caught:
        read(file)
    (found,) = caught.value.diagnostics
    assert (found.code, found.message, found.file) == ("SN103", message, str(file))
    assert (found.span and found.span.start) == (Position(*where) if where else None)
    assert caught.value.sources.keys() == {str(file)}


@pytest.mark.parametrize("text", ['specnet = 1\nname = "\ud800"\n', '{"specnet": 1,\n"name": "\ud800"}'])
def test_a_text_with_half_of_a_letter_is_none(text):
    (found,) = specnet.validate(text).diagnostics
    assert (found.code, found.span.start.line) == ("SN103", 2)
    assert found.message == "`\\ud800` is half of a surrogate pair, without the other half"


def test_an_override_with_half_of_a_letter_is_reported():
    with pytest.raises(specnet.SpecError, match="is not a data format"):
        specnet.load('specnet = 1\n[data]\ntype = "csv"\n', overrides={"data.type": "\udcff"})
