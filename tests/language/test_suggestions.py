from __future__ import annotations

from pathlib import Path

import pytest

from specnet.diagnostics.spelling import folded
from specnet.language.foreign import KEYS, KINDS
from specnet.language.kinds import FAMILIES
from specnet.language.suggestions import meant_key, meant_kind, similar_file


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
