"""Layers over the columns of tables: which columns they take, and the published implementations' numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

import specnet
from specnet.engines.random import stream
from specnet.vocabulary.initializers.edges import BinEdges
from specnet.vocabulary.layers import LAYERS

ROWS = 200


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Columns of numbers between one of categories, one of indices of categories, and one of booleans."""
    rng = np.random.default_rng(3)
    lines = ["width,colour,height,size,sold,price"]
    for i in range(ROWS):
        width, height = rng.normal(2, 1.5, 2)
        colour, size, sold = ("red", "green", "blue")[i % 3], "sml"[i % 3 - i % 2], ("yes", "no")[i % 2]
        lines.append(f"{width:.4f},{colour},{height:.4f},{size},{sold},{width * height:.4f}")
    folder = tmp_path_factory.mktemp("table")
    (folder / "t.csv").write_text("\n".join(lines))
    return folder


def document(folder, *layers, inputs=None, **data):
    columns = {"size": {"encode": "index"}, "sold": {"type": "boolean"}}
    source = {"type": "csv", "path": str(folder / "t.csv"), "target": "price", "columns": columns} | data
    made = {"specnet": 1, "dtype": "float64", "loss": "mse", "data": source, "layers": [*layers]}
    return made | ({"inputs": inputs} if inputs else {}) | {"training": {"epochs": 1}}


def compiled(*arguments, **more):
    return specnet.compile(specnet.load(json.dumps(document(*arguments, **more))))


FLAT = [{"type": "flatten"}, {"type": "dense", "units": 1}]
PERIODIC = {"type": "periodic_embedding", "name": "e", "units": 3, "frequencies": 2}


def test_numbers_are_embedded_and_the_other_columns_stay(table):
    model = compiled(table, PERIODIC, *FLAT)
    assert [c.kind for c in model.columns] == ["number", "onehot", "number", "index", "boolean"]
    assert model.parameters["e.frequencies"].shape == (2, 2)
    x = np.array([[0.5, 1, 0, 0, 2.0, 2, 1]])
    found = model.hidden("e", x)
    assert found.shape == (1, 2 * 3 + 5)
    assert found[0, [2, 5]].tolist() == [0.5, 2.0]  # `pbld` keeps the number as the last feature
    assert found[0, 6:].tolist() == [1, 0, 0, 2, 1]


@pytest.mark.parametrize(("columns", "count"), [(["height"], 1), (["colour", "height"], 4), ("all", 7)])
def test_columns_by_name_and_all(table, columns, count):
    model = compiled(table, {**PERIODIC, "columns": columns}, *FLAT)
    assert model.parameters["e.frequencies"].shape == (count, 2)


def test_named_inputs_keep_their_columns(table):
    inputs = {"shape": {"columns": ["colour", "height", "width"]}, "rest": {"columns": ["sold"]}}
    embedded = {**PERIODIC, "inputs": ["shape"], "columns": ["width"]}
    joined = {"type": "concat", "inputs": ["e", "rest"]}
    model = compiled(table, embedded, joined, *FLAT, inputs=inputs)
    x = {"inputs/shape": np.array([[1.0, 0, 0, 2.5, 0.5]]), "inputs/rest": np.array([[1.0]])}
    assert model.hidden("e", x)[0, 2:].tolist() == [0.5, 1, 0, 0, 2.5]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([{**PERIODIC, "columns": ["colours"]}], "no column `colours`"),
        ([{"type": "scaling"}, PERIODIC], "it is not known which"),
        ([{"type": "scaling"}, {"type": "feature_tokenizer", "units": 2}], "no longer these"),
    ],
)
def test_columns_that_are_not_there(table, layers, message):
    with pytest.raises(specnet.SpecError, match=message) as raised:
        compiled(table, *layers, *FLAT)
    (found,) = raised.value.diagnostics
    assert (found.code, found.path) == ("SN401", ("layers", len(layers) - 1))


def test_a_table_without_numbers(table):
    with pytest.raises(specnet.SpecError, match="there are none"):
        compiled(table, PERIODIC, *FLAT, features=["colour", "sold"], columns={})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"type": "periodic_embedding", "units": 1}, "at least 2"),
        ({"type": "periodic_embedding", "columns": []}, "at least 1 item"),
        ({"type": "piecewise_linear_embedding", "linear": True}, "`linear` would be ignored"),
        ({"type": "piecewise_linear_embedding", "activation": "relu"}, "`activation` would be ignored"),
    ],
)
def test_options_that_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        LAYERS.validate(options)


def test_a_token_for_each_column(table):
    rtdl = pytest.importorskip("rtdl_revisiting_models")
    torch = pytest.importorskip("torch")
    model = compiled(table, {"type": "feature_tokenizer", "name": "t", "units": 4}, *FLAT)
    p = {name.removeprefix("t."): torch.tensor(array) for name, array in model.parameters.items()}
    assert p["kernel"].shape == (3, 4)
    assert p["embeddings"].shape == (6, 4)
    numbers, categories = rtdl.LinearEmbeddings(3, 4), rtdl.CategoricalEmbeddings([3, 3], 4)
    with torch.no_grad():
        numbers.weight = torch.nn.Parameter(p["kernel"])
        numbers.bias = torch.nn.Parameter(p["bias"][[0, 2, 4]])
        for module, part in zip(categories.embeddings, p["embeddings"].split(3), strict=True):
            module.weight = torch.nn.Parameter(part)
        categories.bias = torch.nn.Parameter(p["bias"][[1, 3]])
        x = np.array([[0.5, 1, 0, 0, 2.0, 2, 1], [-1.5, 0, 0, 1, 0.1, 0, 0]])
        theirs = numbers(torch.tensor(x[:, [0, 4, 6]]))
        chosen = torch.tensor(np.stack([x[:, 1:4].argmax(1), x[:, 5]], 1).astype(int))
        theirs = torch.cat([theirs, categories(chosen)], 1)[:, [0, 3, 1, 4, 2]]
    found = model.hidden("t", x)
    np.testing.assert_allclose(found[:, :5], theirs, rtol=1e-12)
    np.testing.assert_array_equal(found[:, 5], np.tile(model.parameters["t.cls"], (2, 1)))


def arrays(folder, x, y, layer):
    np.savez(folder / "d.npz", inputs=x, targets=y)
    data = {"type": "npz", "path": str(folder / "d.npz")}
    made = {"specnet": 1, "dtype": "float64", "loss": "mse", "data": data, "layers": [layer, *FLAT]}
    return specnet.compile(specnet.load(json.dumps(made)))


@pytest.mark.parametrize("form", ["plr", "pl"])
def test_periodic_embeddings_are_rtdls(form, tmp_path):
    rtdl = pytest.importorskip("rtdl_num_embeddings")
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 3))
    layer = {"type": "periodic_embedding", "name": "e", "form": form, "units": 4, "frequencies": 5}
    model = arrays(tmp_path, x, x[:, 0], layer)
    theirs = rtdl.PeriodicEmbeddings(3, 4, n_frequencies=5, activation=form == "plr", lite=False)
    p = {name.removeprefix("e."): torch.nn.Parameter(torch.tensor(a)) for name, a in model.parameters.items()}
    theirs.periodic.weight, theirs.linear.weight, theirs.linear.bias = (
        p["frequencies"],
        p["kernel"],
        p["bias"],
    )
    expected = theirs(torch.tensor(x)).flatten(1).detach()
    np.testing.assert_allclose(model.hidden("e", x), expected, rtol=1e-9, atol=1e-12)


@pytest.fixture
def float64():
    """PyTorch, which makes modules of numbers of double precision."""
    torch = pytest.importorskip("torch")
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(torch.float32)


@pytest.mark.filterwarnings("ignore:The 2-th feature has just two bin edges")
@pytest.mark.parametrize("version", ["A", "B", None])
def test_piecewise_linear_embeddings_are_rtdls(version, tmp_path, float64):
    rtdl = pytest.importorskip("rtdl_num_embeddings")
    torch = float64
    rng = np.random.default_rng(0)
    x = np.stack([rng.normal(size=90), rng.integers(0, 4, 90), rng.integers(0, 2, 90)], 1).astype(float)
    layer = {"type": "piecewise_linear_embedding", "name": "e", "bins": 8}
    layer |= {} if version is None else {"units": 5, "linear": version == "B"}
    model = arrays(tmp_path, x, x[:, 0], layer)
    bins = rtdl.compute_bins(torch.tensor(x), 8)
    edges = model.parameters["e.edges"]
    for own, of in zip(edges, bins, strict=True):
        np.testing.assert_allclose(np.unique(own), of, rtol=1e-12)
    new = torch.tensor(np.concatenate([x, 3 * x - 1]))
    counts = [len(b) - 1 for b in bins]
    assert min(counts) == 1 < max(counts) == 8
    # The last of a column's numbers comes last of all there, with zeros between.
    moved = [[*range(n - 1), *range(n, 8), n - 1] for n in counts]
    if version is None:
        theirs = rtdl.PiecewiseLinearEncoding(bins).double()(new).split(counts, 1)
        expected = np.concatenate([np.pad(e, ((0, 0), (0, 8 - e.shape[1]))) for e in theirs], 1)
    else:
        module = rtdl.PiecewiseLinearEmbeddings(bins, 5, activation=False, version=version).double()
        p = {n.removeprefix("e."): torch.tensor(a) for n, a in model.parameters.items()}
        kernel = torch.tensor(rng.normal(size=(3, 8, 5)))
        model.parameters["e.kernel"][...] = kernel
        with torch.no_grad():
            module.linear.weight.copy_(torch.stack([k[m] for k, m in zip(kernel, moved, strict=True)]))
            (module.linear if version == "A" else module.linear0).bias.copy_(p["bias"])
            if version == "B":
                module.linear0.weight.copy_(p["linear"])
            expected = module(new).flatten(1)
    np.testing.assert_allclose(model.hidden("e", new.numpy()), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["numbers", "classes", "several"])
def test_edges_by_targets_are_those_of_scikit_learns_trees(kind):
    tree = pytest.importorskip("sklearn.tree")
    rng = np.random.default_rng(5)
    # In float32, as scikit-learn holds inputs, and with equal numbers.
    x = np.stack([rng.normal(size=1500), rng.integers(0, 30, 1500)], 1).astype(np.float32).astype(float)
    y = np.sin(3 * x[:, 0]) + 0.1 * x[:, 1] + rng.normal(size=1500)
    y = {"numbers": y, "classes": np.digitize(y, [0.5, 2.0]), "several": np.stack([y, x[:, 0] ** 2], 1)}[kind]
    edges = BinEdges(by="targets").fit((2, 13), stream(0, "x"), x, y)
    make = tree.DecisionTreeClassifier if kind == "classes" else tree.DecisionTreeRegressor
    for column, own in zip(x.T, edges, strict=True):
        grown = make(max_leaf_nodes=12, min_samples_leaf=64).fit(column[:, None], y).tree_
        inner = grown.threshold[grown.children_left >= 0]
        expected = np.unique([column.min(), column.max(), *inner])
        np.testing.assert_allclose(np.unique(own), expected, rtol=1e-9)
        assert len(expected) > 8


def test_edges_of_few_rows_and_of_constant_columns():
    x = np.stack([np.arange(6.0), np.full(6, 2.0)], 1)
    for by in ("quantiles", "targets"):
        edges = BinEdges(by=by).fit((2, 4), stream(0, "x"), x, x[:, 0] > 2)
        assert edges[0, 0] == 0.0
        assert edges[0, -1] == 5.0
        assert edges[1].tolist() == [2.0] * 4
    assert 2.5 in edges[0]
