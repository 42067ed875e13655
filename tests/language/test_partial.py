"""What is sound in a faulty document is checked all the same, so that one pass tells of everything."""

from __future__ import annotations

import pytest

import specnet

DOCUMENT = """
specnet = 1
data = { type = "synthetic", kind = "blobs", classes = 3, features = 4, samples = 60 }
loss = "cross_entropy"

[[layers]]
type = "dense"
units = 6

[[layers]]
type = "reshape"
shape = [6]

[[layers]]
type = "dense"
units = 3

[training]
epochs = 2
"""


def codes(text, **options):
    return {(d.code, d.path, d.span.start.line) for d in specnet.validate(text, **options).diagnostics}


def test_the_document_is_sound():
    assert specnet.validate(DOCUMENT).ok


def test_shapes_are_checked_next_to_faulty_settings():
    text = DOCUMENT.replace("epochs = 2", "epochs = 0").replace("shape = [6]", "shape = [7]")
    assert codes(text) == {("SN401", ("layers", 1), 11), ("SN208", ("training", "epochs"), 19)}


def test_layers_before_a_faulty_one_are_checked():
    text = DOCUMENT.replace("units = 3", "units = -3").replace("shape = [6]", "shape = [7]")
    assert codes(text) == {("SN401", ("layers", 1), 11), ("SN208", ("layers", 2, "units"), 16)}


def test_what_follows_a_faulty_layer_is_not_guessed_at():
    text = DOCUMENT.replace("units = 6", "units = -6").replace("shape = [6]", "shape = [7]")
    assert codes(text) == {("SN208", ("layers", 0, "units"), 8)}


def test_data_are_looked_at_next_to_faulty_layers():
    text = DOCUMENT.replace("units = 3", "unts = 3").replace(
        '{ type = "synthetic", kind = "blobs", classes = 3, features = 4, samples = 60 }',
        '{ type = "npz", path = "absent.npz" }',
    )
    assert {code for code, _, _ in codes(text)} == {"SN202", "SN501"}
    assert {code for code, _, _ in codes(text, data=False)} == {"SN202"}


def test_the_loss_is_checked_next_to_faulty_settings():
    text = DOCUMENT.replace("units = 3", "units = 2").replace("epochs = 2", "epoch = 2")
    assert {code for code, _, _ in codes(text)} == {"SN202", "SN401"}


def test_settings_are_checked_next_to_a_faulty_one():
    text = DOCUMENT.replace("epochs = 2", 'epochs = 0\nearly_stopping = { monitor = "validation.loss" }')
    assert {code for code, _, _ in codes(text)} == {"SN208", "SN604"}
    stopping = 'early_stopping = { monitor = "train.los", patience = 0 }'
    assert {code for code, _, _ in codes(DOCUMENT.replace("epochs = 2", stopping))} == {"SN208", "SN603"}


def test_settings_that_need_a_faulty_one_are_not_checked():
    settings = 'batch_size = "half"\ndrop_last = true\noptimizer = "lbfgs"\nclip_norm = 1.0'
    text = DOCUMENT.replace("epochs = 2", settings)
    assert {(code, path) for code, path, _ in codes(text)} == {
        ("SN207", ("training", "batch_size")),
        ("SN608", ("training", "clip_norm")),
    }


def test_settings_are_checked_next_to_a_metric_that_does_not_fit():
    text = DOCUMENT.replace("epochs = 2", 'early_stopping = { monitor = "train.los" }')
    text = text.replace("[[layers]]", 'metrics = ["mse"]\n[[layers]]', 1)
    assert {code for code, _, _ in codes(text) if code < "SN7"} == {"SN412", "SN603"}


@pytest.mark.parametrize(
    ("faulty", "code"),
    [
        ('kernel_init = { type = "normal", stddev = -1.0 }', "SN208"),
        ('activation = "rely"', "SN204"),
        ('bias_regularizer = "l3"', "SN204"),
        ("learning_rate_multiplier = 0", "SN208"),
        ("colour = 1", "SN202"),
        ('activaton = "relu"', "SN202"),
    ],
)
def test_what_changes_no_shape_hides_no_fault_of_shape(faulty, code):
    text = DOCUMENT.replace("units = 6", f"units = 6\n{faulty}").replace("shape = [6]", "shape = [7]")
    assert {(code, path[:2]) for code, path, _ in codes(text)} == {
        (code, ("layers", 0)),
        ("SN401", ("layers", 1)),
    }


@pytest.mark.parametrize("faulty", ["dropout = 0.5", 'name = "a b"', "unit = 5"])
def test_what_may_change_what_follows_leaves_it_alone(faulty):
    units = "" if faulty.startswith("unit ") else "units = 6\n"
    text = DOCUMENT.replace("units = 6\n", f"{units}{faulty}\n").replace("shape = [6]", "shape = [7]")
    assert {path[:2] for _, path, _ in codes(text)} == {("layers", 0)}


def test_layers_of_containers_are_completed():
    layers = """
[[layers]]
type = "sequential"
layers = [{ type = "dense", units = 6, kernel_init = { type = "normal", stddev = -1.0 } }]
[[layers]]
type = "reshape"
shape = [7]
[[layers]]
type = "dense"
units = 3
"""
    head = DOCUMENT[: DOCUMENT.index("[[layers]]")]
    assert {path for _, path, _ in codes(head + layers)} == {
        ("layers", 0, "layers", 0, "kernel_init", "stddev"),
        ("layers", 1),
    }


def test_metrics_are_checked_next_to_a_faulty_loss_and_faulty_metrics():
    loss = 'loss = { type = "cross_entropy", label_smoothing = 2.0, colour = 1 }'
    metrics = 'metrics = ["acuracy", "mse", "f1"]'
    text = DOCUMENT.replace('loss = "cross_entropy"', f"{loss}\n{metrics}")
    assert {(code, path) for code, path, _ in codes(text)} == {
        ("SN208", ("loss", "label_smoothing")),
        ("SN202", ("loss", "colour")),
        ("SN204", ("metrics", 0)),
        ("SN412", ("metrics", 1)),
    }


def test_a_monitored_metric_is_not_reported_next_to_a_faulty_one():
    text = DOCUMENT.replace('loss = "cross_entropy"', 'loss = "cross_entropy"\nmetrics = ["f2"]')
    text = text.replace("epochs = 2", 'early_stopping = { monitor = "validation.f2" }')
    assert {code for code, _, _ in codes(text)} == {"SN204"}


def table_document(tmp_path, settings, rest=""):
    (tmp_path / "rows.csv").write_text("x,y\n" + "".join(f"{i},{i % 2}\n" for i in range(12)))
    text = f"""
specnet = 1
loss = "binary_cross_entropy"
{rest}
layers = [{{ type = "dense", units = 1 }}]
[data]
type = "csv"
path = "rows.csv"
{settings}
"""
    path = tmp_path / "spec.toml"
    path.write_text(text)
    return {(d.code, d.path) for d in specnet.validate(path).diagnostics}


@pytest.mark.parametrize(
    ("faulty", "path"),
    [
        ("split = { validation = 2.0 }", ("split", "validation")),
        ('load = "all"', ("load",)),
        ('transforms = ["standardise"]', ("transforms", 0)),
        ("colour = 1", ("colour",)),
    ],
)
def test_an_unknown_column_is_found_next_to_a_faulty_key(tmp_path, faulty, path):
    found = table_document(tmp_path, f'target = "z"\n{faulty}')
    assert {place for _, place in found} == {("data", "target"), ("data", *path)}


@pytest.mark.parametrize("faulty", ['delimiter = ";;"', 'sep = ";"', 'delimeter = ";"', 'header = "no"'])
def test_a_file_is_not_read_if_a_fault_says_how(tmp_path, faulty):
    assert {place for _, place in table_document(tmp_path, f'target = "z"\n{faulty}')} == {
        ("data", faulty.split()[0])
    }


def test_a_missing_table_leaves_the_others_checked():
    text = DOCUMENT.replace('loss = "cross_entropy"\n', "").replace("shape = [6]", "shape = [7]")
    found = specnet.validate(text).diagnostics
    assert {d.code for d in found} >= {"SN401"}
    assert any("loss" in d.message for d in found)
