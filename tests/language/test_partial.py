"""What is sound in a faulty document is checked all the same, so that one pass tells of everything."""

from __future__ import annotations

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


def test_settings_are_not_checked_where_one_is_faulty():
    text = DOCUMENT.replace("epochs = 2", 'epochs = 0\nearly_stopping = { monitor = "validation.loss" }')
    assert {code for code, _, _ in codes(text)} == {"SN208"}


def test_a_missing_table_leaves_the_others_checked():
    text = DOCUMENT.replace('loss = "cross_entropy"\n', "").replace("shape = [6]", "shape = [7]")
    found = specnet.validate(text).diagnostics
    assert {d.code for d in found} >= {"SN401"}
    assert any("loss" in d.message for d in found)
