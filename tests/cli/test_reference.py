from __future__ import annotations

import gzip
import json
import re
import struct
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import specnet
from specnet.cli.app import app
from specnet.cli.examples import example
from specnet.cli.vocabulary import FamilyEntry, families
from specnet.data import AUGMENTATIONS, FORMATS, TRANSFORMS
from specnet.data.text import TOKENIZERS
from specnet.language.spec import Spec
from specnet.vocabulary.activations import ACTIVATIONS
from specnet.vocabulary.initializers import INITIALIZERS
from specnet.vocabulary.kind import Kind
from specnet.vocabulary.layers import LAYERS
from specnet.vocabulary.losses import LOSSES
from specnet.vocabulary.metrics import METRICS
from specnet.vocabulary.optimizers import OPTIMIZERS, Searching
from specnet.vocabulary.pruners import PRUNERS
from specnet.vocabulary.regularizers import REGULARIZERS
from specnet.vocabulary.samplers import SAMPLERS
from specnet.vocabulary.schedules import SCHEDULES
from tests.support.format_rows import TABLE
from tests.support.pictures import write_classes

FAMILIES = [
    LAYERS,
    ACTIVATIONS,
    INITIALIZERS,
    REGULARIZERS,
    LOSSES,
    METRICS,
    OPTIMIZERS,
    SCHEDULES,
    FORMATS,
    TRANSFORMS,
    AUGMENTATIONS,
    TOKENIZERS,
    SAMPLERS,
    PRUNERS,
]
KINDS = [(entry, kind) for entry in families() for kind in entry.family]

IRIS = {"type": "builtin", "name": "iris", "split": {"validation": 0.2}}
LINE = {"type": "synthetic", "kind": "linear", "split": {"validation": 0.2}}
MOONS = {"type": "synthetic", "kind": "moons", "split": {"validation": 0.2}}
DENSE_4 = {"type": "dense", "units": 4}
PLANE = {"type": "inline", "inputs": [[n] for n in range(4)], "targets": [[n, 1 - n] for n in range(4)]}
SPELT = {"type": "inline", "inputs": [[[n], [1], [2]] for n in range(4)], "targets": [[1, 0], [2, 1]] * 2}
SALES = {"type": "series", "path": "sales.csv", "target": "sales", "lookback": 4, "horizon": 2}
DENSE_3 = {"type": "dense", "units": 3}
DENSE_2 = {"type": "dense", "units": 2}
DENSE_1 = {"type": "dense", "units": 1}
DENSE_10 = {"type": "dense", "units": 10}
DENSE_14 = {"type": "dense", "units": 14}
SEEN = {"type": "embedding", "output_dim": 2}
HOSTS: dict[str, dict[str, Any]] = {
    "quantile": {"data": LINE, "layers": [DENSE_3]},
    "wql": {"data": LINE, "layers": [DENSE_3], "loss": "quantile"},
    "quantile_coverage": {"data": LINE, "layers": [DENSE_3], "loss": "quantile"},
    "smape": {"data": LINE, "layers": [DENSE_1], "loss": "mse"},
    "mase": {"data": SALES, "layers": [{"type": "flatten"}, DENSE_2], "loss": "mse"},
    "ctc": {"data": SPELT, "layers": [DENSE_3]},
    "edit_distance": {"data": SPELT, "layers": [DENSE_3], "loss": "ctc"},
    "exact_match": {"data": SPELT, "layers": [DENSE_3], "loss": "ctc"},
    "series": {"layers": [{"type": "flatten"}, DENSE_14], "loss": "mse"},
    "pairs": {
        "inputs": {"source": {"array": "source"}, "target": {"array": "target"}},
        "layers": [
            {**SEEN, "name": "read", "inputs": ["source"]},
            {**SEEN, "name": "written", "inputs": ["target"]},
            {"type": "attention", "heads": 1, "inputs": ["written", "read"]},
            {"type": "dense", "units": "auto"},
        ],
        "loss": "cross_entropy",
    },
}
"""What the document around an example needs, of kinds that take data or a network of their own."""
SHAPES = {
    **{name: [8, 8] for name in ("simple_rnn", "lstm", "gru", "bidirectional", "last_step", "masking")},
    **{name: [8, 8] for name in ("min_gru", "tcn_block")},
    **{name: [8, 8] for name in ("attention", "positional_embedding", "transformer_block")},
    "cropping1d": [8, 8],
    "cropping2d": [8, 8, 1],
    "embedding": [64],
    "group_norm": [64],
    "instance_norm": [8, 8],
    "permute": [8, 8],
    "spatial_dropout": [8, 8],
    "upsampling1d": [8, 8],
    "upsampling2d": [8, 8, 1],
    "zero_padding1d": [8, 8],
    "zero_padding2d": [8, 8, 1],
    **{name: [4, 4, 4, 1] for name in LAYERS.kinds if name.endswith("3d")},
}
"""What layers are given that need more than the four numbers of an iris: handwritten digits in that shape."""
COLUMN_LAYERS = ("periodic_embedding", "piecewise_linear_embedding", "feature_tokenizer")
"""Layers that take the columns of the data."""


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["docs", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_every_family_is_found_with_all_its_kinds() -> None:
    found = {entry.family.name: entry.family for entry in families()}
    assert found == {family.name: family for family in FAMILIES}


def test_the_overview_has_every_kind_and_every_key_of_a_document_in_80_columns() -> None:
    page = run()
    assert max(map(len, page.splitlines())) <= 80
    words = set(re.findall(r"[\w]+", page))
    assert {kind.model_fields["type"].default for _, kind in KINDS} <= words
    listed = re.findall(r"^  (\w+)  ", page, re.MULTILINE)
    assert listed[: len(Spec.model_fields)] == list(Spec.model_fields)


def host(entry: FamilyEntry, kind: type[Kind]) -> dict[str, Any]:
    """What the document around an example needs, so that the example makes sense in it."""
    name = entry.family.name
    own = HOSTS.get(kind.model_fields["type"].default)
    if own is not None and name in ("loss", "metric", "data format"):
        return own
    if name == "loss":
        real = kind.targets == "real"  # type: ignore[attr-defined]
        data = {"real": LINE, "binary": MOONS}.get(kind.targets, IRIS)  # type: ignore[attr-defined]
        if kind.model_fields["type"].default == "kl_divergence":
            data = {**IRIS, "transforms": [{"type": "one_hot", "classes": 3, "on": "targets"}]}
        if kind.model_fields["type"].default == "cosine_similarity":
            data = {**PLANE, "split": {"validation": 0.5}}
        if kind.model_fields["type"].default in ("cosine_similarity", "gaussian_nll"):
            return {"data": data, "layers": [{"type": "dense", "units": 2}]}
        return {"data": data, "layers": [DENSE_1 if real or data is MOONS else DENSE_3]}
    if name == "metric" and kind.__module__.endswith("regression"):
        return {"data": LINE, "layers": [DENSE_1], "loss": "mse"}
    if kind.model_fields["type"].default == "top_k":
        return {
            "data": {"type": "builtin", "name": "digits"},
            "layers": [{"type": "dense", "units": 10}],
            "loss": "cross_entropy",
        }
    if kind.__module__.startswith("specnet.vocabulary.layers"):
        return {"data": IRIS | seen_as(kind.model_fields["type"].default), "loss": "cross_entropy"}
    layers = [DENSE_3] if name != "data format" else [{"type": "flatten"}, DENSE_3]
    return {"data": IRIS, "layers": layers, "loss": "cross_entropy"}


def seen_as(layer: str) -> dict[str, Any]:
    """Four numbers a flower as the sequence, or the image, that a layer takes."""
    shape = {"1d": [4, 1], "2d": [2, 2, 1]}.get(layer.removesuffix("_transpose")[-2:])
    return {} if shape is None else {"transforms": [{"type": "reshape", "shape": shape}]}


def merged(example_: dict[str, Any], around: dict[str, Any], name: str) -> dict[str, Any]:
    document = {"specnet": 1, "training": {"epochs": 1}, **around}
    if name == "transform":
        (transform,) = example_["data"]["transforms"]
        flat = [{"type": "flatten"}] if transform["type"] == "reshape" else []
        if transform["type"] == "one_hot":
            transform = {**transform, "on": "targets"}
        return {**document, "data": {**IRIS, "transforms": [transform, *flat]}}
    if "layers" in example_ and example_["layers"][0]["type"] in SHAPES:
        shaped = {"type": "reshape", "shape": SHAPES[example_["layers"][0]["type"]]}
        layers = [shaped, *example_["layers"], {"type": "flatten"}, DENSE_10]
        return {**document, "data": {"type": "builtin", "name": "digits"}, "layers": layers}
    if name == "tokenizer":
        lines = {"type": "text", "path": "lines.txt", "lines": "label_first", **example_["data"]}
        return {**document, "data": lines, "layers": [SEEN, {"type": "flatten"}, DENSE_3]}
    if name == "augmentation":
        shaped = {"transforms": [{"type": "reshape", "shape": [8, 8, 1]}], **example_["data"]}
        layers = [{"type": "flatten"}, {"type": "dense", "units": 10}]
        digits = {"type": "builtin", "name": "digits", **shaped}
        return {**document, "data": digits, "layers": layers}
    if "layers" in example_:
        of_columns = example_["layers"][0]["type"] in COLUMN_LAYERS
        # `dense_1` and `dense_2`, which examples of merges take
        before = [] if of_columns else [DENSE_4, DENSE_4]
        if example_["layers"][0]["type"] == "ensemble":  # which comes last
            return {**document, "layers": [*before, *example_["layers"]]}
        return {**document, "layers": [*before, *example_["layers"], {"type": "flatten"}, DENSE_3]}
    if "training" in example_:
        training = {"epochs": 1, **example_["training"]}
        if name == "optimizer" and issubclass(OPTIMIZERS.kinds[training["optimizer"]["type"]], Searching):
            training["batch_size"] = "full"
        return {**document, "training": training}
    return {**document, **example_}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the examples of readers name."""
    monkeypatch.chdir(tmp_path)
    rows = [f"{n},{n % 5},{('a', 'b', 'c')[n % 3]}" for n in range(30)]
    (tmp_path / "table.csv").write_text("\n".join(["size,age,species", *rows]))
    inputs, targets = np.arange(60.0).reshape(30, 2), np.arange(30) % 3
    np.savez(tmp_path / "arrays.npz", inputs=inputs, targets=targets)
    np.save(tmp_path / "inputs.npy", inputs)
    np.save(tmp_path / "targets.npy", targets)
    images = struct.pack(">BBBBIII", 0, 0, 8, 3, 30, 2, 2) + bytes(range(120))
    labels = struct.pack(">BBBBI", 0, 0, 8, 1, 30) + bytes(n % 3 for n in range(30))
    (tmp_path / "images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
    (tmp_path / "labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))
    write_classes(tmp_path / "pictures", count=2)
    (tmp_path / "lines.txt").write_text("".join(f"{'abc'[n % 3]} {n} times {n}\n" for n in range(30)))
    (tmp_path / "pairs.tsv").write_text("".join(f"{n}\t{n + 1}\n" for n in range(30)))
    (tmp_path / "sales.csv").write_text("\n".join(["sales", *(f"{n % 7}" for n in range(90))]))
    return tmp_path


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("entry", "kind"), KINDS, ids=[f"{e.family.name}-{k.model_fields['type'].default}" for e, k in KINDS]
)
def test_every_example_is_a_piece_of_a_document_that_runs(entry: FamilyEntry, kind: type[Kind]) -> None:
    name = kind.model_fields["type"].default
    if name == "parquet":
        write = pytest.importorskip("pyarrow.parquet").write_table
        write(pytest.importorskip("pyarrow.csv").read_csv("table.csv"), "table.parquet")
    text = example(entry, kind)
    page = run(name)
    assert "\n".join(f"    {line}" for line in text.split("\n")) in page
    for field in kind.model_fields:
        assert field == "type" or f"\n{field}  " in page
    piece = tomllib.loads(text)
    assert f'"{name}"' in text
    if entry.family.name == "data format" and not Path(piece["data"].get("path", "")).exists():
        (row,) = (row for row in TABLE if row.type == name)
        piece["data"] |= row.write(Path(), row.inputs, row.targets)
    if "sweep" in piece:
        rate = {"training.optimizer.learning_rate": {"choices": [0.1, 0.01]}}
        piece["sweep"] |= {"trials": 2, "parameters": rate}
    document = merged(piece, host(entry, kind), entry.family.name)
    passed = {
        "arrays": lambda: (np.arange(60.0).reshape(30, 2), np.arange(30) % 3),
        "frame": lambda: pytest.importorskip("pandas").read_csv("table.csv"),
    }
    result = specnet.run(document, data=passed[name]() if name in passed else None)
    assert result.epochs == 1 or result.stopped == "diverged"


def test_a_page_has_docstring_fields_defaults_and_formulas() -> None:
    page = run("adam")
    assert page.startswith("adam  optimizer, [training.optimizer]\n")
    assert "    m <- beta_1 m + (1 - beta_1) g" in page
    assert "beta_1  default 0.9\n    The decay of the running mean of gradients.\n" in page
    assert max(map(len, page.splitlines())) <= 80
    assert "units  required\n" in run("dense")


def test_a_name_of_two_families_is_explained_for_both() -> None:
    page = run("mse")
    assert "mse  loss, [loss]" in page
    assert "mse  metric, metrics = [...]" in page


def test_the_schema_is_printed_as_it_is_made() -> None:
    from specnet.language.json_schema import schema

    done = CliRunner().invoke(app, ["schema"])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == schema()
