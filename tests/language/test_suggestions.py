from __future__ import annotations

from pathlib import Path

import pytest

import specnet
from specnet.diagnostics.spelling import folded
from specnet.language.foreign import KEYS, KINDS
from specnet.language.kinds import FAMILIES
from specnet.language.suggestions import certain_kind, meant_key, meant_kind, of_other_digits, similar_file


@pytest.mark.parametrize(
    ("name", "family", "meant"),
    [
        ("Linear", "layer", "dense"),
        ("fc", "layer", "dense"),
        ("BatchNormalization", "layer", "batch_norm"),
        ("BatchNorm2d", "layer", "batch_norm"),
        ("LayerNorm", "layer", "layer_norm"),
        ("SpatialDropout2D", "layer", "spatial_dropout"),
        ("DropPath", "layer", "stochastic_depth"),
        ("UpsamplingBilinear2d", "layer", "upsampling2d"),
        ("ZeroPad2d", "layer", "zero_padding2d"),
        ("ReLU", "activation", "relu"),
        ("swish", "activation", "silu"),
        ("CrossEntropyLoss", "loss", "cross_entropy"),
        ("sparse_categorical_crossentropy", "loss", "cross_entropy"),
        ("bce", "loss", "binary_cross_entropy"),
        ("BCEWithLogitsLoss", "loss", "binary_cross_entropy"),
        ("MSELoss", "loss", "mse"),
        ("ReduceLROnPlateau", "schedule", "plateau"),
        ("kaiming_normal", "initializer", "he_normal"),
        ("StandardScaler", "transform", "standardize"),
        ("gradient_descent", "optimizer", "sgd"),
        ("roc_auc", "metric", "auc"),
    ],
)
def test_what_others_call_it(name: str, family: str, meant: str) -> None:
    known = next(f for f in FAMILIES if f.name == family).kinds
    assert meant_kind(name, family, known) == meant


def test_keys_of_others() -> None:
    assert meant_key("lr", ["momentum", "learning_rate"]) == "learning_rate"
    assert meant_key("negative_slope", ["slope"]) == "slope"
    assert meant_key("lr", ["momentum"]) is None
    assert meant_key("Units", ["units"]) == "units"


def messages(*layers: dict[str, object]) -> list[str]:
    """The codes and messages about the layers of a document."""
    data = {"type": "inline", "inputs": [[0.0, 1.0]], "targets": [0.0]}
    report = specnet.validate({"specnet": 1, "loss": "mse", "data": data, "layers": list(layers)})
    return [f"{d.code} {d.message}" for d in report.diagnostics if d.severity == "error"]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        # No kind that only looks alike is suggested if the table could not be one, or blamed for keys that it lacks.
        ({"type": "glm", "units": 4}, ["SN204 `glm` is not a layer"]),
        ({"type": "convlstm2d", "filters": 4}, ["SN204 `convlstm2d` is not a layer"]),
        ({"type": "conv4d", "filters": 4, "kernel_size": 3}, ["SN204 `conv4d` is not a layer"]),
        ({"type": "conv4d", "filters": 4}, ["SN204 `conv4d` is not a layer"]),
        ({"type": "conv3", "filters": 4}, ['SN204 `conv3` is not a layer; did you mean "conv3d"?']),
        # One whose keys fit is taken for what it looks like, and so is a slip of one letter.
        (
            {"type": "dens", "unit": 0},
            [
                'SN204 `dens` is not a layer; did you mean "dense"?',
                "SN202 `unit` is not a field of dense; did you mean `units`?",
            ],
        ),
        (
            {"type": "desne"},
            [
                'SN204 `desne` is not a layer; did you mean "dense"?',
                "SN203 `units` is missing: dense needs it",
            ],
        ),
    ],
)
def test_a_guess_brings_no_faults_of_its_own(layer: dict[str, object], expected: list[str]) -> None:
    assert sorted(messages(layer)) == sorted(expected)


def test_digits_are_not_guessed() -> None:
    known = ["conv1d", "conv2d", "conv3d", "conv1d_transpose", "l1", "beta1", "beta2"]
    assert of_other_digits("Conv4D", known) == ["conv1d", "conv2d", "conv3d"]
    assert of_other_digits("conv", known) == of_other_digits("l3", known) == []
    assert meant_key("beta3", known) is None
    assert meant_key("beta_2", known) == "beta2"
    assert meant_kind("conv5d", "layer", known) is None
    report = specnet.validate({"specnet": 1, "layers": [{"type": "conv4d"}]})
    assert next(d.help for d in report.diagnostics if d.code == "SN204") == (
        "there are `conv1d`, `conv2d` and `conv3d`"
    )


def test_three_letters_of_which_one_differs_are_another_word() -> None:
    assert certain_kind("gru", ["glu", "relu"]) is None
    assert certain_kind("sdg", ["sgd", "adam"]) == "sgd"


def test_the_tables_of_foreign_names_are_folded_and_lead_to_kinds() -> None:
    families = {family.name: family.kinds for family in FAMILIES}
    assert set(KINDS) <= set(families)
    for table in (KEYS, *KINDS.values()):
        assert all(folded(name) == name for name in table)
    for family, table in KINDS.items():
        for name, meanings in table.items():
            assert set(meanings) <= set(families[family]), (family, name)


def test_a_similar_file(tmp_path: Path) -> None:
    (tmp_path / "mlp.toml").touch()
    (tmp_path / "xor.json").touch()
    assert similar_file(str(tmp_path / "mpl.toml")) == str(tmp_path / "mlp.toml")
    assert similar_file(str(tmp_path / "xor")) == str(tmp_path / "xor.json")
    assert similar_file(str(tmp_path / "entirely-else.toml")) is None
    assert similar_file(str(tmp_path / "nowhere" / "a.toml")) is None


def test_a_monstrous_name_costs_nothing() -> None:
    assert meant_key("x" * 5_000_000, ["units"] * 1000) is None
