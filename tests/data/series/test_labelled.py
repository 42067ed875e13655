"""Files of series with classes: both forms, padding, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specnet
from specnet.data import FORMATS, load_data, open_data
from specnet.diagnostics import SpecError

HEAD = "#comment\n@problemName x\n@classLabel true b a\n@data\n"
TWO = HEAD + "1,2,3:4,5,6:a\n7:8:b\n9,10:11,12:a\n"


def load(folder: Path, text: str, name: str = "s.ts", **more: Any) -> Any:
    (folder / name).write_text(text)
    return load_data(FORMATS.validate({"type": "ucr", "path": name, **more}), folder, seed=0, dtype="float64")


def messages(folder: Path, text: str, name: str = "s.ts", **more: Any) -> list[str]:
    (folder / name).write_text(text)
    with pytest.raises(SpecError) as caught:
        open_data(FORMATS.validate({"type": "ucr", "path": name, **more}), folder)
    return [f"{found.code} {found.message}" for found in caught.value.diagnostics]


def test_shorter_series_are_padded_at_their_end(tmp_path: Path) -> None:
    data = load(tmp_path, TWO)
    nan = np.nan
    wanted = [[[1, 4], [2, 5], [3, 6]], [[7, 8], [nan, nan], [nan, nan]], [[9, 11], [10, 12], [nan, nan]]]
    np.testing.assert_array_equal(data.splits["train"].inputs, wanted)
    assert data.splits["train"].targets.tolist() == [1, 0, 1]
    assert data.signature.classes == ("b", "a")
    assert data.signature.padding == "nan"


def test_the_longest_series_of_all_splits_counts_or_a_length(tmp_path: Path) -> None:
    (tmp_path / "later.ts").write_text(HEAD + "1,2,3,4:1,2,3,4:b\n")
    data = load(tmp_path, TWO, test={"path": "later.ts"})
    assert data.signature.inputs == (4, 2)
    assert load(tmp_path, TWO, length=6).signature.inputs == (6, 2)
    assert messages(tmp_path, TWO, length=2) == ["SN572 line 5 of `s.ts` has 3 steps, and the model takes 2"]


@pytest.mark.parametrize("blank", [",", "\t", "   "])
def test_rows_begin_with_their_label(tmp_path: Path, blank: str) -> None:
    lines = ["1.0000000e+00 1 2 3", "-1 4 5 6", "1 7 8 NaN"]
    text = "\n".join(line.replace(" ", blank) for line in lines)
    data = load(tmp_path, text, "s.txt")
    np.testing.assert_array_equal(data.splits["train"].inputs[..., 0], [[1, 2, 3], [4, 5, 6], [7, 8, np.nan]])
    assert data.signature.classes == ("-1", "1")
    assert data.splits["train"].targets.tolist() == [1, 0, 1]


def test_series_of_one_length_are_not_padded(tmp_path: Path) -> None:
    assert load(tmp_path, "b 1 2\na 3 4\n", "s.txt").signature.padding is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            HEAD + "1,2:3,4,5:a\n",
            "SN541 line 5 of `s.ts` holds dimensions of 2 and 3 steps: a series has one length",
        ),
        (HEAD + "1,2:3,4:a\n1,2:b\n", "SN541 line 6 of `s.ts` has 1 dimension, where the first series has 2"),
        (HEAD + "1,2:a\n1,2\n", "SN511 line 6 of `s.ts` has no class: it comes last, after a `:`"),
        (HEAD + "1,2:a\n1,2:\n", "SN511 line 6 of `s.ts` has no class"),
        (HEAD + "1,2:a\n:b\n", "SN543 line 6 of `s.ts` holds a series without steps"),
        (HEAD + "1,2:a\n1,2:c\n", "SN514 line 6 of `s.ts` has `c`, which its header does not declare"),
        (HEAD + "1,x:a\n", "SN512 line 5 of `s.ts` holds `x` at step 2, which is not a finite number"),
        (HEAD + "1,?,3:a\n", "SN511 line 5 of `s.ts` has no value at step 2"),
        (HEAD, "SN506 `s.ts` has no series"),
        ("", "SN506 `s.ts` is empty"),
        (
            "#\n@classLabel true a\n1,2:a\n",
            "SN504 line 3 of `s.ts` comes before `@data`, which ends the header of a .ts file",
        ),
        ("@classLabel true a\n", "SN504 `s.ts` has no line `@data`, after which a .ts file has its series"),
        ("@classLabel false\n@data\n1,2\n", "SN571 `s.ts` has no classes"),
        (
            "@timeStamps true\n@data\n1,2:a\n",
            "SN504 line 1 of `s.ts`: series with time stamps of their own are not read",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    assert message in messages(tmp_path, text)


def test_splits_must_belong_together(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("a 1 2\nz 3 4\n")
    found = messages(tmp_path, "a 1 2\nb 3 4\n", "s.txt", test={"path": "t.txt"})
    assert found == ["SN514 line 2 of `t.txt` has `z`, which the training file does not have"]
    (tmp_path / "t.ts").write_text(TWO)
    found = messages(tmp_path, "a 1 2\nb 3 4\n", "s.txt", test={"path": "t.ts"})
    assert found == ["SN554 the series of `t.ts` have 2 dimensions, and the training series have 1"]


def test_padding_has_no_influence(tmp_path: Path) -> None:
    """The same series with more padding is the same to a network that honours it."""
    rng = np.random.default_rng(2)
    series = [rng.normal(size=(2, steps)) for steps in (3, 7, 5, 7, 4, 6)]
    rows = [
        ":".join(",".join(map(repr, row.tolist())) for row in each) + f":{'ab'[i % 2]}"
        for i, each in enumerate(series)
    ]
    (tmp_path / "s.ts").write_text(HEAD + "\n".join(rows) + "\n")
    document: dict[str, Any] = {
        "specnet": 1,
        "dtype": "float64",
        "data": {"type": "ucr", "path": str(tmp_path / "s.ts")},
        "layers": [
            {"type": "lstm", "units": 4, "return_sequences": True},
            {"type": "global_average_pooling1d"},
            {"type": "dense", "units": "auto"},
        ],
        "loss": "cross_entropy",
        "training": {"epochs": 3, "batch_size": 3},
    }
    short = specnet.run(document)
    long = specnet.run({**document, "data": {**document["data"], "length": 11}})
    for name, values in short.model.parameters.items():
        np.testing.assert_allclose(long.model.parameters[name], values, rtol=1e-10, atol=1e-12)
    assert long.splits["train"]["loss"] == pytest.approx(short.splits["train"]["loss"], rel=1e-10)


def test_a_run_predicts_and_evaluates_files(tmp_path: Path) -> None:
    (tmp_path / "s.ts").write_text(TWO)
    document = {
        "specnet": 1,
        "data": {"type": "ucr", "path": str(tmp_path / "s.ts")},
        "layers": [{"type": "gru", "units": 3}, {"type": "dense", "units": "auto"}],
        "loss": "cross_entropy",
        "training": {"epochs": 2},
    }
    specnet.run(document, out=tmp_path / "run")
    model = specnet.load_run(tmp_path / "run")
    assert (
        model.evaluate(tmp_path / "s.ts").splits["data"] == specnet.evaluate(tmp_path / "run").splits["train"]
    )
    (tmp_path / "long.ts").write_text(HEAD + "1,2,3,4:5,6,7,8:a\n")
    with pytest.raises(specnet.SpecError, match="has 4 steps, and the model takes 3"):
        model.evaluate(tmp_path / "long.ts")
