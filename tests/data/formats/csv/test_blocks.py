"""A table has the same numbers, to the bit, and the same faults, whether it is read record by record or in blocks."""

from __future__ import annotations

import io
import random
import sys
import threading
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specnet.data import FORMATS, load_data, open_data
from specnet.data.formats.csv import arrow, blocks, text_blocks
from specnet.data.formats.csv.blocks import BlockReader
from specnet.data.formats.csv.dialect import Dialect
from specnet.data.formats.csv.reader import RecordReader, UndecodableError
from specnet.data.formats.csv.text_blocks import TextBlocks
from specnet.diagnostics import SpecError
from tests.support.dialects import DIALECTS, written

READERS = ("records", "bytes", "pyarrow")


class Reads:
    """Counts the blocks that are read as bytes and by pyarrow, and the records that are read one by one."""

    def __init__(self, monkeypatch):
        self.bytes = self.arrow = self.records = 0
        cut, read, record = BlockReader._cut, arrow.Arrow.read, RecordReader.next_chunk

        def counted_cut(reader, lines, width):
            block = cut(reader, lines, width)
            self.bytes += block is not None
            return block

        def counted_read(reader, block, asked):
            able = read(reader, block, asked)
            self.arrow += able
            return able

        def counted_chunk(reader, width, number):
            chunk = record(reader, width, number)
            self.records += 0 if chunk is None else len(chunk.lines)
            return chunk

        monkeypatch.setattr(BlockReader, "_cut", counted_cut)
        monkeypatch.setattr(arrow.Arrow, "read", counted_read)
        monkeypatch.setattr(RecordReader, "next_chunk", counted_chunk)


@pytest.fixture
def small(monkeypatch):
    """Small blocks, so that small tables take many, and pyarrow is used for them."""
    for module in (text_blocks, blocks):
        monkeypatch.setattr(module, "BLOCK", 100)
        monkeypatch.setattr(module, "FIRST", 20)
    monkeypatch.setattr(blocks, "ARROW", 1)
    monkeypatch.setattr(blocks, "FROM", 0)
    monkeypatch.setattr(arrow, "share", lambda: 2)


def read_with(reader, folder, fields):
    with pytest.MonkeyPatch.context() as patch:
        if reader == "records":
            patch.setattr(BlockReader, "_cut", lambda reader, lines, width: None)
        if reader != "pyarrow":
            patch.setattr(arrow.Arrow, "installed", lambda *_: None)
        try:
            data = load_data(FORMATS.validate(fields), folder, seed=7, dtype="float64")
        except SpecError as error:
            return [(d.code, d.message, d.help) for d in error.diagnostics]
        split = data.splits["train"]
        return (
            split.inputs.tobytes(),
            split.targets.tobytes(),
            data.signature.features,
            data.signature.classes,
        )


def check(folder, **fields):
    pytest.importorskip("pyarrow")
    records, *others = (
        read_with(reader, folder, {"type": "csv", "path": "t.csv", **fields}) for reader in READERS
    )
    assert others == [records, records]
    return records


LIKE_NUMBERS = [
    "1", "-2.5", "+3", ".5", "5.", "0", "-0", "-0.0", "007", "1e5", "1E-3", "1e400", "1e-400", "nan", "NaN", "NA",
    "inf", "-Infinity", "", " ", "?", "null", " 1", "1 ", "\t1", "1_000", "0x10", "1,5", "1.234,5", "1 000",
    "9223372036854775808", "123456789012345678901", "0.1234567890123456789", "9007199254740993", "٣", "1\u00a0",
    "true", "2024-05-31", "-999", "$5",
]  # fmt: skip
NUMBERS = st.one_of(
    st.floats(-1e9, 1e9).map(repr), st.integers(-(2**70), 2**70).map(str), st.sampled_from(LIKE_NUMBERS[:10])
)
ODD = st.sampled_from(LIKE_NUMBERS)
NAMES = st.sampled_from(
    ["red", " blue", "green ", "", "é", "猫", '"a,b"', '"x\ny"', '"q""q"', 'in"side', "NA", "1", "1.0"]
)


def rows(columns):
    return st.lists(st.tuples(*columns), min_size=2, max_size=60)


@pytest.mark.usefixtures("small")
@given(
    table=st.one_of(
        rows([NUMBERS, NUMBERS, st.sampled_from(["red", " blue", "é"])]),
        rows([NUMBERS, st.one_of(NUMBERS, ODD), NAMES]),
        rows([NUMBERS, NUMBERS | st.just(""), NAMES]),
    ),
    fields=st.sampled_from(
        [
            {},
            {"missing": "mean"},
            {"missing": "drop", "missing_markers": ["?", "-999", "1", ""]},
            {"replace": {"1": "2", "red": "blue"}, "missing": "median"},
            {"delimiter": ";", "decimal": ",", "missing": "mean"},
            {"delimiter": "\t", "thousands": ",", "strip": ["$"], "missing": "mean"},
            {"comment": "#", "skip_rows": 1, "missing": "mean"},
            {"categories": ["b"], "missing": "most_frequent"},
            {"encoding": "utf-16", "missing": "mean"},
        ]
    ),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    blank=st.booleans(),
    whole=st.booleans(),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_the_readers_agree(table, fields, end, blank, whole, tmp_path):
    sign = fields.get("delimiter", ",")
    lines = [sign.join(["a", "b", "y"]), *(sign.join(row) for row in table)]
    if fields.get("skip_rows"):
        lines.insert(0, 'a "title')
        lines.insert(4, "# a comment")
    if blank:
        lines[3:3] = ["", "  "]
    text = end.join(lines) + (end if whole else "")
    (tmp_path / "t.csv").write_bytes(text.encode(fields.get("encoding", "utf-8")))
    check(tmp_path, target="y", **fields)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("cell", LIKE_NUMBERS)
def test_the_readers_agree_on_a_cell_among_numbers(cell, tmp_path):
    lines = [f"{n}.25,{n},{n % 3}" for n in range(60)]
    lines[40] = f'7,"{cell}",1'
    lines[50] = f"8,{cell},2"
    (tmp_path / "t.csv").write_text("a,b,y\n" + "\n".join(lines), encoding="utf-8")
    for fields in ({}, {"missing": "mean"}, {"missing_markers": ["-999", "true", "5."], "missing": "mean"}):
        check(tmp_path, target="y", **fields)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", DIALECTS)
def test_the_readers_agree_on_a_dialect(name, tmp_path):
    path, keys = written(tmp_path, name)
    found = check(tmp_path, **{**keys, "path": path, "target": "kind"})
    assert isinstance(found, tuple), found


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "content",
    [
        b"a,y\n" + b"1,2\n" * 50 + b"1,2,3\n" + b"4,5\n" * 50,
        b"a,y\n" + b"1,2\n" * 50 + b'1,"2\n' + b"4,5\n" * 50,
        b"a,y\n" + b"1,2\n" * 50 + b'1,"2"3\n' + b"4,5\n" * 50,
        b"a,y\n" + b"1,2\n" * 50 + b"1,\xff\n" + b"4,5\n" * 50,
        b"a,y\n" + b"1,2\n" * 50 + b"1," + b"2" * 140_000 + b"\n4,5\n",
        b"a,y\n" + b"1,2\n" * 50 + b"1,\x00\n" + b"4,5\n" * 50,
        b"y\n" + b"1\n" * 50 + b"\n\n  \n" + b"4\n" * 50,
        b"\xef\xbb\xbfa,y\r\n" + b"1,2\r\n" * 50 + b"1,2\n3,4\r5,6",
    ],
)
def test_the_readers_agree_on_what_is_wrong(content, tmp_path):
    (tmp_path / "t.csv").write_bytes(content)
    check(tmp_path, target="y" if b"," in content else "inputs")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("blank", [b"\n", b"\n\n\n", b"  \n", b"\r\n"])
def test_a_blank_line_further_on_is_no_row_of_missing_values(blank, tmp_path):
    head, line, fields = b"a,b,y\n", b"1,2.5,red\n", {"target": "y", "missing": "mean"}
    (tmp_path / "t.csv").write_bytes(head + line * 200)
    without = check(tmp_path, **fields)
    (tmp_path / "t.csv").write_bytes(head + line * 150 + blank + line * 50)
    assert check(tmp_path, **fields) == without


@pytest.mark.usefixtures("small")
def test_the_readers_agree_on_a_lone_surrogate(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"a,b,y\n" + b"1,x,red\n" * 100 + b"1,+2AA-,red\n" + b"1,x,blue\n" * 100)
    _, _, features, _ = check(tmp_path, target="y", encoding="utf-7")
    assert features == ("a", "b=x", "b=\ud800")


@pytest.mark.usefixtures("small")
def test_plain_lines_are_read_in_blocks_whatever_comes_between(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    reads = Reads(monkeypatch)
    lines = [f"{n / 7!r},{n},{'ab'[n % 2]}" for n in range(2000)]
    lines[1000] = '1,2,"a\n"'
    (tmp_path / "t.csv").write_text("a,b,y\n" + "\n".join(lines))
    fields = {"type": "csv", "path": "t.csv", "target": "y"}
    plain = load_data(FORMATS.validate(fields), tmp_path, seed=7, dtype="float64")
    assert plain.splits["train"].inputs[:, 1].tolist() == [2.0 if n == 1000 else n for n in range(2000)]
    assert reads.bytes > 100
    assert reads.arrow > reads.bytes - 10
    # Those are the records of the first block, which the header is in, and of the one with quotes.
    assert reads.records < 30


@pytest.mark.usefixtures("small")
def test_something_is_done_while_pyarrow_reads(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    done, released, read = [], threading.Event(), arrow.Arrow.read

    def waiting(*given):
        if threading.current_thread() is not threading.main_thread():
            released.wait(10)
        return read(*given)

    def meanwhile():
        for piece in range(3):
            done.append(piece)
            if piece == 2:
                released.set()
            yield piece

    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{n},{n % 2}\n" for n in range(2000)))
    data_format = FORMATS.validate({"type": "csv", "path": "t.csv", "target": "y"})
    monkeypatch.setattr(arrow.Arrow, "read", waiting)
    source = open_data(data_format, tmp_path, meanwhile=meanwhile()).source
    assert done == [0, 1, 2]
    assert source.parts["train"].found.columns[0].values.tolist() == list(range(2000))


def test_pyarrow_reads_a_large_file_from_its_second_block_on(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    reads = Reads(monkeypatch)
    monkeypatch.setattr(arrow, "share", lambda: 2)
    (tmp_path / "t.csv").write_text("a,y\n" + "1.25,2\n" * 700_000)
    with (tmp_path / "t.csv").open("rb") as file:
        reader = BlockReader(file, Dialect())
        reader.first()
        for chunk in reader.chunks(2, 256):
            assert chunk.columns[0].numbers(".")[0].min() == 1.25
    assert (reads.bytes - reads.arrow, reads.arrow > 1) == (1, True)


def test_pyarrow_is_not_imported_for_a_small_file(tmp_path, monkeypatch):
    monkeypatch.setattr(arrow.Arrow, "installed", lambda *_: pytest.fail("pyarrow was looked for"))
    (tmp_path / "t.csv").write_text("a,y\n" + "1,2\n" * 20_000)
    load_data(
        FORMATS.validate({"type": "csv", "path": "t.csv", "target": "y"}), tmp_path, seed=7, dtype="float64"
    )


@pytest.mark.usefixtures("small")
def test_pyarrow_is_not_imported_on_one_core(tmp_path, monkeypatch):
    monkeypatch.setattr(arrow, "share", lambda: 1)
    monkeypatch.setattr(arrow.importlib, "import_module", lambda name: pytest.fail(f"{name} was imported"))
    (tmp_path / "t.csv").write_text("a,y\n" + "1,2\n" * 2000)
    fields = {"type": "csv", "path": "t.csv", "target": "y"}
    assert len(load_data(FORMATS.validate(fields), tmp_path, seed=7, dtype="float64").splits["train"]) == 2000


@pytest.mark.usefixtures("small")
def test_without_pyarrow_blocks_are_read_all_the_same(tmp_path, monkeypatch):
    for module in ("pyarrow", "pyarrow.csv"):
        monkeypatch.setitem(sys.modules, module, None)
    reads = Reads(monkeypatch)
    (tmp_path / "t.csv").write_text("a,y\n" + "1,2\n" * 2000)
    data = load_data(
        FORMATS.validate({"type": "csv", "path": "t.csv", "target": "y"}), tmp_path, seed=7, dtype="float64"
    )
    assert len(data.splits["train"]) == 2000
    assert (reads.bytes > 50, reads.arrow) == (True, 0)


@pytest.mark.usefixtures("small")
def test_pyarrow_is_no_longer_asked_where_it_cannot_read(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    asked = []
    read = arrow.Arrow.read
    monkeypatch.setattr(arrow.Arrow, "read", lambda *a: asked.append(a) or read(*a))
    (tmp_path / "t.csv").write_text("a,y\n" + "?,2\n1,2\n" * 500)
    fields = {"type": "csv", "path": "t.csv", "target": "y", "missing": "mean"}
    load_data(FORMATS.validate(fields), tmp_path, seed=7, dtype="float64")
    assert len(asked) == blocks.REFUSED


@given(
    text=st.text(alphabet="ab,\n\r é猫", max_size=200),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-8-sig", "cp949", "utf-7"]),
    sizes=st.integers(0, 2**32),
)
def test_blocks_are_the_whole_lines_of_a_text(text, encoding, sizes):
    text = text.replace("é", "") if encoding == "cp949" else text
    text = text.replace("猫", "猫" if encoding != "cp949" else "가")
    draw = random.Random(sizes)

    class Pieces(io.BytesIO):
        def read1(self, size=-1):
            return super().read1(draw.randint(1, 9))

    source = TextBlocks(Pieces(text.encode(encoding)), encoding)
    source.block = draw.randint(1, 12)
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_blocks, "FIRST", draw.randint(1, 12))
        while block := source.next():
            found.append(block.decode())
    assert "".join(found) == text
    assert all(block.endswith(("\n", "\r")) for block in found[:-1])
    assert not any(one.endswith("\r") and other.startswith("\n") for one, other in pairwise(found))
    assert source.lines == text.count("\n") + text.count("\r") - text.count("\r\n")


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("longest", [5, 80, 300])
def test_blocks_of_a_file_end_where_its_lines_do(end, longest, moved, tmp_path, monkeypatch):
    monkeypatch.setattr(text_blocks, "FIRST", 20)
    monkeypatch.setattr(text_blocks, "LINE", 50)
    if moved:  # as if the file had other lines when it was looked at
        monkeypatch.setattr(text_blocks.os, "pread", lambda *_: b"12345\n", raising=False)
    draw = random.Random(longest)
    text = "".join("é" * draw.randint(0, longest) + end for _ in range(300)).encode()
    (tmp_path / "t.csv").write_bytes(text)
    found = []
    with (tmp_path / "t.csv").open("rb") as file:
        source = TextBlocks(file, "utf-8")
        source.block = 200
        while block := source.next():
            found.append(block)
    assert b"".join(found) == text
    assert all(block.endswith(end.encode()) for block in found)
    assert (source.lines, source.whole) == (300, len(text))


@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_small_file_is_one_chunk(header, end):
    lines = [f"{n},{n / 7!r}" for n in range(20)]
    reader = BlockReader(io.BytesIO(("\n".join(lines) + end).encode()), Dialect())
    first = reader.first()
    if not header:
        reader.unread(first)
    assert [len(chunk.lines) for chunk in reader.chunks(2, 256)] == [19 if header else 20]


@pytest.mark.parametrize("encoding", ["utf-8", "cp949", "ascii"])
@pytest.mark.parametrize("lines", [0, 1, 2, 500])
def test_what_cannot_be_decoded_is_found_in_its_line(encoding, lines):
    reader = BlockReader(io.BytesIO(b"1,2\r\n" * lines + b"3,\xff\n"), Dialect(encoding=encoding))
    with pytest.raises(UndecodableError, match=f"line {lines + 1} has the byte 0xff"):
        list(reader.chunks(2, 10))
