from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from specnet.diagnostics import Diagnostic, Label, Position
from specnet.diagnostics.formats.full import full
from specnet.diagnostics.segments import plain_text
from specnet.language import SpecSource, check, load
from specnet.language.overrides import Overrides, read_overrides
from specnet.language.overriding import apply
from specnet.language.source import text_source
from specnet.language.spec import Spec

TEXT = """\
specnet = 1
loss = "mse"
[data]
type = "inline"
inputs = [[0.0], [1.0]]
targets = [0.0, 1.0]
[[layers]]
type = "dense"
units = 2
[[layers]]
type = "dense"
units = 1
"""


def applied(data: dict[str, Any], overrides: Overrides) -> tuple[dict[str, Any], list[Diagnostic]]:
    wanted, faults = read_overrides(overrides)
    _, misfits = apply(data, wanted, Spec)
    return data, faults + misfits


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["a=1"], {"a": 1, "t": {"b": [1, 2]}, "n": "mse"}),
        (["a = 1"], {"a": 1, "t": {"b": [1, 2]}, "n": "mse"}),
        (['t.b=["x", 1.5]'], {"a": 0, "t": {"b": ["x", 1.5]}, "n": "mse"}),
        (["t.b.1=5", "t.b.-2=4"], {"a": 0, "t": {"b": [4, 5]}, "n": "mse"}),
        (["u.v.w=true"], {"a": 0, "t": {"b": [1, 2]}, "n": "mse", "u": {"v": {"w": True}}}),
        (["n.scale=0.5"], {"a": 0, "t": {"b": [1, 2]}, "n": {"type": "mse", "scale": 0.5}}),
        (['t={type="x", y=1}'], {"a": 0, "t": {"type": "x", "y": 1}, "n": "mse"}),
        (['"a=b"=1'], {"a": 0, "t": {"b": [1, 2]}, "n": "mse", "a=b": 1}),
        (["a=1", "a=2"], {"a": 2, "t": {"b": [1, 2]}, "n": "mse"}),
        (['a="x=y"'], {"a": "x=y", "t": {"b": [1, 2]}, "n": "mse"}),
        (["a=2020-01-01"], {"a": dt.date(2020, 1, 1), "t": {"b": [1, 2]}, "n": "mse"}),
        ({"t.b": (3,), "a": "relu"}, {"a": "relu", "t": {"b": [3]}, "n": "mse"}),
        ("a=7", {"a": 7, "t": {"b": [1, 2]}, "n": "mse"}),
        (["a=relu"], {"a": "relu", "t": {"b": [1, 2]}, "n": "mse"}),
        (["a = two words "], {"a": "two words", "t": {"b": [1, 2]}, "n": "mse"}),
        (["a=../x=1.csv"], {"a": "../x=1.csv", "t": {"b": [1, 2]}, "n": "mse"}),
        (["n.type=mae"], {"a": 0, "t": {"b": [1, 2]}, "n": {"type": "mae"}}),
        (["a=0,5"], {"a": "0,5", "t": {"b": [1, 2]}, "n": "mse"}),
        (["a=''"], {"a": "", "t": {"b": [1, 2]}, "n": "mse"}),
    ],
)
def test_what_is_set(overrides: Overrides, expected: dict[str, Any]) -> None:
    data, faults = applied({"a": 0, "t": {"b": [1, 2]}, "n": "mse"}, overrides)
    assert faults == []
    assert data == expected


@pytest.mark.parametrize(
    ("overrides", "code", "columns", "message", "cure"),
    [
        (["a"], "SN108", (7, 8), "`a` sets no value", "key=value"),
        (["a="], "SN108", (9, 9), "the value is missing", "'a=\"\"'"),
        (["a=[1"], "SN108", (9, 11), "`[1` is not a value", "'a=["),
        (["a=[relu]"], "SN108", (9, 15), "`[relu]` is not a value", "quotes"),
        (['a="b'], "SN108", (9, 11), '`"b` is not a value', "TOML"),
        (["a=b\nc"], "SN108", (9, 2), "`b\\nc` is not a value", "TOML"),
        (["a=1\nb=2"], "SN108", (9, 4), "a flag sets one value", None),
        (["=1"], "SN108", (7, 9), "the key is missing", "training.epochs"),
        (["a..b=1"], "SN108", (7, 11), "`a..b` is not a key", "training.epochs"),
        (["t[0].b=1"], "SN108", (7, 13), "`t[0].b` is not a key", "t.0.b"),
        (["a.x=1"], "SN109", (9, 10), "`a` is a whole number: nothing can be set below it", None),
        (["t.b.2=1"], "SN109", (11, 12), "`t.b` has no element 2: it has 2, numbered from 0", None),
        (["t.b.-3=1"], "SN109", (11, 13), "`t.b` has no element -3", None),
        (["t . b.x=1"], "SN109", (13, 14), "`t.b` is an array, which has no `x`", "t.b.0.x"),
        ({"a.x": 1}, "SN109", (12, 13), "`a` is a whole number: nothing can be set below it", None),
        ({"a..x": 1}, "SN108", (10, 14), "`a..x` is not a key", None),
    ],
)
def test_what_cannot_be_set(
    overrides: Overrides, code: str, columns: tuple[int, int], message: str, cure: str | None
) -> None:
    before = {"a": 0, "t": {"b": [1, 2]}}
    data, (found,) = applied({"a": 0, "t": {"b": [1, 2]}}, overrides)
    assert data == before
    assert found.code == code
    assert message in found.message
    assert cure is None or cure in (found.help or "")
    assert found.span is not None
    assert (found.span.start.column, found.span.end.column) == columns


def test_a_loaded_spec_has_them() -> None:
    spec = load(TEXT, ["training.epochs=5", "layers.0.units=7", "layers.1.activation=relu", "loss.scale=0.5"])
    assert spec.training.epochs == 5
    assert spec.layers[0].units == 7  # type: ignore[attr-defined]
    assert spec.loss.scale == 0.5  # type: ignore[attr-defined]
    assert load(TEXT, {"training.epochs": 5}).training.epochs == 5


@pytest.mark.parametrize(
    ("flag", "columns", "message"),
    [
        ("training.epochs=0", (23, 24), "`epochs` must be a whole number above 0, not 0"),
        ("training.epoch=1", (16, 21), "`epoch` is not a field of `training`; did you mean `epochs`?"),
        ('layers.1={type="dens", units=1}', (22, 28), "`dens` is not a layer"),
        ('layers.1={type="dense", unts=1}', (31, 35), "did you mean `units`?"),
        ('layers.0.kernel_init={ type = "constant" }', (28, 49), "`value` is missing"),
        ('training.optimizer={type="sgd", momentum=-1}', (48, 50), "`momentum` must be"),
        ('training.optimizer="sdg"', (26, 31), '`sdg` is not an optimizer; did you mean "sgd"?'),
        ("training.optimizer=sdg", (26, 29), '`sdg` is not an optimizer; did you mean "sgd"?'),
        ("loss.type=mze", (17, 20), '`mze` is not a loss; did you mean "mse"?'),
        ("trainin.epochs=1", (7, 14), "did you mean `training`?"),
        ("'dat'.split.test=0.1", (7, 12), "`dat` is not a field of a spec; did you mean `data`?"),
        ("data.split.tset=0.1", (18, 22), "did you mean `test`?"),
        ("layers.dense_2.unit=3", (22, 26), "`unit` is not a field of dense; did you mean `units`?"),
        ("training.schedule.step_size=3", (25, 34), "`step_size` is not a field of constant"),
        ("training.schedule.type=step", (30, 34), "`step_size` is missing"),
        ("training.early_stopping.patence=3", (31, 38), "did you mean `patience`?"),
    ],
)
def test_a_fault_in_a_value_points_at_the_flag(flag: str, columns: tuple[int, int], message: str) -> None:
    _, report = check(TEXT, ["seed=3", flag])
    (found,) = report.diagnostics
    assert message in found.message
    assert found.file == f"--set {flag}"
    assert report.sources[f"--set {flag}"] == f"--set {flag}"
    assert found.span is not None
    assert (found.span.start, found.span.end) == (Position(1, columns[0]), Position(1, columns[1]))


def test_a_key_of_another_kind_says_which_kinds_have_it() -> None:
    _, report = check(TEXT, ["training.schedule.step_size=3"])
    assert report.diagnostics[0].help == "`step_size` is a field of `step`"


def test_keys_that_a_changed_type_does_not_have() -> None:
    _, report = check(TEXT, ["layers.0.type=flatten"])
    (found,) = report.diagnostics
    assert (found.file, found.message) == ("<text>", "`units` is not a field of flatten")
    assert found.help == "set `layers.0` and not its `type` to replace all of its keys"
    assert check(TEXT, ["layers.0=flatten"])[0] is not None


def test_a_table_that_is_left_out_has_its_default_type() -> None:
    spec = load(TEXT, ["training.optimizer.learning_rate=0.5"])
    assert (spec.training.optimizer.type, spec.training.optimizer.learning_rate) == ("sgd", 0.5)
    given = load(TEXT + "[training]\noptimizer = 'adam'\n", {"training.optimizer.learning_rate": 0.5})
    assert (given.training.optimizer.type, given.training.optimizer.learning_rate) == ("adam", 0.5)
    for flags in (
        ["schedule.step_size=3", "schedule.type=step"],
        ["schedule.type=step", "schedule.step_size=3"],
    ):
        schedule = load(TEXT, [f"training.{flag}" for flag in flags]).training.schedule
        assert (schedule.type, schedule.step_size) == ("step", 3)  # type: ignore[attr-defined]
    assert load(
        TEXT, ["training.early_stopping.patience=3", "data.split.validation=0.5"]
    ).training.early_stopping


NESTED = """\
layers = [
    "flatten",
    { name = "head", type = "dense", units = 4 },
    { type = "residual", layers = [{ type = "dense", units = 4 }], shortcut = [{ type = "dense", units = 4 }] },
    { type = "dense", units = 1 },
]
"""


def test_layers_are_reached_by_their_names() -> None:
    text = TEXT[: TEXT.index("[[layers]]")].replace("[data]", f"{NESTED}[data]")
    flags = [
        "layers.head.units=5",
        "layers.residual_1.dense_1.use_bias=false",
        "layers.residual_1.shortcut.dense_1.use_bias=false",
        "layers.dense_2.activation=tanh",
        "layers.flatten_1.name=start",
    ]
    spec = load(text, flags)
    assert [override.path for override in spec.source.overrides] == [
        ("layers", 1, "units"),
        ("layers", 2, "layers", 0, "use_bias"),
        ("layers", 2, "shortcut", 0, "use_bias"),
        ("layers", 3, "activation"),
        ("layers", 0, "name"),
    ]
    assert spec.layers[0].name == "start"
    assert spec == load(spec) == spec.replace([])
    _, report = check(text, ["layers.residual_1.dense_1.unit=5"])
    (found,) = report.diagnostics
    assert found.span is not None
    assert (found.span.start.column, found.span.end.column) == (33, 37)


@pytest.mark.parametrize(
    ("flag", "message", "cure"),
    [
        ("layers.dens_1.units=3", "`layers` has no layer `dens_1`; did you mean `dense_1`?", None),
        (
            "layers.head.units=3",
            "`layers` has no layer `head`",
            "name one of dense_1, dense_2, or an index from 0 to 1",
        ),
    ],
)
def test_a_layer_that_there_is_not(flag: str, message: str, cure: str | None) -> None:
    _, report = check(TEXT, [flag])
    (found,) = report.diagnostics
    assert found.message == message
    assert found.help is None if cure is None else cure in (found.help or "")


def test_a_fault_in_a_value_given_in_python() -> None:
    _, report = check(TEXT, {"training.epochs": object()})
    (found,) = report.diagnostics
    assert found.message == "`epochs` must be a whole number above 0, not a Python object"
    assert found.file is not None
    assert found.file.startswith("override training.epochs=<object object at 0x")


def test_faults_of_file_and_flags_come_together() -> None:
    text = TEXT.replace("units = 2", "unts = 2")
    _, report = check(text, ["training.epochs=0", "a=[relu", "layers.7.units=1"])
    assert [d.file for d in report.diagnostics] == [
        "<text>",
        "--set training.epochs=0",
        "--set a=[relu",
        "--set layers.7.units=1",
    ]


def test_an_origin_knows_which_text_speaks() -> None:
    spec = load(TEXT, ["training.epochs=5", "layers.0.units=7"])
    origin = spec.source
    assert origin.locate(("layers", 0, "units")) == (
        "--set layers.0.units=7",
        origin.overrides[1].span(),
    )
    file, span = origin.locate(("layers", 1, "units"))
    assert (file, span and span.start) == ("<text>", Position(12, 9))
    file, span = origin.locate(("training",), "table")
    assert (file, span and span.start) == ("--set training.epochs=5", Position(1, 7))
    assert origin.locate(("training", "batch_size"))[0] == "<text>"
    assert origin.locate(("loss",), "value")[1] is not None


def test_a_label_in_another_text_says_where() -> None:
    spec = load(TEXT, ["layers.0.units=7"])
    fault = Diagnostic(
        "SN401", "x", ("layers", 1), "type", labels=(Label("made here", ("layers", 0, "units")),)
    )
    (placed,) = spec.source.place([fault])
    assert placed.file == "<text>"
    assert placed.labels[0].span is None
    assert placed.labels[0].elsewhere == "--set layers.0.units=7:1:22"
    assert placed.as_dict()["labels"][0]["message"] == "made here (--set layers.0.units=7:1:22)"
    assert "= note: made here (--set layers.0.units=7:1:22)\n" in plain_text(full(placed, TEXT))


def test_origins_are_no_part_of_what_a_spec_says() -> None:
    assert load(TEXT) == load(TEXT + "# the same\n", ["training.epochs=10"]).model_copy(
        update={"training": load(TEXT).training}
    )
    assert SpecSource().locate(("a",)) == (None, None)
    assert SpecSource(text_source(TEXT)) == SpecSource()
