"""The chunks that CSV is read in: the same records, and lines, as a reader of one record after the other gives."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specnet.data.formats.csv.dialect import Dialect
from specnet.data.formats.csv.reader import RecordReader
from specnet.data.tables.table import BLOCK, RECORDS, records_at_once

CELLS = st.sampled_from(["", " ", "a", " b ", "1.5", '"a,b"', '"x\ny"', '"x\r\n\ry"', '"\r"', '""'])
LINES = st.lists(CELLS, max_size=4).map(",".join)


@given(
    lines=st.lists(LINES, max_size=12),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    size=st.integers(1, 5),
    width=st.integers(1, 3),
    again=st.booleans(),
)
def test_chunks_are_the_records(lines, end, size, width, again):
    text = end.join(lines)
    expected, odd, line = [], [], 1
    records = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True)
    for record in records:
        if len(record) > 1 or "".join(record).strip():
            (expected if len(record) == width else odd).append((line, record))
        line = records.line_num + 1
    reader = RecordReader(io.StringIO(text, newline=""), Dialect())
    first = reader.first()
    assert first == min(expected + odd, default=None)
    if first is not None and again:
        reader.unread(first)
    elif first is not None:
        (expected if len(first[1]) == width else odd).remove(first)
    chunks = list(reader.chunks(width, size))
    assert all(len(chunk.columns) == width and len(chunk.lines) + len(chunk.odd) <= size for chunk in chunks)
    found = [
        (line, list(cells))
        for chunk in chunks
        for line, cells in zip(chunk.lines, zip(*chunk.columns, strict=True), strict=True)
    ]
    assert found == expected
    assert [each for chunk in chunks for each in chunk.odd] == [(line, len(record)) for line, record in odd]


def test_a_chunk_of_a_wide_table_has_fewer_records():
    assert [records_at_once(width) for width in (0, 1, 20)] == [RECORDS] * 3
    assert records_at_once(BLOCK // 2) == 2
    assert records_at_once(10 * BLOCK) == 1


def test_faults_name_the_line_that_was_read_last():
    reader = RecordReader(io.StringIO('a,b\n1,"2\n3', newline=""), Dialect())
    with pytest.raises(csv.Error):
        list(reader.chunks(2, 10))
    assert reader.line == 3
