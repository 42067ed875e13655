"""A table has the same numbers, to the bit, and the same faults, however many processes read it together."""

from __future__ import annotations

import os

import numpy as np
import pytest

from specnet.data import FORMATS, open_data
from specnet.data.formats.csv import arrow, blocks, gathering, parts, text_blocks
from specnet.data.formats.csv.dialect import Dialect
from specnet.diagnostics import RunError
from specnet.runs.reading import reading
from tests.support.ranks import together
from tests.support.reading_together import read_together

RNG = np.random.default_rng(0)
COUNT = 400
COLUMNS = ["a", "b", "day", "kind", "w", "y"]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Small blocks and parts, so that small tables take many."""
    for module in (text_blocks, blocks):
        monkeypatch.setattr(module, "BLOCK", 300)
        monkeypatch.setattr(module, "FIRST", 100)
    monkeypatch.setattr(blocks, "ARROW", 1)
    monkeypatch.setattr(parts, "FROM", 0)
    monkeypatch.setattr(parts, "HEAD", 600)
    monkeypatch.setattr(parts, "PART", 1500)
    monkeypatch.setattr(gathering, "PIECE", 700)


@pytest.fixture(params=["bytes", "pyarrow"])
def reader(request, monkeypatch):
    if request.param == "pyarrow":
        pytest.importorskip("pyarrow")
        monkeypatch.setattr(blocks, "FROM", 0)
        monkeypatch.setattr("specnet.runs.reading.threads", lambda _: 2)
    else:
        monkeypatch.setattr(arrow.Arrow, "installed", lambda *_: None)


@pytest.fixture
def taken(monkeypatch):
    """How many lines were taken in whose cells others had read, and how often lines of theirs were read again."""
    counts = {"cells": 0, "again": 0}
    given, again = parts.PartTask.given, parts.PartTask.lines

    def counted(task, pieces):
        found = given(task, pieces)
        counts["cells"] += sum(lines.count for lines in found if lines.is_read)
        return found

    def counted_again(task, start, size):
        counts["again"] += 1
        return again(task, start, size)

    monkeypatch.setattr(parts.PartTask, "given", counted)
    monkeypatch.setattr(parts.PartTask, "lines", counted_again)
    return counts


def table(count=COUNT):
    """Return rows of cells, by column as `COLUMNS`."""
    return [
        [
            f"{RNG.normal():.5f}" if i % 7 else "",
            str(i - 100) if i % 11 else "-999",
            f"2024-{1 + i % 12:02}-{1 + i % 28:02}",
            ["red", "green", "blue", "été", "pale violet red"][i % 5 if i > 50 else i % 2],
            f"{1 + i % 3}.5",
            "uvw"[i % 3],
        ]
        for i in range(count)
    ]


def text(rows, end="\n", sign=",", last="\n", names=COLUMNS):
    return end.join(sign.join(row) for row in [names, *rows]) + last


FIELDS = {
    "type": "csv",
    "path": "t.csv",
    "target": "y",
    "weight": "w",
    "columns": {
        "day": {"type": "date"},
        "a": {"missing": "mean"},
        "b": {"missing": "drop"},
    },
    "missing_markers": ["", "NA", "-999"],
    "split": {"validation": 0.25, "stratify": True},
}


def check(folder, content, fields=FIELDS, sizes=(2, 3, 6), encoding="utf-8"):
    (folder / "t.csv").write_bytes(content.encode(encoding) if isinstance(content, str) else content)
    alone = read_together(folder, fields, 1)
    for size in sizes:
        assert read_together(folder, fields, size) == alone
    return alone


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize(
    ("keys", "more"),
    [
        ({}, {}),
        ({"end": "\r\n"}, {}),
        ({"last": ""}, {}),
        ({"sign": ";"}, {"delimiter": ";", "encoding": "cp1252"}),
        ({"sign": ", "}, {}),
        ({"sign": "\t"}, {"delimiter": "\t", "encoding": "utf-8"}),
        ({}, {"load": "batches", "shuffle_buffer": 500}),
        (
            {},
            {
                "split": {"group": "day", "test": 0.2},
                "columns": {"a": {"missing": "mean"}, "b": {"missing": "drop"}},
            },
        ),
        ({}, {"split": {"group": "kind", "test": 0.3}}),
    ],
)
def test_processes_read_what_one_does(keys, more, tmp_path, taken):
    fields = FIELDS | more
    found = check(tmp_path, text(table(), **keys), fields, encoding=fields.get("encoding", "utf-8"))
    assert not isinstance(found, list), found
    assert taken["cells"] > COUNT
    assert taken["again"] == 0


@pytest.mark.parametrize("place", [0, 150, 399])
@pytest.mark.parametrize("cell", ['"x, y"', '"two\nlines"', "\x00", " ", "7", '"7"', "", "NA", "x" * 300])
def test_lines_that_are_not_plain_are_read_by_the_first(place, cell, tmp_path, taken):
    rows = table()
    rows[place][3] = cell
    check(
        tmp_path,
        text(rows),
        FIELDS | {"columns": {**FIELDS["columns"], "kind": {"missing": "most_frequent"}}},
        (2, 3),
    )
    assert taken["cells"] > COUNT / 2


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("place", [2, 200, 398])
@pytest.mark.parametrize(
    ("column", "cell"),
    [
        (0, "what"),
        (0, "1,2"),
        (0, "inf"),
        (0, '"open'),
        (1, ""),
        (2, "yesterday"),
        (3, ""),
        (3, '"a"b'),
        (4, "-1"),
        (5, ""),
    ],
)
def test_faults_are_those_that_one_process_finds(column, cell, place, tmp_path):
    rows = table()
    rows[place][column] = cell
    fields = {**FIELDS, "columns": {"day": {"type": "date"}, "a": {"missing": "mean"}}}
    rows = [row for row in rows if column != 1 or row[1] != "-999"]
    check(tmp_path, text(rows), fields, (3,))


@pytest.mark.parametrize("place", [0.1, 0.5, 0.99])
def test_what_cannot_be_decoded_is_found_in_its_line(place, tmp_path):
    content = text(table()).encode()
    at = content.find(b"\n", int(len(content) * place)) + 3
    ((code, message, *_),) = check(tmp_path, content[:at] + b"\xff" + content[at + 1 :])
    assert code == "SN503"
    assert f"line {content[:at].count(b'%c' % 10) + 1} has the byte 0xff" in message


@pytest.mark.parametrize("late", ["1", "name"])
def test_the_kind_of_a_column_may_be_seen_late(late, tmp_path):
    rows = table()
    for i, row in enumerate(rows):
        row[3] = late if i > 200 else ""
    fields = FIELDS | {
        "columns": {**FIELDS["columns"], "kind": {"missing": "most_frequent" if late == "name" else "mean"}}
    }
    assert not isinstance(check(tmp_path, text(rows), fields, (3,)), list)


def test_lines_within_a_quoted_cell_are_read_again(tmp_path, taken):
    rows = table()
    rows[100][3] = '"' + "many\n" * 900 + '"'
    fields = FIELDS | {"columns": {**FIELDS["columns"], "kind": {"missing": "most_frequent"}}}
    assert not isinstance(check(tmp_path, text(rows), fields, (3,)), list)
    assert taken["again"]


def test_comments_titles_and_a_missing_header(tmp_path):
    rows = table()
    fields = {**FIELDS, "header": False, "target": 5, "weight": 4, "skip_rows": 2, "comment": "#"}
    fields["columns"] = {"2": {"type": "date"}, "0": {"missing": "mean"}, "1": {"missing": "drop"}}
    lines = text(rows[1:], names=rows[0]).split("\n")
    lines[300:300] = ["# a comment"]
    check(tmp_path, "\n".join(["a title", "another", *lines]), fields)


def test_several_files_and_too_many_categories(tmp_path):
    (tmp_path / "v.csv").write_text(text(table(200)))
    (tmp_path / "bad.csv").write_text(
        text([[*row[:3], "unknown" if i == 150 else row[3], *row[4:]] for i, row in enumerate(table(200))])
    )
    fields = {**FIELDS, "split": {}, "validation": {"path": "v.csv"}}
    assert not isinstance(check(tmp_path, text(table()), fields), list)
    found = check(
        tmp_path, text(table()), fields | {"validation": {"path": "bad.csv"}, "test": {"path": "v.csv"}}
    )
    assert [code for code, *_ in found] == ["SN514"]
    rows = [[*row[:3], f"k{i}", *row[4:]] for i, row in enumerate(table())]
    for load in ("whole", "batches"):
        ((code, *_),) = check(tmp_path, text(rows), FIELDS | {"load": load, "max_categories": 90})
        assert code == "SN515"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-7", "utf-8-sig", "iso2022_jp", "cp037"])
def test_encodings_in_which_a_line_may_end_elsewhere_are_not_cut(encoding):
    assert not parts.can_be_cut(Dialect(encoding=encoding))


@pytest.mark.parametrize(
    "encoding", ["utf8", "ascii", "latin-1", "cp1252", "koi8-r", "cp949", "gb18030", "Shift_JIS"]
)
def test_others_are(encoding):
    assert parts.can_be_cut(Dialect(encoding=encoding))


def test_a_small_file_is_read_by_the_first(tmp_path, monkeypatch, taken):
    monkeypatch.setattr(parts, "FROM", 1 << 20)
    check(tmp_path, text(table()))
    assert taken["cells"] == 0


@pytest.mark.parametrize("there", ["none", "other"])
def test_a_process_that_sees_another_file_reads_nothing(there, tmp_path, monkeypatch, taken):
    opened = parts.FileIdentity.open

    def elsewhere(identity):
        if there == "none":
            raise FileNotFoundError(identity.path)
        os.utime(identity.path, ns=(0, identity.time + 1_000_000_000))
        return opened(identity)

    monkeypatch.setattr(parts.FileIdentity, "open", elsewhere)
    check(tmp_path, text(table()))
    assert taken["cells"] == 0


@pytest.mark.parametrize("fault", [MemoryError("full"), KeyboardInterrupt()])
def test_what_goes_wrong_in_another_process_is_raised_there(fault, tmp_path, monkeypatch):
    def fails(_):
        raise fault

    monkeypatch.setattr(parts.PartTask, "read", fails)
    (tmp_path / "t.csv").write_text(text(table()))

    def work(ranks):
        result = reading(
            ranks, lambda readers: open_data(FORMATS.validate(FIELDS), tmp_path, readers=readers)
        )
        if ranks.rank:
            with pytest.raises(type(fault)):
                result()
            return None
        return len(result().source.parts["train"].found.columns[0].values)

    assert together(3, work)[0] > 300


def test_a_fault_of_the_first_releases_the_others(tmp_path, monkeypatch):
    (tmp_path / "t.csv").write_text(text(table()))

    def fails(*_):
        raise RunError("it broke")

    monkeypatch.setattr(parts.PartTask, "given", fails)

    def work(ranks):
        result = reading(
            ranks, lambda readers: open_data(FORMATS.validate(FIELDS), tmp_path, readers=readers)
        )
        if ranks.rank:
            return result()
        with pytest.raises(RunError, match="it broke"):
            result()
        return None

    assert together(3, work) == [None] * 3
