from __future__ import annotations

import gzip
import json
import lzma
from collections.abc import Sequence
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


def last_units(spec: package.Spec) -> int:
    """The units of the last layer of each member."""
    return spec.layers[-1].layers[-1].units


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
    assert (spec.data.target, spec.data.exclude, last_units(spec)) == ("answer", ("id", "same"), 2)
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
        (["x", "y"], lambda n: [n * 0.5, n % 9 + 2], "mse", 1),
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
    assert (spec.loss.type, last_units(spec)) == (loss, units)
    result = package.run(package.load(path.with_suffix(".toml"), {"training.epochs": 1}))
    assert np.isfinite(result.splits["train"]["loss"])


WORDS = ["good", "bad", "warm", "cold", "soft", "hard", "loud", "calm", "new", "old", "and", "the"]


def sentence(n: int) -> str:
    """Return a sentence of its own for each number."""
    return " ".join([*random.choice(WORDS, 5 + n % 4), f"word{n}"])


TABLES = {
    "text beside others": (["note", "size", "kind"], lambda n: [sentence(n), n * 0.5, "abc"[n % 3]]),
    "several": (["first note", "facts", "n"], lambda n: [sentence(n), sentence(n + 1), n * 0.5]),
    "text alone": (["note"], lambda n: ["" if n == 7 else sentence(n)]),
    "without a header": (None, lambda n: [sentence(n), n * 0.5]),
}


@pytest.mark.parametrize("numbers", [False, True])
@pytest.mark.parametrize(("head", "cells"), TABLES.values(), ids=TABLES)
def test_columns_of_sentences_are_read_as_text(tmp_path: Path, head, cells, numbers) -> None:
    # The logarithms of a skewed target make `clip` limit the columns of numbers.
    rows = [
        ",".join(map(str, [*cells(n), 1.1 ** (n % 60) if numbers else ["ja", "nein"][n % 2]]))
        for n in range(90)
    ]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(([",".join([*head, "y"])] if head else []) + rows) + "\n", encoding="utf-8")
    spec = drafted(path)
    texts = [name for name, own in spec.data.columns.items() if own.type == "text"]
    assert texts == [head[0], *head[1:2] * (head[1:2] == ["facts"])] if head else ["0"]
    assert [layer.type for layer in spec.layers].count("embedding") == len(texts)
    assert (spec.inputs is None) == (head == ["note"])
    result = package.run(package.load(path.with_suffix(".toml"), {"training.epochs": 2}))
    assert np.isfinite(result.splits["test"]["loss"])
    made = result.model.predict([[cell if cell != "" else None for cell in cells(3)]])
    assert np.isfinite(made).all()


def test_the_length_of_text_is_that_of_nearly_all_cells(tmp_path: Path) -> None:
    rows = [f"{sentence(0)},{n % 2}" for n in range(90)]
    rows[4] = f"{' '.join(WORDS * 10)},1"
    (tmp_path / "t.csv").write_text("\n".join(["note,y", *rows]) + "\n")
    spec = drafted(tmp_path / "t.csv")
    assert spec.data.columns["note"].length == 6
    assert "the longest has 120" in (tmp_path / "t.toml").read_text().replace("\n# ", " ")


def test_names_are_no_text(tmp_path: Path) -> None:
    rows = [f"Mr. {WORDS[n % 12]} {WORDS[n % 7]} {n},{n * 0.5},{n % 2}" for n in range(90)]
    (tmp_path / "t.csv").write_text("\n".join(["name,size,y", *rows]) + "\n")
    assert drafted(tmp_path / "t.csv").data.exclude == ("name",)


def test_texts_in_latin_1_and_large_tables_are_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(
        "größe,y\n".encode("latin-1") + b"".join(b"%.2f,%d\n" % (n * 0.37, n % 2) for n in range(5001))
    )
    spec = drafted(path)
    assert (spec.data.encoding, spec.training.batch_size, len(spec.layers[-1].layers)) == ("latin-1", 128, 3)


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
    assert '# it holds dates; `type = "date"` makes numbers of them' in text
    spec = package.load(tmp_path / "t.toml")
    assert (spec.data.target, spec.data.exclude) == ("answer", ("when",))
    assert specnet("run", "t.toml", "-q", "--set", "training.epochs=1").returncode == 0
    wrong = specnet("init", "t.parquet", "--target", "when", "-o", "-")
    assert (wrong.returncode, "`when` holds dates" in wrong.stderr) == (
        1,
        True,
    )
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and no more")
    assert specnet("init", "bad.parquet").returncode == 1


def table_of(path: Path, **columns: Sequence[object]) -> Path:
    rows = zip(*columns.values(), strict=True)
    path.write_text("\n".join(",".join(map(str, row)) for row in [list(columns), *rows]), encoding="utf-8")
    return path


COUNT = 200
NOISE = [f"{value:.3f}" for value in np.random.default_rng(8).normal(size=COUNT)]
ANSWER = ["yes" if n % 3 else "no" for n in range(COUNT)]


def reason_of(path: Path, name: str) -> tuple[str, str]:
    """What becomes of a column, and why."""
    made = draft(survey(path), None, path.with_suffix(".toml"))
    (use,) = (use for use in made.uses if use.column.name == name)
    return use.role, use.why


def test_one_empty_target_does_not_drop_the_rows_with_gaps_elsewhere(tmp_path: Path) -> None:
    gaps = [{"" if n % 3 else value for value in [NOISE[n]]}.pop() for n in range(COUNT)]
    answer = ["", *ANSWER[1:]]
    path = table_of(tmp_path / "t.csv", a=gaps, b=NOISE, **{"the answer": answer})
    spec = drafted(path)
    assert (spec.data.missing, spec.data.columns["the answer"].missing) == ("mean", "drop")
    result = package.run(package.load(path.with_suffix(".toml"), {"training.epochs": 1}))
    assert sum(len(split) for split in result.data.splits.values()) == COUNT - 1


def test_numbers_are_scaled_and_categories_are_not(tmp_path: Path) -> None:
    path = table_of(tmp_path / "t.csv", a=NOISE, b=[["u", "v", "w"][n % 3] for n in range(COUNT)], y=ANSWER)
    spec = drafted(path)
    assert (spec.data.scale, spec.data.transforms) == ("standardize", ())
    inputs = (
        package.run(package.load(path.with_suffix(".toml"), {"training.epochs": 1}))
        .data.splits["train"]
        .inputs
    )
    assert set(inputs[:, 1:].ravel().tolist()) == {0.0, 1.0}
    np.testing.assert_allclose(inputs[:, 0].std(), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("odd", "every", "is_marker"),
    [
        ("-", 8, True),
        ("UNKNOWN", 3, True),
        ("?", 2, True),
        ("-99", 8, True),
        ("x1", 8, True),
        ("red", 1, False),
    ],
)
def test_what_stands_for_a_missing_value_among_numbers(
    odd: str, every: int, is_marker: bool, tmp_path: Path
) -> None:
    ages = [odd if every > 1 and n % every == 0 else str(20 + n * 7 % 50) for n in range(COUNT)]
    if every == 1:
        ages = [odd if n % 4 else str(n) for n in range(COUNT)]
    path = table_of(tmp_path / "t.csv", age=ages, b=NOISE, y=ANSWER)
    spec = drafted(path)
    said = odd in spec.data.missing_markers
    assert said is is_marker
    column = survey(path).columns[0]
    assert column.numeric is is_marker
    assert not is_marker or column.missing == ages.count(odd)


@pytest.mark.parametrize(
    ("value", "others", "is_marker"),
    [
        ("-99", range(90), True),
        ("-9", range(1, 60), True),
        ("-9", range(4), True),
        ("-999", range(-40, 50), True),
        ("999", range(1, 300), False),
        ("-99", range(-98, 90), False),
        ("-5", range(90), False),
    ],
)
def test_a_number_stands_for_a_missing_value_where_it_stands_apart(
    value: str, others: range, is_marker: bool, tmp_path: Path
) -> None:
    cells = [value if n % 20 == 0 else others[n * 7 % len(others)] for n in range(COUNT)]
    path = table_of(tmp_path / "t.csv", a=cells, b=NOISE, y=ANSWER)
    assert (value in drafted(path).data.missing_markers) is is_marker
    # What another column measures is no marker: markers hold for the whole table.
    both = table_of(tmp_path / "u.csv", a=cells, c=[int(value) + n % 3 for n in range(COUNT)], y=ANSWER)
    assert value not in drafted(both).data.missing_markers


def test_a_header_is_not_made_of_a_row_of_text_though_a_cell_says_nan(tmp_path: Path) -> None:
    rows = [f"{['red', 'blue'][n % 2]},{'nan' if n == 9 else 'big'},{'pe'[n % 3 % 2]}" for n in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    found = survey(tmp_path / "t.csv")
    assert (found.header, found.rows) == (False, 60)


@pytest.mark.parametrize(
    ("lines", "header"),
    [
        (["country,2001,2002,2003", "a,1.5,2.5,3", "b,2,2.5,1"], True),
        (["country,2001,2002,2003,2004", "a,1.5,2.5,3,", "b,2,2.5,1,"], True),  # a year without any values
        (["a,2001,2002,2003", "b,2002,2002,2001", "c,2000,2003,2005"], False),  # years below, too
        (["a,2001,2002", "b,1.5,2", "c,1.5,2"], False),  # two could be so by chance
        (["a,2001,2003,2005", "b,1,2,3", "c,1,2,3"], False),  # they do not count up by one
        (["2001,2002,2003", "1,2,3", "4,5,6"], False),  # not a word among them
        (["a,1,2,3", "b,c,d,e", "f,g,h,i"], False),  # no numbers below
    ],
)
def test_years_are_names_where_they_count_up_and_nothing_below_is_like_them(
    lines: list[str], header: bool, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    assert survey(tmp_path / "t.csv").header is header


def test_a_header_with_years_is_written_down(tmp_path: Path) -> None:
    rows = [f"{'abcd'[n % 4]},{n * 7 % 40 / 10},{n * 3 % 50 / 10},{n % 9 + 0.5}" for n in range(80)]
    (tmp_path / "t.csv").write_text("\n".join(["country,2001,2002,2003", *rows]) + "\n")
    spec = drafted(tmp_path / "t.csv")
    assert (spec.data.header, spec.data.target) == (True, "2003")
    assert package.compile(spec).columns is not None


def test_a_target_has_a_value_in_most_rows(tmp_path: Path) -> None:
    remarks = ["" if n % 5 else ["late", "early"][n % 2] for n in range(COUNT)]
    path = table_of(tmp_path / "t.csv", a=NOISE, y=ANSWER, remarks=remarks)
    assert drafted(path).data.target == "y"
    # Where there is no other, or it is asked for, it is one all the same, of the rows that have it.
    assert drafted(path, "remarks").data.target == "remarks"
    other = table_of(tmp_path / "u.csv", a=[f"{n}x" for n in range(COUNT)], remarks=remarks, b=["z"] * COUNT)
    with pytest.raises(package.SpecError, match="left to predict `remarks` from"):
        drafted(other)


@pytest.mark.parametrize("rows", [12, 30, 40, 52, 53, 56, 58, 80, 200])
def test_a_batch_is_not_larger_than_the_training_split(rows: int, tmp_path: Path) -> None:
    path = table_of(
        tmp_path / "t.csv", a=NOISE[:rows], b=[n % 7 for n in range(rows)], y=[n % 2 for n in range(rows)]
    )
    document = path.with_suffix(".toml")
    document.write_text(draft(survey(path), None, document).text, encoding="utf-8")
    assert "SN722" not in [d.code for d in package.validate(document).diagnostics]
    assert package.load(document).training.batch_size in ((12,) if rows == 12 else (16, 32))


@pytest.mark.parametrize(
    "text",
    [
        '[{"a": 1, "y": 2},\n {"a": 2, "y": 3}]',
        '[\n  {\n  "a": 1}]',
        '{"a": 1}\n{"a": 2}\n',
        "[[1, 2], [3, 4]]",
    ],
)
@pytest.mark.parametrize("name", ["t.json", "t.csv"])
def test_json_is_called_json(text: str, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(package.SpecError, match="is JSON, and no table") as caught:
        survey(tmp_path / name)
    assert "read_json" in (caught.value.diagnostics[0].help or "")
    document = {"data": {"type": "csv", "path": str(tmp_path / name), "target": "y"}}
    messages = [
        d.message for d in package.validate({"specnet": 1, **document}).diagnostics if d.code == "SN504"
    ]
    assert messages == [f"`{tmp_path / name}` is JSON, not CSV"]


def test_names_in_brackets_are_no_json(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("[a],[y]\n1,2\n2,4\n")
    assert [c.name for c in survey(tmp_path / "t.csv").columns] == ["[a]", "[y]"]
    document = {"data": {"type": "csv", "path": str(tmp_path / "t.csv"), "target": "[y]"}}
    assert not [
        d for d in package.validate({"specnet": 1, **document}).diagnostics if d.path[:1] == ("data",)
    ]


def test_numbers_with_leading_zeros_are_categories(tmp_path: Path) -> None:
    path = table_of(
        tmp_path / "t.csv", zip=[["00501", "10115", "20095"][n % 3] for n in range(COUNT)], y=ANSWER
    )
    spec = drafted(path)
    assert spec.data.categories == ("zip",)
    assert reason_of(path, "zip") == (
        "input",
        "3 categories, an input each, names though they look like numbers",
    )


def test_categories_of_a_few_rows_each_are_inputs_and_no_target(tmp_path: Path) -> None:
    cells = [f"s{n % 101}" for n in range(303)]
    path = table_of(tmp_path / "t.csv", y=[n % 2 for n in range(303)], shop=cells)
    assert reason_of(path, "shop") == ("input", "101 categories, an input each")
    assert reason_of(path, "y")[0] == "target"
    many, odd = [f"s{n % 1001}" for n in range(3003)], [n % 2 for n in range(3003)]
    path = table_of(tmp_path / "u.csv", y=odd, x=[n % 7 / 2 for n in range(3003)], shop=many, z=odd)
    assert reason_of(path, "shop") == (
        "left out",
        "more than 1000 distinct strings are too many for an input each",
    )


SHUFFLED = [int(n) for n in np.random.default_rng(2).permutation(COUNT)]


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (SHUFFLED, "each row has another whole number: it identifies rows"),
        (range(7, 7 + COUNT), "it numbers the rows"),
        ([f"K{n:05}" for n in SHUFFLED], "each row has another string, which says nothing about new rows"),
        (
            [f"K{n % 150:05}" for n in SHUFFLED],
            "150 distinct strings in 200 rows say little about new rows",
        ),
        (
            [f"20{n % 20:02}-0{n % 9 + 1}-1{n % 9}" for n in SHUFFLED],
            'it holds dates; `type = "date"` makes numbers of them: year, month, weekday and so on',
        ),
        ([20200101 + 100 * (n % 12) + n % 28 for n in SHUFFLED], "it holds dates; `type = "),
        ([f"{n % 28 + 1}.{n % 12 + 1}.1999 10:30" for n in SHUFFLED], "it holds dates; `type = "),
        (
            [[f"{n % 28 + 1}.3.2021", f"2021-03-{n % 28 + 1:02}"][n % 2] for n in SHUFFLED],
            "it holds dates in several formats; make numbers of them",
        ),
        ([f"{n % 28 + 1} Mar 2021" for n in SHUFFLED], "it holds dates; `type = "),
    ],
)
def test_what_says_nothing_of_new_rows_is_left_out(cells: Sequence[object], why: str, tmp_path: Path) -> None:
    path = table_of(tmp_path / "t.csv", thing=cells, b=NOISE, y=ANSWER)
    role, reason = reason_of(path, "thing")
    assert (role, reason.startswith(why)) == ("left out", True), reason
    assert drafted(path).data.exclude == ("thing",)


@pytest.mark.parametrize(
    ("cells", "settings"),
    [
        ([f"2024-0{n % 9 + 1}-{n % 28 + 1:02}" for n in SHUFFLED], {}),
        ([f"{n % 28 + 1}.{n % 12 + 1}.1999 10:30" for n in SHUFFLED], {"format": "%d.%m.%Y %H:%M"}),
        ([f"{n % 12 + 1}/{n % 12 + 1}/{1999 + n % 9}" for n in SHUFFLED], {"format": "%m/%d/%Y"}),
        (
            ["", *(f"{n % 28 + 1} Mar 2021" for n in SHUFFLED[1:])],
            {"format": "%d %b %Y", "missing": "median"},
        ),
    ],
)
@pytest.mark.parametrize("name", ["when", "ordered at; §"])
@pytest.mark.parametrize("alone", [False, True])
def test_dates_are_numbers_once_the_comments_are_lines(cells, settings, name, alone, tmp_path: Path) -> None:
    more = {"colour": [f"c{n % 3}" for n in range(COUNT)]} if alone else {"b": NOISE}
    path = table_of(tmp_path / "t.csv", **{name: cells}, **more, y=range(COUNT, 3 * COUNT, 2))
    assert drafted(path).data.exclude == (name,)
    document = path.with_suffix(".toml")
    lines = document.read_text(encoding="utf-8").splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("# To use the dates of "))
    last = lines.index("", first)
    used = [line.removeprefix("# ") for line in lines[first + 1 : last]]
    start, end = lines.index("exclude = ["), lines.index("]")
    document.write_text(
        "\n".join([*lines[:start], *lines[end + 1 : first], *used, *lines[last:]]), encoding="utf-8"
    )
    assert package.validate(document).ok
    spec = package.load(document, overrides={"training.epochs": 2})
    said = spec.data.columns[name].model_dump(exclude_unset=True)
    assert said == {"type": "date", **settings, **({"scale": "standardize"} if alone else {})}
    result = package.run(spec)
    assert result.model.columns is not None
    assert next((c.name, c.kind, c.width) for c in result.model.columns) == (name, "date", 5)


def test_dates_are_no_target(specnet: Specnet, tmp_path: Path) -> None:
    days = [f"2024-0{n % 9 + 1}-{n % 28 + 1:02}" for n in SHUFFLED]
    table_of(tmp_path / "t.csv", a=NOISE, b=NOISE, when=days)
    assert drafted(tmp_path / "t.csv").data.target == "b"
    done = specnet("init", "t.csv", "--target", "when", "-o", "u.toml")
    assert (done.returncode, "SN516" in done.stderr, "holds dates" in done.stderr) == (1, True, True)


def test_a_table_of_dates_and_one_number_says_how_to_use_them(specnet: Specnet, tmp_path: Path) -> None:
    table_of(tmp_path / "t.csv", when=[f"{n % 28 + 1}.{n % 12 + 1}.1999" for n in SHUFFLED], b=NOISE)
    done = specnet("init", "t.csv")
    assert (done.returncode, "SN509" in done.stderr) == (1, True)
    assert '`type = "date"` and `format = "%d.%m.%Y"`' in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    "cells",
    [
        [1500.5 + 0.1 * n for n in range(COUNT)],
        [n * n * 977 for n in SHUFFLED],
        [["2-3", "4-5", "1-10"][n % 3] for n in range(COUNT)],
        [n % 90 for n in range(COUNT)],
    ],
)
def test_measurements_are_neither_dates_nor_identifiers(cells: Sequence[object], tmp_path: Path) -> None:
    assert reason_of(table_of(tmp_path / "t.csv", thing=cells, b=NOISE, y=ANSWER), "thing")[0] == "input"


@pytest.mark.parametrize(
    ("values", "classes", "listed"),
    [
        ([0, 1], 2, False),
        ([2, 4], 2, True),
        ([-1, 1], 2, True),
        ([10, 20, 30], 3, True),
        ([1, 2, 3, 4, 5, 6, 7], 7, True),
        ([3, 4, 5, 6, 7, 8, 9], None, False),
        ([1.5, 2.5], None, False),
    ],
)
def test_a_few_whole_numbers_are_classes(values, classes, listed, tmp_path: Path) -> None:
    path = table_of(tmp_path / "t.csv", b=NOISE, y=[values[n % len(values)] for n in range(COUNT)])
    spec = drafted(path)
    assert (spec.loss.type == "cross_entropy", last_units(spec)) == (classes is not None, classes or 1)
    assert spec.data.categories == (("y",) if listed else ())


def test_a_target_of_which_a_few_values_are_far_larger_is_predicted_by_its_logarithm(tmp_path: Path) -> None:
    prices = [f"{np.exp(1 + 1.2 * float(value)):.4f}" for value in NOISE]
    path = table_of(tmp_path / "t.csv", a=NOISE, price=prices)
    spec = drafted(path)
    assert [(t.type, t.on) for t in spec.data.transforms] == [
        ("log", "targets"),
        ("clip", "inputs"),
        ("standardize", "targets"),
    ]
    assert "a few are far larger: skewness" in path.with_suffix(".toml").read_text()
    result = package.run(package.load(path.with_suffix(".toml"), {"training.epochs": 40}))
    predicted = result.model.predict([[0.0]])
    assert 0.5 * np.e < predicted.item() < 2 * np.e
    # Beyond the training rows, the error of a logarithm must not become a factor of thousands.
    assert result.model.predict([[50.0]]) < 3 * max(map(float, prices))
    for plain in (NOISE, [f"{5 + n % 7}" for n in range(COUNT)]):
        assert "log" not in {t.type for t in drafted(table_of(path, a=NOISE, price=plain)).data.transforms}


def test_every_seed_of_a_first_model_of_few_rows_beats_a_linear_model_by_far(tmp_path: Path) -> None:
    draws = np.random.default_rng(4)
    x = draws.normal(size=(450, 4)).round(4)
    y = np.exp(x[:, 0]) + np.sin(2 * x[:, 1]) + x[:, 2] * x[:, 3] + draws.normal(scale=0.1, size=450)
    rows, held_out = slice(0, 250), slice(250, None)
    columns = {name: column[rows].tolist() for name, column in zip("abcd", x.T, strict=True)}
    drafted(table_of(tmp_path / "t.csv", **columns, y=y[rows].tolist()))
    ones = np.ones((len(x), 1))
    linear = np.hstack([x, ones])
    weights = np.linalg.lstsq(linear[rows], y[rows])[0]
    theirs = np.sqrt(np.mean((linear[held_out] @ weights - y[held_out]) ** 2))
    for seed in range(5):
        result = package.run(package.load(tmp_path / "t.toml", {"seed": seed}))
        errors = result.model.predict(x[held_out].tolist()).ravel() - y[held_out]
        assert np.sqrt(np.mean(errors**2)) < theirs / 2, seed


def test_a_column_that_is_the_target_in_other_words_is_left_out(tmp_path: Path) -> None:
    alive = ["1" if cell == "yes" else "0" for cell in ANSWER]
    nearly = [*alive[:-1], "2"]
    path = table_of(tmp_path / "t.csv", alive=alive, nearly=nearly, a=NOISE, b=SHUFFLED, y=ANSWER)
    assert reason_of(path, "alive") == ("left out", "it is the target in other words")
    assert drafted(path).data.exclude == ("alive", "b")


def test_columns_that_differ_have_settings_of_their_own(tmp_path: Path) -> None:
    skewed = ["" if n % 9 == 0 else f"{np.exp(2 * float(value)):.3f}" for n, value in enumerate(NOISE)]
    holes = ["" if n % 4 == 0 else "uvw"[n % 3] for n in range(COUNT)]
    path = table_of(tmp_path / "t.csv", a=skewed, b=["", *NOISE[1:]], **{"a b": holes}, y=ANSWER)
    spec = drafted(path)
    assert spec.data.missing == "mean"
    assert {name: column.missing for name, column in spec.data.columns.items()} == {
        "a": "median",
        "a b": "category",
    }


@pytest.mark.parametrize("suffix", ["csv.gz", "txt.xz"])
def test_a_compressed_table_gives_its_document_the_name_of_the_table(
    specnet: Specnet, tmp_path, suffix
) -> None:
    pack = {"csv.gz": gzip.compress, "txt.xz": lzma.compress}[suffix]
    (tmp_path / f"t.{suffix}").write_bytes(pack(table_of(tmp_path / "u.csv", a=NOISE, y=ANSWER).read_bytes()))
    done = specnet("init", f"t.{suffix}")
    assert (done.returncode, " wrote t.toml" in done.stdout) == (0, True), done.stderr
    assert specnet("run", "t.toml", "-q", "--set", "training.epochs=1").returncode == 0
