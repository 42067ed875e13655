"""How many indices an embedding takes, where the data have tokens."""

from __future__ import annotations

import pytest

import specnet
from specnet.graph.builder import Builder
from specnet.graph.graph import Graph, ShapeFault
from specnet.graph.leaves import leaf
from specnet.graph.scopes import Scope
from specnet.graph.sizes import BATCH
from specnet.vocabulary.layers import LAYERS


def lowered(options, tokens):
    graph = Graph("float64")
    build = Builder(graph, training=False, scope=Scope("layer", "layer"))
    x = leaf(graph, "x", "input", (BATCH, 5), "int64")
    if tokens is not None:
        build.vocabularies[x] = tokens
    LAYERS.validate({"type": "embedding", "output_dim": 3, **options}).lower(build, x)
    return build.parameters["layer.embeddings"].shape


@pytest.mark.parametrize(
    ("options", "tokens", "size"), [({}, 65, 65), ({"input_dim": 80}, 65, 80), ({"input_dim": 8}, None, 8)]
)
def test_it_takes_as_many_indices_as_there_are_tokens(options, tokens, size):
    assert lowered(options, tokens) == (size, 3)


@pytest.mark.parametrize(
    ("options", "tokens", "message", "help"),
    [
        ({}, None, "needs `input_dim`", "one more than the largest index"),
        ({"input_dim": 64}, 65, "the vocabulary of the data has 65 tokens", "leave `input_dim` out"),
        ({"padding_index": 65}, 65, "`padding_index` must be below the 65 indices", None),
    ],
)
def test_sizes_that_do_not_fit_are_reported(options, tokens, message, help):
    with pytest.raises(ShapeFault) as caught:
        lowered(options, tokens)
    assert message in str(caught.value)
    assert help is None or help in caught.value.help


def test_data_without_tokens_are_a_diagnostic():
    document = {
        "specnet": 1,
        "data": {"type": "inline", "inputs": [[0, 1], [2, 1]], "targets": [0, 1]},
        "layers": [
            {"type": "embedding", "output_dim": 2},
            {"type": "flatten"},
            {"type": "dense", "units": 2},
        ],
        "loss": "cross_entropy",
    }
    (found,) = specnet.validate(document).diagnostics
    assert (found.code, found.path) == ("SN401", ("layers", 0))
    assert "needs `input_dim`" in found.message
