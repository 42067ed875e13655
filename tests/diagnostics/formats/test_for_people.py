from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specnet.diagnostics import Diagnostic, Label, Position, Report, TextSpan
from specnet.diagnostics.formats.concise import concise, concise_report
from specnet.diagnostics.formats.full import full, full_report, full_text, summary
from specnet.diagnostics.formats.json_report import json_report
from specnet.diagnostics.segments import cells, plain_text, width_of, wrapped


def span(line: int, start: int, end: int, to: int | None = None) -> TextSpan:
    return TextSpan(Position(line, start), Position(to or line, end))


def shown(diagnostic: Diagnostic, text: str | None, width: int = 80) -> list[str]:
    return plain_text(full(diagnostic, text, width)).split("\n")[:-1]


def test_a_frame() -> None:
    found = Diagnostic("SN202", "no `unts`", file="a.toml", span=span(2, 3, 7), help="units")
    assert shown(found, "x = 1\n  unts = 4\n") == [
        "error[SN202]: no `unts`",
        " --> a.toml:2:3",
        "  |",
        "2 |   unts = 4",
        "  |   ^^^^",
        "  |",
        "  = help: units",
    ]


def test_two_places() -> None:
    found = Diagnostic(
        "SN401",
        "shapes differ",
        file="a.toml",
        span=span(12, 1, 4),
        labels=(Label("made here", span=span(2, 1, 3)), Label("and here", span=span(3, 1, 2))),
    )
    text = "\n".join(f"line {i}" for i in range(1, 20))
    assert shown(found, text) == [
        "error[SN401]: shapes differ",
        "  --> a.toml:12:1",
        "   |",
        " 2 | line 2",
        "   | -- made here",
        " 3 | line 3",
        "   | - and here",
        "...",
        "12 | line 12",
        "   | ^^^",
    ]


def test_two_places_on_one_line() -> None:
    found = Diagnostic(
        "SN1", "m", file="a", span=span(1, 8, 9), labels=(Label("first here", span=span(1, 2, 3)),)
    )
    assert shown(found, "{a = 1, a = 2}") == [
        "error[SN1]: m",
        " --> a:1:8",
        "  |",
        "1 | {a = 1, a = 2}",
        "  |  - first here",
        "  |        ^",
    ]


def test_no_place_no_text_no_file() -> None:
    assert shown(Diagnostic("SN104", "empty", file="a.toml", help="h"), "") == [
        "error[SN104]: empty",
        " --> a.toml",
        "  = help: h",
    ]
    assert (
        shown(Diagnostic("SN104", "m", file="a.toml", span=span(300, 1, 2)), None)[1] == " --> a.toml:300:1"
    )
    assert shown(Diagnostic("SN203", "m", path=("layers", 0)), None) == [
        "error[SN203]: m",
        " --> spec: layers.0",
    ]


def test_tabs_and_wide_letters_and_combining_marks() -> None:
    text = "\tnäme = '日本' # e\u0301 x"
    at = text.index("#") + 1
    found = Diagnostic("SN1", "m", file="a", span=span(1, at, at + 1))
    line, mark = shown(found, text)[3:5]
    assert line == "1 |     näme = '日本' # e\u0301 x"
    assert width_of(line[: line.index("#")]) == mark.index("^")
    found = Diagnostic("SN1", "m", file="a", span=span(1, at - 3, at - 1))
    assert shown(found, text)[4].count("^") == 3  # one wide letter, and the quote


def test_what_could_command_a_terminal_is_shown() -> None:
    found = Diagnostic("SN1", "key \x1b[31m", file="a\x1b.toml", span=span(1, 1, 2), help="\u202e")
    text = plain_text(full(found, "\x1b[31m\u202e\x7f\ud800 = 1\r\n"))
    assert not {"\x1b", "\u202e", "\x7f", "\ud800", "\r"} & set(text)
    assert r"key \x1b[31m" in text
    assert r"a\x1b.toml" in text
    assert r"help: \u202e" in text
    assert "| ␛[31m" in text  # where columns count, each takes one


def test_long_lines_are_shown_in_part() -> None:
    text = "a = '" + "y" * 300 + "' 'dd' " + "z" * 50
    at = text.index("'dd'") + 1
    line, mark = shown(Diagnostic("SN1", "m", file="a", span=span(1, at, at + 4)), text)[3:5]
    assert len(line) == 80
    assert line[4] == line[79] == "…"
    start = mark.index("^")
    assert line[start : start + 4] == "'dd'"
    assert mark.count("^") == 4


def test_a_mark_longer_than_the_line_that_is_shown() -> None:
    text = "a = " + "1" * 500
    line, mark = shown(Diagnostic("SN1", "m", file="a", span=span(1, 5, 505)), text)[3:5]
    assert len(line) <= 80
    assert len(mark) <= 80
    assert line[mark.index("^")] == "1"


def test_two_places_on_one_long_line_are_shown_apart() -> None:
    text = "{a = 1, b = '" + "x" * 200 + "', a = 2}"
    at = text.rindex("a = 2") + 1
    found = Diagnostic(
        "SN1", "m", file="a", span=span(1, at, at + 1), labels=(Label("first", span=span(1, 2, 3)),)
    )
    lines = shown(found, text)
    assert lines[3].startswith("1 | {a = 1, b")
    assert lines[4] == "  |  - first"
    assert lines[5].endswith("a = 2}")
    assert lines[5][lines[6].index("^")] == "a"


@pytest.mark.parametrize("length", [73, 74, 75, 76, 77])
def test_a_mark_after_the_end_of_a_line_that_just_fits(length: int) -> None:
    span = TextSpan(Position(11, length + 1), Position(11, length + 2))
    finding = Diagnostic("SN101", "closed nowhere", file="a.toml", span=span)
    shown = full_text(Report(1, (finding,), {"a.toml": "\n" * 10 + "x" * length}))
    assert max(width_of(line) for line in shown.split("\n")) <= 80
    assert "^" in shown


def test_several_lines() -> None:
    found = Diagnostic("SN1", "m", file="a", span=span(2, 3, 2, to=9))
    text = "1\na = [\n" + "1,\n" * 7
    assert shown(found, text)[4] == "  |   ^^^ to line 9"


def test_a_place_past_the_end() -> None:
    found = Diagnostic("SN1", "m", file="a", span=span(9, 9, 9))
    assert shown(found, "a = 1") == ["error[SN1]: m", " --> a:9:9", "  |", "1 | a = 1", "  |      ^"]


def test_messages_are_broken_at_blanks() -> None:
    found = Diagnostic("SN206", "word " * 30 + "x" * 90, file="a.toml", help="help " * 30)
    lines = shown(found, None)
    assert max(map(len, lines)) <= 80
    assert lines[1].startswith("              word")
    assert "".join(lines).count("word") == 30
    assert "".join(lines).count("x") == 90


def test_styles() -> None:
    found = Diagnostic("SN1", "m", severity="warning", file="a", span=span(1, 1, 2), help="h")
    styles = {style: text for text, style in full(found, "abc")}
    assert styles["warning"] == "warning[SN1]"
    assert styles["source"] == "abc\n"
    assert styles["primary"] == "^\n"
    assert styles["location"] == "a:1:1\n"
    assert styles["help"] == "help: h\n"


def test_a_report() -> None:
    report = Report(
        2,
        (
            Diagnostic("SN202", "no `a`", path=("a",), part="key", file="a.toml", span=span(1, 1, 2)),
            Diagnostic("SN701", "b", severity="warning", file="b.toml"),
        ),
        {"a.toml": "a = 1"},
    )
    assert concise_report(report) == "a.toml:1:1: SN202 no `a`\nb.toml: SN701 b\n"
    assert full_text(report).endswith("\nFound 1 error and 1 warning in 2 files.\n")
    assert plain_text(full_report(report)) == full_text(report)
    data = json.loads(json_report(report))
    assert data == {
        "version": 1,
        "files": 2,
        "diagnostics": [
            {
                "code": "SN202",
                "severity": "error",
                "message": "no `a`",
                "path": ["a"],
                "file": "a.toml",
                "span": {"start": {"line": 1, "column": 1}, "end": {"line": 1, "column": 2}},
                "help": None,
                "labels": [],
                "fix": None,
            },
            {
                "code": "SN701",
                "severity": "warning",
                "message": "b",
                "path": [],
                "file": "b.toml",
                "span": None,
                "help": None,
                "labels": [],
                "fix": None,
            },
        ],
        "unchecked": [],
    }
    assert not report.ok


@pytest.mark.parametrize(
    ("severities", "files", "line"),
    [
        ((), 1, "No problems in 1 file."),
        ((), 3, "No problems in 3 files."),
        (("error",) * 2, 1, "Found 2 errors in 1 file."),
        (("warning",), 1, "Found 1 warning in 1 file."),
    ],
)
def test_the_summary(severities: tuple[str, ...], files: int, line: str) -> None:
    found = tuple(Diagnostic("SN1", "m", severity=s) for s in severities)  # type: ignore[arg-type]
    assert summary(Report(files, found)) == line


def test_concise_without_a_file() -> None:
    assert concise(Diagnostic("SN203", "m", path=("layers", 0, "units"))) == "spec:layers.0.units: SN203 m"
    assert concise(Diagnostic("SN203", "a\nb", file="x\ty")) == r"x\ty: SN203 a\nb"


@given(
    st.text(max_size=300),
    st.integers(1, 4),
    st.integers(1, 320),
    st.integers(0, 400),
    st.integers(40, 120),
    st.text(max_size=200),
)
def test_no_line_is_too_wide(
    text: str, line: int, column: int, length: int, width: int, message: str
) -> None:
    found = Diagnostic(
        "SN101",
        message,
        file="a.toml",
        span=span(line, column, column + length),
        help=message,
        labels=(Label(message, span=span(1, 1, 3)),),
    )
    for row in shown(found, text, width):
        assert width_of(row) <= width


@given(st.text(max_size=100), st.integers(1, 30))
def test_wrapping_loses_nothing(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(width_of(line) <= max(width, 4) or len(line) == 1 for line in lines)


@given(st.text(max_size=50))
def test_cells_are_one_for_each_letter(text: str) -> None:
    assert len(cells(text)) == len(text)
