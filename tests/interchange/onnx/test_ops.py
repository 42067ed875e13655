"""The ONNX of every op that has one, run by the widespread runtime, against the op's meaning."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

from specnet.diagnostics import RunError
from specnet.graph.leaves import leaves, name_of
from specnet.graph.record import Unexportable
from specnet.graph.sizes import at
from specnet.interchange.onnx.graphs import GraphWriter
from specnet.interchange.onnx.model import IR_VERSION, OPSET
from tests.support.op_rows import TABLE, build, named, numbers
from tests.support.reference import evaluate

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")


def exported(graph, value):
    """Return a file that computes a value, whose rows it counts by an input of its own."""
    writer = GraphWriter(onnx)
    names = writer.write(graph, name_of)
    writer.node("Identity", [names[value.index]], name="result")
    info = onnx.helper.make_tensor_value_info
    inputs = [info(name, writer.kind(v.dtype), at(v.shape, 3)) for name, v in leaves(graph).items()]
    made = onnx.helper.make_graph(
        writer.nodes,
        "op",
        [*inputs, info("inputs", writer.kind("int64"), ["rows"])],
        [info("result", writer.kind(value.dtype), at(value.shape, 3))],
        list(writer.held.values()),
    )
    model = onnx.helper.make_model(
        made, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def ran(content, given):
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return session.run(None, given | {"inputs": np.zeros(3, np.int64)})[0]


def unexportable(graph):
    """Return why some application in a graph cannot be exported, or None."""
    for node in graph:
        try:
            rule = node.op.onnx(node.value) if callable(node.op.onnx) else node.op.onnx
        except Unexportable as reason:
            return str(reason)
        if isinstance(rule, Unexportable):
            return str(rule)
    return None


@named(TABLE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_exported_computes_what_its_op_means(row, dtype):
    graph, _, y = build(row, dtype)
    if reason := unexportable(graph):
        with pytest.raises(RunError, match=re.escape(reason)):
            exported(graph, y)
        return
    arrays = numbers(row, 3)
    arrays = {name: np.asarray(x, leaves(graph)[name].dtype) for name, x in arrays.items()}
    found = ran(exported(graph, y), arrays)
    (meant,) = evaluate(graph, arrays, [y], 3)
    assert found.dtype == y.dtype
    np.testing.assert_allclose(found, meant, 1e-4, 1e-5)
