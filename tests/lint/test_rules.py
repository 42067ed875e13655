"""Where each rule begins and where it ends; the examples of its code are tested with the codes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import specnet
from specnet.diagnostics.formats.full import full_text
from specnet.diagnostics.rules import RULES as EXPLAINED
from specnet.lint import every_rule
from specnet.lint.ignoring import UNUSED
from specnet.runs.compiling import compile_spec
from tests.support.examples import examples

IRIS = '[data]\ntype = "builtin"\nname = "iris"\n[[data.transforms]]\ntype = "standardize"\n'
DIGITS = '[data]\ntype = "builtin"\nname = "digits"\n'
SINE = '[data]\ntype = "synthetic"\nkind = "sine"\nsamples = 100\n'
MOONS = '[data]\ntype = "synthetic"\nkind = "moons"\nsamples = 100\n'
HELD = "[data.split]\nvalidation = 0.2\n"


def dense(units: int, activation: str = "linear") -> str:
    return f'[[layers]]\ntype = "dense"\nunits = {units}\nactivation = "{activation}"\n'


def layer(kind: str, **fields: object) -> str:
    text = "".join(f"{key} = {value!r}\n" for key, value in fields.items())
    return f'[[layers]]\ntype = "{kind}"\n{text}'


def rows(inputs: object, targets: object) -> str:
    return f'[data]\ntype = "inline"\ninputs = {inputs}\ntargets = {targets}\n'


ONE_HOT = rows([[0.0], [1.0]], [[0.0, 1.0], [1.0, 0.0]])
CE, BCE = 'loss = "cross_entropy"\n', 'loss = "binary_cross_entropy"\n'

CASES = {
    "softmax and huber": ('loss = "huber"\n' + ONE_HOT + dense(2, "softmax"), ["SN701"]),
    "softmax as a layer of its own": (
        ONE_HOT + dense(2) + layer("activation", activation="softmax"),
        ["SN701"],
    ),
    "a branch that nothing takes": (
        '[[layers]]\ntype = "dense"\nname = "a"\nunits = 4\nactivation = "tanh"\n'
        + dense(4, "tanh")
        + '[[layers]]\ntype = "dense"\nunits = 1\ninputs = ["a"]\n',
        ["SN715"],
    ),
    "a layer that another names later": (
        '[[layers]]\ntype = "dense"\nname = "a"\nunits = 4\nactivation = "tanh"\n'
        + dense(4, "tanh")
        + '[[layers]]\ntype = "dense"\nname = "b"\nunits = 4\ninputs = ["a"]\nactivation = "tanh"\n'
        + '[[layers]]\ntype = "add"\ninputs = ["b", "dense_2"]\n'
        + dense(1),
        [],
    ),
    "activations in a container": (
        '[[layers]]\ntype = "sequential"\nlayers = [{ type = "dense", units = 4, activation = "relu" }, '
        '{ type = "activation", activation = "tanh" }]\n' + dense(1),
        ["SN706"],
    ),
    "dropout, a dense layer and batch_norm": (
        layer("dropout", rate=0.2) + dense(4, "tanh") + layer("batch_norm") + dense(1),
        ["SN716"],
    ),
    "batch_norm and dropout": (layer("batch_norm") + layer("dropout", rate=0.2) + dense(1), []),
    "softmax within the network": (dense(4, "softmax") + dense(1), []),
    "softmax and cross-entropy": (CE + IRIS + dense(3, "softmax"), []),
    "log_softmax and cross-entropy": (CE + IRIS + dense(3, "log_softmax"), []),
    "sigmoid and kl_divergence": ('loss = "kl_divergence"\n' + IRIS + dense(3, "sigmoid"), ["SN702"]),
    "tanh and cross-entropy": (CE + IRIS + dense(3, "tanh"), ["SN703"]),
    "relu and binary cross-entropy": (BCE + MOONS + dense(1, "relu"), ["SN703"]),
    "sigmoid and binary cross-entropy": (BCE + MOONS + dense(1, "sigmoid"), []),
    "relu and hinge": ('loss = "hinge"\n' + MOONS + dense(1, "tanh"), []),
    "relu and poisson": (
        'loss = "poisson"\n' + rows([[0.0], [1.0]], [2.0, 3.0]) + dense(1, "relu"),
        ["SN703"],
    ),
    "relu and a mean with its variance": ('loss = "gaussian_nll"\n' + SINE + dense(2, "softplus"), ["SN703"]),
    "a linear mean with its variance": ('loss = "gaussian_nll"\n' + SINE + dense(2), []),
    "softmax and a mean with its variance": (
        'loss = "gaussian_nll"\n' + ONE_HOT + dense(4, "softmax"),
        ["SN701", "SN703"],
    ),
    "relu and focal": ('loss = "focal"\n' + IRIS + dense(3, "relu"), ["SN703"]),
    "four units for three classes, dropout between": (
        CE + IRIS + dense(4) + layer("activation", activation="softmax"),
        ["SN704"],
    ),
    "a unit for each target that is one-hot": ('loss = "cross_entropy"\n' + ONE_HOT + dense(2), []),
    "softmax of one unit within": (dense(1, "softmax") + dense(1), ["SN705"]),
    "two activations of two kinds": (
        dense(8, "tanh") + layer("activation", activation="relu") + dense(1),
        ["SN706"],
    ),
    "two activations with dropout between": (
        dense(8, "relu") + layer("dropout", rate=0.2) + layer("activation", activation="relu") + dense(1),
        ["SN706"],
    ),
    "an activation layer after a linear layer": (
        dense(8) + layer("activation", activation="relu") + dense(1),
        [],
    ),
    "linear layers with dropout between": (dense(8) + layer("dropout", rate=0.2) + dense(1), ["SN707"]),
    "three linear layers": (dense(8) + dense(8) + dense(1), ["SN707", "SN707"]),
    "a map of low rank": (dense(1) + dense(1, "tanh") + dense(4, "relu") + dense(1), ["SN707"]),
    "fewer units than what follows": (dense(2) + dense(8, "relu") + dense(1), []),
    "dropout of nothing": (dense(1) + layer("dropout", rate=0.0), []),
    "dropout before the last activation": (
        BCE + MOONS + dense(1) + layer("dropout", rate=0.2) + layer("activation", activation="sigmoid"),
        ["SN708"],
    ),
    "dropout of the inputs": (layer("dropout", rate=0.1) + dense(1), []),
    "dropout of exactly nine tenths": (dense(9, "relu") + layer("dropout", rate=0.9) + dense(1), []),
    "units that start from one number": (
        dense(8, "tanh") + 'kernel_init = { type = "constant", value = 0.5 }\n' + dense(1),
        ["SN710"],
    ),
    "units that start from numbers of their own": (
        dense(2, "tanh") + 'kernel_init = { type = "constant", value = [[0.5, 0.1]] }\n' + dense(1),
        [],
    ),
    "units with biases of their own": (
        dense(2, "tanh") + 'kernel_init = "ones"\nbias_init = "normal"\n' + dense(1),
        [],
    ),
    "a single unit of ones": (dense(1, "tanh") + 'kernel_init = "ones"\n' + dense(1), []),
    "two classes as numbers": (rows([[0.0], [1.0]], ["a", "b"]), []),
    "three classes as numbers": (rows([[0.0], [1.0], [2.0]], ["a", "b", "c"]), ["SN711"]),
    "accuracy of yes and no": ('metrics = ["accuracy"]\n' + rows([[0.0], [1.0]], [0, 1]), []),
    "accuracy of counts": ('metrics = ["f1"]\n' + rows([[0.0], [1.0], [2.0]], [0, 3, 7]), ["SN712"]),
    "tanh and targets from -1": (rows([[0.0], [1.0]], [-1.0, 1.0]) + dense(1, "tanh"), []),
    "tanh and targets beyond": (rows([[0.0], [1.0]], [-1.0, 1.5]) + dense(1, "tanh"), ["SN713"]),
    "sigmoid and scaled targets": (
        rows([[0.0], [1.0]], [0.0, 50.0])
        + '[[data.transforms]]\ntype = "scale"\nfactor = 0.02\non = "targets"\n'
        + dense(1, "sigmoid"),
        [],
    ),
    "sigmoid and targets in a range": (
        rows([[0.0], [1.0]], [5.0, 50.0])
        + '[[data.transforms]]\ntype = "minmax"\non = "targets"\n'
        + dense(1, "sigmoid"),
        [],
    ),
    "relu and standardized targets": (
        rows([[0.0], [1.0]], [5.0, 50.0])
        + '[[data.transforms]]\ntype = "standardize"\non = "targets"\n'
        + dense(1, "relu"),
        ["SN713"],
    ),
    "a target of a thousand": (rows([[0.0], [1.0]], [-1000.0, 2.0]), ["SN714"]),
    "targets below a thousand": (rows([[0.0], [1.0]], [-999.0, 2.0]), []),
    "a milestone at the end": (
        SINE + '[training]\nepochs = 9\n[training.schedule]\ntype = "multistep"\nmilestones = [3, 9]\n',
        ["SN720"],
    ),
    "milestones in steps": (
        SINE
        + "[training]\nepochs = 3\nbatch_size = 50\n"
        + '[training.schedule]\ntype = "multistep"\nmilestones = [5]\nunit = "step"\n',
        [],
    ),
    "a first step down after the end": (
        SINE + '[training]\nepochs = 9\n[training.schedule]\ntype = "step"\nstep_size = 9\n',
        ["SN720"],
    ),
    "a period longer than the training": (
        SINE + '[training]\nepochs = 9\n[training.schedule]\ntype = "cosine"\nt_0 = 10\n',
        ["SN720"],
    ),
    "a period as long as the training": (
        SINE + '[training]\nepochs = 9\n[training.schedule]\ntype = "cosine"\nt_0 = 9\n',
        [],
    ),
    "a plateau longer than the training": (
        SINE + HELD + '[training]\nepochs = 9\n[training.schedule]\ntype = "plateau"\npatience = 9\n',
        ["SN720"],
    ),
    "a warm-up longer than the training": (
        SINE + '[training]\nepochs = 9\n[training.schedule]\ntype = "cosine"\nwarmup_epochs = 9\n',
        ["SN720"],
    ),
    "a rate of nothing much": ('[training.optimizer]\ntype = "sgd"\nlearning_rate = 1e-9\n', ["SN721"]),
    "a rate of one for sgd": ('[training.optimizer]\ntype = "sgd"\nlearning_rate = 1.0\n', []),
    "a rate of one for lion": ('[training.optimizer]\ntype = "lion"\nlearning_rate = 1.0\n', ["SN721"]),
    "the default batch over few rows": ("[training]\nepochs = 9\n", []),
    "a batch as large as the split": ("[training]\nbatch_size = 2\n", []),
    "as many batches to a step as there are": ("[training]\nbatch_size = 1\naccumulate = 2\n", []),
    "one batch too many to a step": ("[training]\nbatch_size = 1\naccumulate = 3\n", ["SN723"]),
    "the default patience in a short training": (
        SINE + HELD + "[training]\nepochs = 5\n[training.early_stopping]\nmin_delta = 0.1\n",
        [],
    ),
    "a patience just short of the training": (
        SINE + HELD + "[training]\nepochs = 5\n[training.early_stopping]\npatience = 4\n",
        [],
    ),
    "a patience in validations": (
        SINE
        + HELD
        + "[training]\nepochs = 20\nvalidate_every = 5\n[training.early_stopping]\npatience = 4\n",
        ["SN724"],
    ),
    "a validation at the last epoch": (SINE + HELD + "[training]\nepochs = 5\nvalidate_every = 5\n", []),
    "a sum of few": ('loss = { type = "mse", reduction = "sum" }\n' + SINE, []),
    "a sum of many in float64": (
        'dtype = "float64"\nloss = { type = "mse", reduction = "sum" }\n'
        + SINE.replace("100", "100000")
        + '[training]\nbatch_size = "full"\n',
        [],
    ),
    "columns alike": (rows([[0.1, 30.0], [0.9, 50.0], [0.4, 41.0]], [0.1, 0.2, 0.3]), []),
    "columns apart": (rows([[0.001, 30.0], [0.009, 50.0], [0.0, 41.0]], [0.1, 0.2, 0.3]), ["SN740"]),
    "columns apart but ranged": (
        rows([[0.001, 30.0], [0.009, 50.0], [0.0, 41.0]], [0.1, 0.2, 0.3])
        + '[[data.transforms]]\ntype = "minmax"\n',
        [],
    ),
    "columns apart and ranged together": (
        rows([[0.001, 30.0], [0.009, 50.0], [0.0, 41.0]], [0.1, 0.2, 0.3])
        + '[[data.transforms]]\ntype = "minmax"\nper = "all"\n',
        ["SN740"],
    ),
    "large but scaled": (
        rows([[120.0], [255.0], [64.0]], [0.2, 0.9, 0.4])
        + '[[data.transforms]]\ntype = "scale"\nfactor = 0.004\n',
        [],
    ),
    "two constant columns": (rows([[1.0, 0.0, 2.0], [1.0, 1.0, 2.0]], [0.0, 1.0]), ["SN742"]),
    "a single row": (rows([[1.0, 0.0]], [0.0]), []),
    "a constant class": (
        BCE + rows([[0.0], [1.0]], ["yes", "yes"]) + dense(1),
        ["SN743"],
    ),
    "the target in a few rows": (rows([[i / 19] for i in range(19)], [i / 19 for i in range(19)]), []),
    "the target in many rows": (
        rows([[i / 20] for i in range(20)], [i / 20 for i in range(20)]),
        ["SN744"],
    ),
    "numbers with a number for each target": (
        rows([[3.0 - i % 4] for i in range(20)], [i % 4 / 3 for i in range(20)]),
        ["SN744"],
    ),
    "numbers of which each row has its own": (
        rows([[(i * 7) % 20] for i in range(20)], [i / 19 for i in range(20)]),
        [],
    ),
    "a number that stands beside two targets once": (
        rows([[i % 2] for i in range(300)], [i % 2 if i < 299 else 0 for i in range(300)]),
        [],
    ),
    "batch_norm and a last batch of one row": (
        SINE + "[training]\nbatch_size = 33\n" + dense(4, "tanh") + layer("batch_norm") + dense(1),
        ["SN728"],
    ),
    "batch_norm and batches of one row": (
        SINE + "[training]\nbatch_size = 1\ndrop_last = true\n" + layer("batch_norm") + dense(1),
        ["SN728"],
    ),
    "batch_norm and the default batch": (
        rows([[i % 5] for i in range(33)], [0.0, 1.0] * 16 + [0.5]) + layer("batch_norm") + dense(1),
        ["SN728"],
    ),
    "batch_norm of a frozen layer": (
        SINE
        + "[training]\nbatch_size = 33\n"
        + '[[layers]]\ntype = "batch_norm"\ntrainable = false\n'
        + dense(1),
        [],
    ),
    "batch_norm of a last image": (
        'loss = "cross_entropy"\n'
        + DIGITS
        + '[[data.transforms]]\ntype = "reshape"\nshape = [8, 8, 1]\n'
        + "[training]\nbatch_size = 449\n"
        + layer("batch_norm")
        + layer("flatten")
        + dense(10),
        [],
    ),
    "numbers of rows": (
        rows([[i, i % 3] for i in range(20)], [(i % 7) / 7 for i in range(20)]),
        ["SN747"],
    ),
    "numbers of rows in disorder": (
        rows([[(7 * i) % 20, i % 3] for i in range(20)], [(i % 7) / 7 for i in range(20)]),
        ["SN747"],
    ),
    "ten to one": (
        BCE + rows([[i / 22] for i in range(22)], [int(i in (0, 9)) for i in range(22)]),
        [],
    ),
    "rare among three": (
        CE + rows([[i / 40] for i in range(40)], [[0, 1][i % 2] if i else 2 for i in range(40)]) + dense(3),
        ["SN746"],
    ),
    "rare among three, weighed": (
        'loss = { type = "cross_entropy", class_weights = [1.0, 1.0, 13.0] }\n'
        + rows([[i / 40] for i in range(40)], [[0, 1][i % 2] if i else 2 for i in range(40)])
        + dense(3),
        [],
    ),
    "embeddings wider than the classes": ('loss = "triplet"\n' + IRIS + dense(8), []),
    "embeddings of rare classes that leave one out": (
        'loss = "contrastive"\n'
        + rows([[i / 40] for i in range(40)], [3 if i else 1 for i in range(40)])
        + dense(2),
        [],
    ),
    "rare, and a loss made for that": (
        'loss = "focal"\n'
        + rows([[i / 40] for i in range(40)], [[0, 1][i % 2] if i else 2 for i in range(40)])
        + dense(3),
        [],
    ),
    "rare among numbers": (
        rows([[i / 40] for i in range(40)], [int(i == 3) for i in range(40)]),
        [],
    ),
    "a class left out": (CE + rows([[0.0], [1.0], [2.0]], [0, 2, 0]) + dense(3), ["SN748"]),
    "counts with a gap": ('loss = "poisson"\n' + rows([[0.0], [1.0], [2.0]], [0, 2, 0]), []),
    "pixels of digits": (CE + DIGITS + dense(10), []),
    "isotonic calibration of few rows": (
        BCE + MOONS + HELD + dense(1) + '[output]\ncalibration = "isotonic"\n',
        ["SN731"],
    ),
    "isotonic calibration of a thousand rows": (
        BCE + MOONS.replace("100", "5000") + HELD + dense(1) + '[output]\ncalibration = "isotonic"\n',
        [],
    ),
    "a temperature for few rows": (
        BCE + MOONS + HELD + dense(1) + '[output]\ncalibration = "temperature"\n',
        [],
    ),
}


@pytest.mark.parametrize(("piece", "expected"), CASES.values(), ids=CASES)
def test_where_rules_begin_and_end(piece, expected, codes):
    assert sorted(codes(piece)) == sorted(expected)


@pytest.mark.parametrize("piece", [piece for piece, _ in CASES.values()], ids=CASES)
def test_a_run_warns_of_what_validate_warns_of(piece, found, tmp_path):
    expected, reports = found(piece), []
    compile_spec(specnet.load(tmp_path / "a.toml"), warned=reports.append)
    assert [d for report in reports for d in report.diagnostics] == expected


def test_each_rule_has_a_code_and_each_code_of_a_warning_a_rule():
    assert {code for code in EXPLAINED if code >= "SN7"} == {*every_rule(), UNUSED}
    assert all(rule.code == code for code, rule in every_rule().items())


def test_each_rule_has_a_case():
    assert {code for _, expected in CASES.values() for code in expected} >= {*every_rule()} - {
        "SN709", "SN722", "SN725", "SN726", "SN727", "SN741", "SN745", "SN749", "SN750", "SN755", "SN756",
        "SN757",
    }  # fmt: skip


def test_a_column_of_names_of_its_own(found, tmp_path):
    lines = [f"p{i},{i % 3},{i % 5}" for i in range(30)]
    (tmp_path / "a.csv").write_text("\n".join(["name,a,y", *lines]), encoding="utf-8")
    (warning,) = found('[data]\ntype = "csv"\npath = "a.csv"\ntarget = "y"\n')
    assert (warning.code, warning.path) == ("SN747", ("data", "path"))
    assert warning.help == 'leave it out with `exclude = ["name"]`'


@pytest.mark.parametrize("names", [("no", "yes"), ("0", "1"), ("2", "1"), ("false", "true")])
@pytest.mark.parametrize("classes", [("no", "yes"), ("0", "1"), ("false", "true"), ("1.5", "2.5")])
def test_a_column_that_is_the_target_in_other_words(names, classes, codes, tmp_path):
    lines = [f"{names[i % 3 == 0]},{i * i % 7},{classes[i % 3 == 0]}" for i in range(30)]
    (tmp_path / "a.csv").write_text("\n".join(["b,a,y", *lines]), encoding="utf-8")
    data = '[data]\ntype = "csv"\npath = "a.csv"\ntarget = "y"\n'
    assert codes(data) == ["SN744"]
    lines[29] = f"{names[1]},1,{classes[0]}"
    (tmp_path / "a.csv").write_text("\n".join(["b,a,y", *lines]), encoding="utf-8")
    assert codes(data) == []


def test_whole_numbers_that_identify_rows_in_any_order(codes, tmp_path):
    drawn = np.random.default_rng(4)
    shuffled = drawn.permutation(60)
    columns = {
        "close": 100 + 2 * shuffled,
        "far": 1000 * shuffled + drawn.integers(0, 1000, 60),
        "customer_no": 1000 * shuffled,
        "repeated": np.where(shuffled == 59, 0, shuffled),
        "fractions": shuffled + 0.5,
        "even": shuffled % 2,
    }
    names = [name for name in columns if name != "even"]
    lines = [
        ",".join(map(str, (*cells, n % 7))) for n, cells in enumerate(zip(*columns.values(), strict=True))
    ]
    (tmp_path / "a.csv").write_text("\n".join([",".join((*columns, "y")), *lines]))
    data = '[data]\ntype = "csv"\npath = "a.csv"\ntarget = "y"\nscale = "standardize"\nfeatures = ["even", "{}"]\n'
    found = {name: "SN747" in codes(data.format(name)) for name in names}
    assert found == {"close": True, "far": False, "customer_no": True, "repeated": False, "fractions": False}
    # The only input may well be the place of a row on an axis.
    assert "SN747" not in codes(data.format("close").replace('"even", ', ""))


def test_numbers_in_another_format_are_no_categories(found, tmp_path):
    (tmp_path / "a.csv").write_text(
        "a;b;y\n" + "".join(f"{n},5;{n * 7919:,}.0 %;{n % 3}\n" for n in range(1, 40))
    )
    data = '[data]\ntype = "csv"\npath = "a.csv"\ntarget = "y"\ndelimiter = ";"\nscale = "standardize"\n'
    (only,) = [d for d in found(data) if d.code == "SN749"]
    assert only.message == "`a`, `b` are read as text, and their cells look like numbers in another format"
    assert only.help == (
        'write `decimal = ","`, or `thousands = ","` and `strip = ["%"]`; list names that look like numbers in '
        "`categories`"
    )
    assert not [d for d in found(data + 'categories = ["a"]\nexclude = ["b"]\n') if d.code == "SN749"]
    said = '[data.columns.a]\ntype = "category"\n[data.columns.b]\ntype = "category"\n'
    assert not [d for d in found(data + said) if d.code == "SN749"]


@pytest.mark.parametrize("load", ["whole", "batches"])
@pytest.mark.parametrize(("gaps", "warned"), [(4, False), (5, True), (30, True)])
def test_more_than_a_tenth_of_the_rows_dropped(gaps, warned, load, found, tmp_path):
    (tmp_path / "a.csv").write_text(
        "a,y\n" + "".join(f"{'' if n < gaps else n * 0.37},{n % 7}\n" for n in range(40))
    )
    data = f'[data]\ntype = "csv"\npath = "a.csv"\ntarget = "y"\nscale = "standardize"\nload = "{load}"\n'
    (fill,) = [[d for d in found(data + 'missing = "drop"\n') if d.code == "SN750"]]
    assert [d.message for d in fill] == [
        f"{gaps} of 40 rows are dropped, since they have a missing value"
    ] * warned
    (own,) = [[d for d in found(data + '[data.columns.a]\nmissing = "drop"\n') if d.code == "SN750"]]
    assert [d.path for d in own] == [("data", "columns")] * warned


def test_columns_without_names_are_left_out_by_their_places(found, tmp_path):
    (tmp_path / "a.csv").write_text("\n".join(f"1,{i % 3},{i % 5}" for i in range(30)), encoding="utf-8")
    (warning,) = found('[data]\ntype = "csv"\npath = "a.csv"\ntarget = 2\nheader = false\n')
    assert (warning.code, warning.help) == ("SN742", "leave it out with `exclude = [0]`")


@pytest.mark.parametrize(("repeats", "expected"), [(0, []), (9, []), (40, ["SN745"])])
def test_rows_of_another_file(repeats, expected, codes, tmp_path):
    rng = np.random.default_rng(1)
    train, test = rng.random((300, 3)), rng.random((60, 3))
    test[:repeats] = train[100 : 100 + repeats]
    for name, table in (("train", train), ("test", test)):
        np.savetxt(tmp_path / f"{name}.csv", table, "%.17g", ",", header="a,b,y", comments="")
    data = '[data]\ntype = "csv"\npath = "train.csv"\ntarget = "y"\n[data.test]\npath = "test.csv"\n'
    assert codes(data) == expected


@pytest.mark.parametrize(("repeats", "expected"), [(4, []), (60, ["SN745"])])
def test_rows_that_the_data_repeat(repeats, expected, codes, tmp_path):
    table = np.random.default_rng(1).random((300, 3))
    table[300 - repeats :] = table[:repeats]
    np.savetxt(tmp_path / "a.csv", table, "%.17g", ",", header="a,b,y", comments="")
    assert codes('[data]\ntype = "csv"\npath = "a.csv"\ntarget = "y"\n') == []
    assert codes('[data]\ntype = "csv"\npath = "a.csv"\ntarget = "y"\n[data.split]\ntest = 0.2\n') == expected


def test_rows_that_are_alike_by_chance(codes, tmp_path):
    bits = np.random.default_rng(1).integers(0, 2, (300, 3))
    np.savetxt(tmp_path / "a.csv", bits, "%d", ",", header="a,b,y", comments="")
    assert codes('[data]\ntype = "csv"\npath = "a.csv"\ntarget = "y"\n[data.split]\ntest = 0.2\n') == []


def test_arrays(codes, tmp_path):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (50, 4, 4), dtype=np.uint8)
    table = rng.random((50, 3)).astype(np.float32) * [1, 1, 1000]
    np.savez(
        tmp_path / "a.npz", images=images, table=table, ordered=np.asfortranarray(table), y=rng.random(50)
    )
    data = '[data]\ntype = "npz"\npath = "a.npz"\ntargets = "y"\ninputs = "{}"\n'
    flat = '[[data.transforms]]\ntype = "flatten"\n'
    assert codes(data.format("images") + flat) == ["SN741"]
    assert codes(data.format("images") + flat, data=False) == []
    assert codes(data.format("table")) == ["SN740"]
    assert codes(data.format("ordered")) == []
    assert codes(data.format("table") + '[[data.transforms]]\ntype = "standardize"\n[data.test]\n'
                 'targets = "y"\n') == ["SN745"]  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "expected"), [('["month", "weekday"]', []), ('["year", "month"]', ["SN741"])]
)
def test_dates_are_as_large_as_the_parts_that_the_network_gets(codes, tmp_path, parts, expected):
    days = [f"2024-{month:02}-{day:02},{month / 12}" for month in range(1, 13) for day in range(1, 11)]
    (tmp_path / "days.csv").write_text("\n".join(["day,y", *days]))
    data = '[data]\ntype = "csv"\npath = "days.csv"\ntarget = "y"\n[data.columns.day]\ntype = "date"\n'
    layers = dense(8) + dense(1)
    assert [code for code in codes(f"{data}parts = {parts}\n{layers}") if code == "SN741"] == expected


def test_no_rule_needs_data_where_none_may_be_read(codes):
    piece = rows([[120.0], [255.0]], [1.0, 1.0]) + dense(8) + dense(1)
    assert codes(piece) == ["SN741", "SN743", "SN707"]
    assert codes(piece, data=False) == ["SN707"]


def test_warnings_are_next_to_faults_of_the_training(codes):
    piece = '[training.early_stopping]\nmonitor = "validation.loss"\n' + dense(8) + dense(1)
    assert sorted(codes(piece)) == ["SN604", "SN707"]


def test_a_warning_is_shown_at_its_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.toml").write_text("specnet = 1\nloss = 'mse'\n" + ONE_HOT + dense(2, "softmax"), encoding="utf-8")
    assert full_text(specnet.validate("a.toml")) == (
        "warning[SN701]: softmax computes class probabilities, and mse compares numbers:\n"
        "                its gradient nearly vanishes where the network is confidently\n"
        "                wrong\n"
        "  --> a.toml:2:8\n"
        "   |\n"
        " 2 | loss = 'mse'\n"
        "   |        ^^^^^\n"
        "...\n"
        '10 | activation = "softmax"\n'
        "   |              --------- the last activation\n"
        "   |\n"
        '   = help: loss = "cross_entropy" for classes, or a linear last layer for\n'
        "           numbers\n"
        "\n"
        "Found 1 warning in 1 file.\n"
    )  # fmt: skip


NUMBERS = st.one_of(
    st.integers(-3, 3),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([1e308, -1e308, 5e-324]),
)


@settings(max_examples=examples(150), deadline=None)
@given(st.data())
def test_no_numbers_upset_a_rule(data):
    width, count = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 25))
    inputs = data.draw(
        st.lists(st.lists(NUMBERS, min_size=width, max_size=width), min_size=count, max_size=count)
    )
    targets = data.draw(st.lists(NUMBERS, min_size=count, max_size=count))
    transforms = data.draw(st.lists(st.sampled_from(["standardize", "minmax", "scale"]), max_size=2))
    on = data.draw(st.sampled_from(["inputs", "targets"]))
    spec = {
        "specnet": 1,
        "data": {
            "type": "inline",
            "inputs": inputs,
            "targets": targets,
            "split": data.draw(st.sampled_from([{}, {"test": 0.5}])),
            "transforms": [{"type": kind, "on": on} for kind in transforms],
        },
        "layers": [
            {"type": "dense", "units": 1, "activation": data.draw(st.sampled_from(["linear", "sigmoid"]))}
        ],
        "loss": data.draw(st.sampled_from(["mse", "binary_cross_entropy", "poisson"])),
    }
    report = specnet.validate(json.dumps(spec))
    assert report.as_dict()["files"] == 1
