from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import specnet as package
from specnet.data.formats.csv.survey import survey
from specnet.reporting.drafting import draft
from tests.support.command_line import Specnet

random = np.random.default_rng(5)


def drafted(path: Path, target: str | None = None) -> package.Spec:
    document = path.with_suffix(".toml")
    document.write_text(draft(survey(path), target, document).text, encoding="utf-8")
    report = package.validate(document)
    assert report.ok, [d.message for d in report.diagnostics]
    return package.load(document)


def test_a_first_document_runs_at_once(specnet: Specnet, tmp_path: Path) -> None:
    rows = []
    for n in range(120):
        a, colour = random.normal(), ["red", "green", "?"][n % 3]
        rows.append(f"{n},x,{a:.4f},{colour},{'' if n % 40 == 1 else n % 7},{'yes' if a > 0 else 'no'}")
    (tmp_path / "t.csv").write_text("\n".join(["id,same,a,colour,b,answer", *rows]))
    done = specnet("init", "t.csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert "wrote t.toml" in done.stdout
    text = (tmp_path / "t.toml").read_text()
    assert '"id",  # it numbers the rows' in text
    assert '"same",  # it holds one value only' in text
    assert 'missing = "mean"  # 43 cells without a value in 2 columns' in text
    spec = package.load(tmp_path / "t.toml")
    assert (spec.data.target, spec.data.exclude, spec.layers[-1].units) == ("answer", ("id", "same"), 2)
    ran = specnet("run", "t.toml", "--set", "training.epochs=3", "--output", "json")
    assert ran.returncode == 0
    assert set(json.loads(ran.stdout)["splits"]) == {"train", "validation", "test"}
    assert specnet("init", "t.csv").returncode == 2
    assert specnet("init", "t.csv", "--force").returncode == 0
    assert specnet("init", "t.csv", "-o", "-").stdout == text.replace('"t"', '"table"')
    assert specnet("init", "absent.csv").returncode == 2
    wrong = specnet("init", "t.csv", "--target", "anser", "-o", "other.toml")
    assert (wrong.returncode, "did you mean `answer`" in wrong.stderr) == (1, True)
    assert not (tmp_path / "other.toml").exists()
    data = json.loads(specnet("init", "t.csv", "--force", "--target", "a", "--output", "json").stdout)
    assert (data["task"], data["classes"], data["rows"], data["file"]) == ("numbers", None, 120, "t.toml")
    assert [c["role"] for c in data["columns"]] == [
        "left out",
        "left out",
        "target",
        "input",
        "input",
        "input",
    ]


@pytest.mark.parametrize(
    ("head", "cells", "loss", "units"),
    [
        (["x", "y"], lambda n: [n * 0.5, n % 3], "cross_entropy", 3),
        (["x", "y"], lambda n: [n * 0.5, n % 3 + 1], "cross_entropy", 3),
        (["x", "y"], lambda n: [n * 0.5, n % 3 + 2], "mse", 1),
        (["x", "y"], lambda n: [n * 0.5, n * 1.7], "mse", 1),
        (["x", "y"], lambda n: [n * 0.5, ["a", "b", "7"][n % 3]], "cross_entropy", 3),
        (None, lambda n: [n * 0.5, "ab"[n % 2]], "cross_entropy", 2),
        (["x", "x", "", "y"], lambda n: [n * 0.5, n % 2, n % 4, n % 2], "cross_entropy", 2),
        (["ä b", "d.e"], lambda n: [n * 0.5, ["ja", "nein"][n % 2]], "cross_entropy", 2),
        (["x", "y"], lambda n: ["unknown" if n == 4 else n * 0.5, n % 2], "cross_entropy", 2),
        (["x", "y"], lambda n: [n * 0.5, "" if n == 3 else n % 2], "cross_entropy", 2),
        (["c", "y"], lambda n: [["red", "5", ""][n % 3], n % 2], "cross_entropy", 2),
    ],
)
@pytest.mark.parametrize("sign", [",", ";", "\t"])
@pytest.mark.parametrize("count", [12, 60])
def test_every_kind_of_column_becomes_a_sound_document(
    tmp_path, head, cells, loss, units, sign, count
) -> None:
    rows = [sign.join(map(str, cells(n))) for n in range(count)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(([sign.join(head)] if head else []) + rows) + "\n", encoding="utf-8")
    spec = drafted(path)
    assert (spec.loss.type, spec.layers[-1].units) == (loss, units)
    result = package.run(package.load(path.with_suffix(".toml"), {"training.epochs": 1}))
    assert np.isfinite(result.splits["train"]["loss"])


def test_texts_in_latin_1_and_large_tables_are_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(
        "größe,y\n".encode("latin-1") + b"".join(b"%d,%d\n" % (n * 3, n % 2) for n in range(5001))
    )
    spec = drafted(path)
    assert (spec.data.encoding, spec.training.batch_size, len(spec.layers)) == ("latin-1", 128, 3)


@pytest.mark.parametrize(
    ("text", "target", "says"),
    [
        ("", None, "is empty"),
        ("a,b\n", None, "no rows of data"),
        ("a,b\n1,2\n1,2,3\n", None, "line 3 of .* has 3 cells"),
        ("a,b\n1,5\n1,5\n", None, "no column of .* varies"),
        ("a,b\n1,5\n2,5\n", "b", "one value only"),
        ("a\n1\n2\n5\n", None, "no column of .* is left to predict"),
        ("a,b\n1,2\n", "c", "has no column `c`"),
        ("a,a\n1,2\n", "a", "has 2 columns `a`"),
        ('a,b\n"1,2\n', None, "not well-formed CSV"),
        ("\0\0", None, "not text"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str, target: str | None, says: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(package.SpecError, match=says):
        draft(survey(path), target, tmp_path / "t.toml")


LONG = ["a_number_with_a_very_long_name_indeed", "the_employment_status_of_a_person", "town", "the income"]


def long_rows(count: int = 120) -> list[str]:
    jobs = ["employed full time", "self-employed", "not working at all", "?"]
    rows = [f"{n * 0.37:.3f},{jobs[n % 4]},T{n},{n * 1234.5}" for n in range(count)]
    return [",".join(LONG), *rows]


def test_what_is_written_and_what_is_printed_fits_in_80_columns(specnet: Specnet, tmp_path: Path) -> None:
    many = [f"a_category_of_numbers_{n}" for n in range(12)]
    lines = [",".join([*LONG, *many])]
    lines += [
        f"{row},{','.join('x' if n % 3 else str(n) for _ in many)}" for n, row in enumerate(long_rows()[1:])
    ]
    (tmp_path / "a_table_with_a_long_name.csv").write_text("\n".join(lines), encoding="utf-8")
    done = specnet("init", "a_table_with_a_long_name.csv", "--target", "the income")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "a_table_with_a_long_name.toml").read_text(encoding="utf-8")
    assert max(map(len, text.splitlines())) <= 80
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert " train it with: specnet run a_table_with_a_long_name.toml" in done.stdout
    spec = package.load(tmp_path / "a_table_with_a_long_name.toml")
    assert spec.data.categories == tuple(many)
    assert "# its standard deviation is" in text


def test_the_encoding_is_written_and_may_be_given(specnet: Specnet, tmp_path: Path) -> None:
    rows = [
        f"{n},{['서울', '부산', '대구', '인천', '광주'][n % 5]},{'예' if n % 2 else '아니오'}"
        for n in range(40)
    ]
    (tmp_path / "t.csv").write_bytes("\n".join(["나이,도시,합격", *rows]).encode("euc_kr"))
    done = specnet("init", "t.csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert " 40 rows, in cp949; to be predicted: 2 classes" in done.stdout
    spec = package.load(tmp_path / "t.toml")
    assert (spec.data.encoding, spec.data.target) == ("cp949", "합격")
    assert specnet("run", "t.toml", "-q", "--set", "training.epochs=1").returncode == 0
    given = specnet("init", "t.csv", "--encoding", "euc_kr", "-o", "-")
    assert 'encoding = "euc_kr"' in given.stdout
    (tmp_path / "r.csv").write_bytes("имя,y\nИван,1\nМария,2\n".encode("cp1251"))
    asked = specnet("init", "r.csv")
    assert (asked.returncode, asked.stdout) == (1, "")
    assert "--encoding" in asked.stderr
    wrong = specnet("init", "t.csv", "--encoding", "klingon")
    assert (wrong.returncode, "klingon is not a text encoding that Python knows" in wrong.stderr) == (2, True)


def test_a_parquet_file_is_drafted_by_its_types(specnet: Specnet, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    count = 60
    columns = {
        "a": [n * 0.5 for n in range(count)],
        "code": [str(n % 3) for n in range(count)],
        "when": pa.array(list(range(count)), pa.timestamp("ms")),
        "gap": [None if n == 7 else n * 1.7 for n in range(count)],
        "answer": [n % 2 == 0 for n in range(count)],
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    done = specnet("init", "t.parquet")
    assert (done.returncode, done.stderr) == (0, "")
    text = (tmp_path / "t.toml").read_text(encoding="utf-8")
    assert 'type   = "parquet"' in text
    assert '"when",  # it holds timestamp[ms], neither numbers nor text' in text
    spec = package.load(tmp_path / "t.toml")
    assert (spec.data.target, spec.data.exclude) == ("answer", ("when",))
    assert specnet("run", "t.toml", "-q", "--set", "training.epochs=1").returncode == 0
    wrong = specnet("init", "t.parquet", "--target", "when", "-o", "-")
    assert (wrong.returncode, "`when` holds timestamp[ms]" in wrong.stderr) == (
        1,
        True,
    )
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and no more")
    assert specnet("init", "bad.parquet").returncode == 1
