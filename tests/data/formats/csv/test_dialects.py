"""Tables that are written in other ways: each reads as the plain table does, whole and in batches, and for new rows."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import specnet
from specnet.data.formats.csv import text_blocks
from specnet.data.formats.csv.dialect import Dialect
from specnet.data.formats.csv.reader import RecordReader
from specnet.data.formats.csv.survey import survey
from specnet.data.tables.numbers import NumberFormat
from specnet.reporting.drafting import draft
from tests.support.dialects import DIALECTS, PLAIN, ROWS, model_of, written


def zipped(**members: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(f"{name}.csv", text)
    return made.getvalue()


@pytest.mark.parametrize("name", DIALECTS)
def test_a_dialect_reads_as_the_plain_table(name: str, desk) -> None:
    desk.write("plain.csv", PLAIN)
    expected = desk.load(type="csv", path="plain.csv", target="kind")
    assert expected.splits["train"].inputs.tolist() == [[x, y] for x, y, _ in ROWS]
    path, keys = written(desk.folder, name)
    data = desk.load(type="csv", path=path, target="kind", **keys)
    assert data.splits["train"].inputs.tolist() == expected.splits["train"].inputs.tolist()
    assert data.splits["train"].targets.tolist() == expected.splits["train"].targets.tolist()
    assert data.signature.classes == expected.signature.classes == ("a", "a, b", "b")


@pytest.mark.parametrize("name", DIALECTS)
def test_a_run_in_batches_predictions_and_evaluation_read_a_dialect(name: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    path, keys = written(tmp_path, name)
    whole = specnet.run(model_of(keys, path), out="whole")
    batches = specnet.run(model_of({**keys, "load": "batches"}, path), out="batches")
    np.testing.assert_array_equal(whole.parameters["dense_1.kernel"], batches.parameters["dense_1.kernel"])
    plain = tmp_path / "plain.csv"
    plain.write_text(PLAIN)
    expected = specnet.run(model_of({}, "plain.csv")).model.predict([row[:2] for row in ROWS])
    for run in ("whole", "batches"):
        measured = specnet.evaluate(run, path)
        assert measured.splits["data"]["accuracy"] == whole.splits["train"]["accuracy"]
        np.testing.assert_array_equal(specnet.load_run(run).predict([row[:2] for row in ROWS]), expected)


@pytest.mark.parametrize("name", DIALECTS)
def test_init_finds_out_the_dialect(name: str, tmp_path: Path) -> None:
    path, keys = written(tmp_path, name)
    found = survey(tmp_path / path)
    assert [column.name for column in found.columns] == ["size", "rate", "kind"]
    assert [column.numeric for column in found.columns] == [True, True, False]
    document = tmp_path / "t.toml"
    document.write_text(draft(found, None, document).text, encoding="utf-8")
    report = specnet.validate(document)
    # There are few rows, and so few steps.
    assert (report.ok, {d.code for d in report.diagnostics} - {"SN722"}) == (True, set())
    data = specnet.load(document).data
    assert {key: getattr(data, key) for key in keys} == {
        key: tuple(value) if isinstance(value, list) else value for key, value in keys.items()
    }


@pytest.mark.parametrize(
    ("form", "text", "value"),
    [
        (NumberFormat(","), "1,5", 1.5),
        (NumberFormat(","), "1.5", None),
        (NumberFormat(",", "."), "1.234.567,8", 1234567.8),
        (NumberFormat(",", "."), "1.23", None),
        (NumberFormat(".", ","), "12,34,567", 1234567),
        (NumberFormat(".", ","), "1,23", None),
        (NumberFormat(".", "'"), "1\u2019234.5", 1234.5),
        (NumberFormat(".", None, ("$", "US$")), "-US$ 5", -5),
        (NumberFormat(".", None, ("$",)), "$-5", -5),
        (NumberFormat(".", None, ("$",)), "-$-5", None),
        (NumberFormat(".", None, ("%",)), "%", None),
        (NumberFormat(","), ",5e-1", 0.05),
        (NumberFormat(","), "", None),
        (NumberFormat(","), "-inf", float("-inf")),
    ],
)
def test_numbers_in_a_format(form: NumberFormat, text: str, value: float | None) -> None:
    assert form.value(text) == value


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.sampled_from([".", " ", "'", None]))
def test_a_number_is_what_was_written(value: float, thousands: str | None) -> None:
    text = f"{value:,.6f}".replace(",", thousands or "").replace(".", "\0") if thousands != "." else ""
    if thousands == ".":
        text = f"{value:,.6f}".replace(".", "\0").replace(",", ".")
    assert NumberFormat(",", thousands).value(text.replace("\0", ",")) == float(f"{value:.6f}")


def records(text: str, **dialect: object) -> list[tuple[int, list[str]]]:
    reader = RecordReader(io.StringIO(text, newline=""), Dialect(**dialect))  # type: ignore[arg-type]
    found = []
    while (record := reader.first()) is not None:
        found.append(record)
    return found


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_keep_their_numbers_and_cells_of_several_lines_their_comment_signs(end: str) -> None:
    text = end.join(["title", '# "x', 'a,"b', "# no comment", 'c"', "#", " # d", 'e,"f"', "g#,h", ""])
    assert records(text, comment="#", skip_rows=1) == [
        (3, ["a", f"b{end}# no comment{end}c"]),
        (8, ["e", "f"]),
        (9, ["g#", "h"]),
    ]


def test_blanks_in_quotes_are_text() -> None:
    assert records(' a  "b  c"\td\u00a0e \n\n"x""  y"  1\n', delimiter="whitespace") == [
        (1, ["a", "b  c", "d\u00a0e"]),
        (3, ['x"  y', "1"]),
    ]


def test_a_member_of_a_zip_archive_is_found_or_named(desk) -> None:
    fields = {"type": "csv", "target": "y"}
    one, other = "a,y\n1,2\n3,4\n", "a,y\n5,6\n"
    desk.write("one.zip", zipped(rows=one))
    assert desk.load(**fields, path="one.zip").splits["train"].inputs.tolist() == [[1], [3]]
    desk.write("two.zip", zipped(train=one, test=other))
    fault = desk.fault(**fields, path="two.zip")
    assert (fault.code, fault.path, fault.message) == ("SN501", ("data", "path"), "`two.zip` holds 2 files")
    assert fault.help == "`member` names one of `train.csv`, `test.csv`"
    fault = desk.fault(**fields, path="two.zip", member="tran.csv")
    assert (fault.path, fault.message) == (("data", "member"), "`two.zip` holds no file `tran.csv`")
    test = {"path": "two.zip", "member": "test.csv"}
    data = desk.load(**fields, path="two.zip", member="train.csv", test=test)
    assert data.splits["train"].inputs.tolist() == [[1], [3]]
    assert data.splits["test"].inputs.tolist() == [[5]]
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("[Content_Types].xml", "")
        archive.writestr("xl/workbook.xml", "")
    desk.write("book.csv", made.getvalue())
    fault = desk.fault(**fields, path="book.csv")
    assert (fault.code, fault.help) == ("SN503", "save the sheet as CSV")


@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, lzma.compress, lambda text: zipped(t=text.decode())]
)
def test_damage_is_a_finding_and_no_traceback(pack: Callable[[bytes], bytes], desk) -> None:
    whole = pack("".join(f"{n * 0.37:.2f},{n}\n" for n in range(5000)).encode())
    for data in (
        whole[: len(whole) // 2],
        whole[: len(whole) // 2] + b"\xff" * 400 + whole[len(whole) // 2 + 400 :],
    ):
        desk.write("t.csv", data)
        found = desk.faults(type="csv", path="t.csv", target=1, header=False)
        assert {fault.code for fault in found} <= {"SN502", "SN503", "SN512", "SN505"}
        assert found[0].code == "SN502"


def test_help_for_a_table_that_is_damaged_or_no_text_further_on(desk) -> None:
    fields = {"type": "csv", "target": "y"}
    desk.write("t.csv", b"a b y\n" + b"1 2 3\n" * 9000 + b"\xff\n")
    assert desk.fault(**fields, path="t.csv").help == 'it seems to need `delimiter = "whitespace"`'
    whole = gzip.compress(b"a b y\n" + b"".join(b"%d %d %d\n" % (n * n, n, n % 7) for n in range(3000)))
    desk.write("t.csv", whole[:6000])
    assert {fault.code for fault in desk.faults(**fields, path="t.csv")} == {"SN509"}
    damaged = gzip.compress(b"a,y\n\xff,1\n" + b"".join(b"%d,%d\n" % (n * n, n) for n in range(3000)))
    desk.write("t.csv", damaged[:3000])
    assert {fault.code for fault in desk.faults(**fields, path="t.csv")} <= {"SN502", "SN503"}


def test_what_decompresses_to_more_than_the_memory_is_not_read_whole(desk, monkeypatch) -> None:
    from specnet.data.formats import csv

    monkeypatch.setattr(csv, "memory", lambda: 100_000)
    desk.write("t.csv", gzip.compress(b"a,y\n" + b"1,2\n" * 100_000))
    fault = desk.fault(type="csv", path="t.csv", target="y", load="whole")
    assert (fault.code, fault.message) == (
        "SN570",
        "`t.csv` decompresses to more than the machine's 97.7 KiB",
    )
    assert desk.inspect(type="csv", path="t.csv", target="y", load="batches").rows == {"train": 100_000}


def test_a_line_without_end_is_not_decompressed_to_its_end(desk, monkeypatch) -> None:
    monkeypatch.setattr(text_blocks, "LONGEST", 1000)
    desk.write("t.csv", gzip.compress(b"a,y\n" + b"," * 5000))
    assert "line 2 is longer than" in desk.fault(type="csv", path="t.csv", target="y").message
