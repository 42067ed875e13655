"""`init` says of a large file, which passes by, what it says of one that is held."""

from __future__ import annotations

import random as drawing
import tracemalloc
from dataclasses import fields

import numpy as np
import pytest

from specnet.data.formats.csv import blocks, text_blocks
from specnet.data.formats.csv import survey as surveys
from specnet.data.tables import column_tally
from specnet.data.tables.column_survey import DISTINCT
from specnet.reporting.drafting import draft

ROWS = 4000
RANDOM = np.random.default_rng(8)
DRAW = drawing.Random(8)
NUMBERS = [f"{value:.6g}" for value in RANDOM.normal(size=ROWS)]
SKEWED = [f"{value:.4f}" for value in np.exp(2 * RANDOM.normal(size=ROWS))]
KINDS = [("red", "blue", "green")[int(n)] for n in RANDOM.integers(3, size=ROWS)]

COLUMNS: dict[str, list[str]] = {
    "numbers": NUMBERS,
    "skewed": SKEWED,
    "gaps": [text if n % 5 else "" for n, text in enumerate(NUMBERS)],
    "marked": [text if n % 100 else "?" for n, text in enumerate(NUMBERS)],
    "said": [text if n % 3 else "unknown" for n, text in enumerate(SKEWED)],
    "late": [text if n != 3500 else "n/a" for n, text in enumerate(SKEWED)],
    "sentinels": [text if n % 50 else "-999" for n, text in enumerate(SKEWED)],
    "late sentinels": [text if n < 3000 or n % 50 else "-99.0" for n, text in enumerate(SKEWED)],
    "negative": [f"{-float(text):.3f}" for text in SKEWED],
    "text among numbers": [text if n % 4 else f"v{n}" for n, text in enumerate(NUMBERS)],
    "rows": [str(n + 1) for n in range(ROWS)],
    "almost rows": [str(n + (n > 3000)) for n in range(ROWS)],
    "shuffled id": [str(n) for n in DRAW.sample(range(10_000), ROWS)],
    "whole": [str(DRAW.randrange(5000)) for _ in range(ROWS)],
    "wide whole": [str(DRAW.randrange(10**12)) for _ in range(ROWS)],
    "few": [str(DRAW.randrange(7)) for _ in range(ROWS)],
    "kinds": KINDS,
    "in other words": [{"red": "1", "blue": "2", "green": "0"}[kind] for kind in KINDS],
    "nearly": [kind if n != 3900 else "red" for n, kind in enumerate(KINDS)],
    "postcodes": [f"{DRAW.randrange(100_000):05d}" for _ in range(ROWS)],
    "late postcode": [str(DRAW.randrange(10_000, 100_000)) for _ in range(ROWS - 1)] + ["00501"],
    "names": [f"name {n}" for n in range(ROWS)],
    "some names": [f"name {DRAW.randrange(1500)}" for _ in range(ROWS)],
    "dates": [f"2024-{1 + n % 12:02d}-{1 + n % 28:02d}" for n in range(ROWS)],
    "same": ["x"] * ROWS,
    "same number": ["3"] * ROWS,
    "late number": ["3"] * (ROWS - 1) + ["4"],
    "nothing": [""] * ROWS,
    "late value": [""] * (ROWS - 1) + ["5"],
    "infinite": [text if n % 400 else "inf" for n, text in enumerate(NUMBERS)],
    "quoted": [f'"{kind}, {n % 4}"' for n, kind in enumerate(KINDS)],
}


@pytest.fixture
def both(tmp_path):
    """Return what is found of a table that is held, and of one that passes by in small blocks."""

    def found(columns, header=True, sign=","):
        lines = [sign.join(row) for row in zip(*columns.values(), strict=True)]
        path = tmp_path / "t.csv"
        path.write_text("\n".join(([sign.join(columns)] if header else []) + lines) + "\n", encoding="utf-8")
        held = surveys.survey(path)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(surveys, "LARGE", 0)
            patch.setattr(surveys, "START", 1 << 15)
            patch.setattr(text_blocks, "BLOCK", 1 << 12)
            patch.setattr(surveys, "_text", lambda *given: pytest.fail("the file was held"))
            return held, surveys.survey(path)

    return found


def check(held, passed):
    assert (passed.rows, passed.header, passed.dialect, passed.numbers) == (
        held.rows,
        held.header,
        held.dialect,
        held.numbers,
    )
    for one, other in zip(held.columns, passed.columns, strict=True):
        for field in fields(one):
            ours, theirs = getattr(other, field.name), getattr(one, field.name)
            if field.name in ("spread", "logarithms"):
                assert (ours is None) == (theirs is None), (one.name, field.name)
                if theirs is not None and theirs.low < theirs.high:
                    np.testing.assert_allclose(
                        vars_of(ours), vars_of(theirs), rtol=1e-6, atol=1e-9, err_msg=one.name
                    )
            elif field.name == "distinct":
                assert set(ours) <= set(theirs) or len(theirs) == DISTINCT, one.name
                assert len(theirs) == DISTINCT or ours == theirs, one.name
            elif field.name == "unlike" and one.unlike >= DISTINCT:
                assert ours >= DISTINCT, one.name
                assert (ours == other.rows) == (theirs == one.rows), one.name
            elif field.name != "pattern":
                assert ours == theirs, (one.name, field.name)
    equal = [
        [a.pattern == b.pattern for a in found.columns for b in found.columns] for found in (held, passed)
    ]
    few = [max(a.unlike, b.unlike) < DISTINCT for a in held.columns for b in held.columns]
    assert [each for each, small in zip(equal[0], few, strict=True) if small] == [
        each for each, small in zip(equal[1], few, strict=True) if small
    ]


def vars_of(spread):
    return [getattr(spread, field.name) for field in fields(spread)]


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_is_what_it_is_in_a_table_that_is_held(name, both):
    check(*both({"a": NUMBERS, name: COLUMNS[name]}))


def test_all_columns_together(both, tmp_path):
    held, passed = both({name: cells for name, cells in COLUMNS.items() if name != "infinite"})
    check(held, passed)
    document = tmp_path / "t.toml"
    assert draft(passed, "kinds", document).text == draft(held, "kinds", document).text


def test_other_formats_of_numbers_and_no_header(both):
    commas = [text.replace(".", ",") for text in NUMBERS]
    thousands = [f"{DRAW.randrange(10**7):,}".replace(",", ".") + ",5" for _ in range(ROWS)]
    check(*both({"a": commas, "b": thousands, "c": KINDS}, sign=";"))
    check(*both({"a": NUMBERS, "c": KINDS}, header=False))


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n" + "1,2\n" * 3000 + "1,2,3\n",
        "a,b\n" + "1,2\n" * 3000 + '1,"2\n',
        "a,b\n" + "1,2\n" * 3000 + "1,\xe4\n",
    ],
)
def test_what_is_wrong_is_found_by_looking_at_the_whole(content, tmp_path, monkeypatch):
    (tmp_path / "t.csv").write_bytes(content.encode("latin-1"))
    found = []
    for large in (1 << 30, 0):
        monkeypatch.setattr(surveys, "LARGE", large)
        monkeypatch.setattr(surveys, "START", 100)
        try:
            found.append(surveys.survey(tmp_path / "t.csv").dialect)
        except surveys.SpecError as error:
            found.append([(d.code, d.message, d.help) for d in error.diagnostics])
    assert found[0] == found[1]


def test_memory_does_not_grow_with_the_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(surveys, "LARGE", 0)
    monkeypatch.setattr(surveys, "START", 1 << 14)
    monkeypatch.setattr(column_tally, "COMPARED", 1000)
    monkeypatch.setattr(blocks, "BLOCK", 1 << 17)
    peaks = []
    for times in (1, 4):
        (tmp_path / "t.csv").write_text(
            "a,n,y\n" + "".join(f"{n / 7!r},{n},{n % 3}\n" for n in range(20_000 * times))
        )
        surveys.survey(tmp_path / "t.csv")
        tracemalloc.start()
        surveys.survey(tmp_path / "t.csv")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]
