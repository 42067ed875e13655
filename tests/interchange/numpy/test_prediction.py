from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

import specnet
from specnet.data.dataset import load_data
from specnet.interchange.exporting import Exported, numpy_program, write_numpy
from specnet.interchange.numpy.rows import raw_splits
from specnet.vocabulary.activations import ACTIVATIONS
from tests.support.exports import SMALL, SPECS, bare

QUICK = {"training.epochs": 3}


def finished(source, folder, **overrides):
    spec = specnet.load(source, overrides={**QUICK, **overrides})
    result = specnet.run(spec, out=folder / "run")
    return spec, result


@pytest.mark.parametrize("name", SMALL)
def test_every_shipped_document_predicts_without_specnet(name, tmp_path):
    spec, result = finished(SPECS / name, tmp_path)
    inputs = raw_splits(spec, spec.folder, result.data)["train"][0][:50]
    write_numpy(tmp_path / "made.py", Exported.of(tmp_path / "run"), training=False)
    found = bare(tmp_path / "made.py", inputs)["predicted"]
    expected = result.model.predict(inputs)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-5 if spec.dtype == "float32" else 1e-13, atol=1e-6)


def activation(name):
    return (
        'specnet = 1\nname = "a"\ndtype = "float64"\nloss = "mse"\n'
        'data = { type = "synthetic", kind = "sine", samples = 40 }\n'
        '[[layers]]\ntype = "dense"\nunits = 5\n'
        f'activation = "{name}"\n'
        '[[layers]]\ntype = "dense"\nunits = 1\n'
        '[training]\nepochs = 2\noptimizer = { type = "sgd", learning_rate = 0.01 }\n'
    )


@pytest.mark.parametrize("name", sorted(ACTIVATIONS.kinds))
def test_every_activation_trains_and_predicts_as_it_does(name, tmp_path):
    spec, result = finished(activation(name), tmp_path)
    write_numpy(tmp_path / "made.py", Exported.of(tmp_path / "run"), training=True)
    inputs = np.linspace(-3.0, 3.0, 11)[:, np.newaxis]
    found = bare(tmp_path / "made.py", inputs)
    np.testing.assert_allclose(found["predicted"], result.model.predict(inputs), rtol=1e-11, atol=1e-12)
    assert spec.dtype == found["predicted"].dtype


TABLE = """\
specnet = 1
name = "table"
dtype = "float64"
loss = "mse"

[data]
type = "csv"
path = "table.csv"
target = "price"
transforms = [
    { type = "minmax", range = [-1, 1] },
    { type = "standardize", on = "targets" },
    { type = "scale", factor = 2.0, offset = 1.0, on = "targets" },
]

[[layers]]
type = "dense"
units = 1
"""


def test_columns_of_words_and_gaps_are_read_as_cells(tmp_path):
    rows = "".join(f"{i if i % 7 else ''},{'red' if i % 3 else 'blue'},{2 * i + 1}\n" for i in range(1, 25))
    (tmp_path / "table.csv").write_text("size,colour,price\n" + rows)
    (tmp_path / "a.toml").write_text(TABLE.replace('target = "price"', 'target = "price"\nmissing = "mean"'))
    spec = specnet.load(tmp_path / "a.toml", overrides=QUICK)
    result = specnet.run(spec, out=tmp_path / "run")
    scope: dict = {}
    exec(numpy_program(Exported.of(tmp_path / "run"), training=False, beside=None).text, scope)
    cells = [[4, "blue"], [30.5, "red"], [None, "red"]]
    np.testing.assert_allclose(scope["predict"](cells), result.model.predict(cells), rtol=1e-12)
    with pytest.raises(ValueError, match="'green' is not a known colour"):
        scope["predict"]([[1, "green"]])


WORDS = """\
specnet = 1
dtype = "float64"
loss = "cross_entropy"

[data]
type = "csv"
path = "t.csv"
target = "y"
delimiter = ";"
missing = "median"
unknown = "zeros"
replace = { rouge = "red", "1 000" = "1000" }
missing_markers = ["", "-", "-99", "NA"]
DIALECT

[data.columns.place]
encode = "index"
missing = "category"
unknown = "refuse"

[data.columns.member]
type = "boolean"

[data.columns.code]
type = "category"
missing = "refuse"

[[layers]]
type = "dense"
units = 2

[training]
epochs = 3
"""

DIALECTS = {
    "": ("0.5", "1000"),
    'decimal = ","\nthousands = "."\nstrip = ["€", "%"]': ("0,5 %", "€ 1.000,00"),
    'decimal = ","\nthousands = " "': ("0,5", "1\u202f000,0"),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_program_reads_cells_as_predict_does(dialect, tmp_path):
    half, thousand = DIALECTS[dialect]
    sizes, colours = [half, thousand, "NA", "7", "-99"], ["red", "blue", "rouge", "-"]
    rows = [
        f"{sizes[n % 5]};{colours[n % 4]};{'abc'[n % 3]};{['yes', 'no', ''][n % 3]};{n % 3};{n % 2}"
        for n in range(60)
    ]
    (tmp_path / "t.csv").write_text("size;colour;place;member;code;y\n" + "\n".join(rows), encoding="utf-8")
    (tmp_path / "a.toml").write_text(WORDS.replace("DIALECT", dialect), encoding="utf-8")
    result = specnet.run(specnet.load(tmp_path / "a.toml"), out=tmp_path / "run")
    scope: dict = {}
    exec(numpy_program(Exported.of(tmp_path / "run"), training=False, beside=None).text, scope)
    cells = [
        [half, "red", "a", "yes", "1"],
        [f"  {thousand} ", " rouge ", " b ", " YES ", " 2 "],
        ["NA", "-", "NA", "-99", "0"],
        ["", "", "", "", 1],
        [None, None, None, None, 1.0],
        [float("nan"), float("nan"), "c", True, 2],
        ["-99", "purple", "c", "0", "9"],
        [-99.0, "NA", "c", 0, "0"],
        [np.float64(7), np.str_("blue"), "c", np.True_, np.int64(1)],
        [12, True, "a", 1.0, False],
    ]
    expected = result.model.predict(cells)
    np.testing.assert_allclose(scope["predict"](cells), expected, rtol=1e-12)
    assert len({row.tobytes() for row in expected}) > 5
    wrong = [
        ["x", "red", "a", "yes", "1"],
        ["NaN$", "red", "a", "yes", "1"],
        [half, "red", "d", "yes", "1"],
        [half, "red", "a", "perhaps", "1"],
        [half, "red", "a", "yes", "NA"],
        [half, "red", "a", "yes", None],
    ]
    if dialect:
        wrong.append(["0.5", "red", "a", "yes", "1"])
    for row in wrong:
        with pytest.raises(specnet.SpecError):
            result.model.predict([row])
        with pytest.raises(ValueError, match=r"is not a known|has no value|not a number|could not convert"):
            scope["predict"]([row])


def test_large_arrays_lie_next_to_the_program_and_are_refused_without(tmp_path):
    source = Exported.of(SPECS / "digits.toml")
    paths = write_numpy(tmp_path / "digits.py", source, training=False)
    assert [path.name for path in paths] == ["digits.py", "digits.npz"]
    with pytest.raises(specnet.RunError, match="too many to be read"):
        numpy_program(source, training=False, beside=None)


def test_rows_are_those_that_the_splits_were_made_of():
    spec = specnet.load(SPECS / "iris.toml")
    data = load_data(spec.data, spec.folder, seed=spec.seed, dtype=spec.dtype)
    raw = raw_splits(spec, spec.folder, data)
    assert list(raw) == ["train", "validation", "test"]
    for name, (inputs, targets) in raw.items():
        np.testing.assert_array_equal(data.encode(inputs), data.splits[name].inputs)
        np.testing.assert_array_equal(targets, data.splits[name].targets)


DATES = """\
specnet = 1
name = "table"
dtype = "float64"
loss = "mse"

[data]
type = "csv"
path = "t.csv"
target = "y"
scale = "standardize"
replace = { never = "31.12.2099" }

[data.columns.begun]
type = "date"
format = "%d.%m.%Y"
missing = "mean"

[data.columns.ended]
type = "date"
parts = ["weekday", "days"]
FILL

[[layers]]
type = "dense"
units = 1

[training]
epochs = 3
"""


@pytest.mark.parametrize("fill", ['fill = "2024-02-29T18:00"', ""])
def test_a_program_reads_dates_as_predict_does(fill, tmp_path):
    rows = [
        f"{n % 28 + 1}.{n % 12 + 1}.{1960 + n},2024-0{n % 9 + 1}-11T0{n % 9}:30,{n % 7}" for n in range(60)
    ]
    (tmp_path / "t.csv").write_text("begun,ended,y\n" + "\n".join([*rows, ",2024-01-01,3"]), encoding="utf-8")
    (tmp_path / "a.toml").write_text(DATES.replace("FILL", fill), encoding="utf-8")
    result = specnet.run(specnet.load(tmp_path / "a.toml"), out=tmp_path / "run")
    scope: dict = {}
    exec(numpy_program(Exported.of(tmp_path / "run"), training=False, beside=None).text, scope)
    cells = [
        ["1.2.1959", "2024-05-31"],
        [" never ", "2024-05-31 13:45"],
        ["", "20240531"],
        [None, dt.date(1969, 7, 20)],
        [dt.date(1969, 7, 20), dt.datetime(1969, 7, 20, 20, 17, tzinfo=dt.UTC)],
        [float("nan"), 20240531],
    ]
    cells += [["", ""], ["01.01.2000", None]] if fill else []
    expected = result.model.predict(cells)
    np.testing.assert_allclose(scope["predict"](cells), expected, rtol=1e-12)
    assert len({row.tobytes() for row in expected}) == 5 + bool(fill) * 2
    wrong = [["2024-05-31", "2024-05-31"], ["30.2.2000", "2024-05-31"], ["1.2.1959", "31.5.2024"]]
    for row in wrong if fill else [*wrong, ["1.2.1959", ""]]:
        for predict in (result.model.predict, scope["predict"]):
            with pytest.raises((ValueError, specnet.SpecError)):
                predict([row])
