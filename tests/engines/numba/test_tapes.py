"""Loops over steps as compiled functions, with what each step works on from a tape."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from specnet.engines.execution import Executable, emitted
from specnet.engines.numba import tapes
from specnet.engines.numba.tapes import NotPlain, compiled_loop
from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH, Size
from specnet.passes.differentiate import differentiate
from specnet.passes.pipeline import plan
from tests.support.trainings import document, trainer

STEPS = Size(1, ("steps",))
SIZES = {"batch": 5, "steps": 7}


def recurrent(dtype, *, transposed=False):
    """Return the plan's graph of a recurrence with its gradients, and the leaves' values."""
    graph = Graph(dtype)
    x = leaf(graph, "x", "input", (STEPS, BATCH, 3))
    h, w, u = (
        leaf(graph, name, "input", shape) for name, shape in (("h", (BATCH, 4)), ("w", (4, 4)), ("u", (3, 4)))
    )

    def step(states, arrays):
        kernel = ops.transpose(w, axes=(1, 0)) if transposed else w
        new = ops.tanh(states[0] @ kernel + arrays[0] @ u)
        return [new], [new]

    (last,), (every,) = ops.scan(step, [h], [x])
    loss = ops.sum_all(ops.square(every)) + ops.sum_all(last)
    graph.outputs = {"loss": loss, "last": last} | {
        f"d{number}": value for number, value in enumerate(differentiate(graph, loss, [h, w, u, x]))
    }
    rng = np.random.default_rng(0)
    shapes = {"x": (7, 5, 3), "h": (5, 4), "w": (4, 4), "u": (3, 4)}
    return graph, {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


def executed(graph, values, engine):
    made = plan(graph, SIZES, engine=engine)
    bound = Executable(made).bind(SIZES, values)
    scalars = bound.step()
    return emitted(made), scalars, {name: array.copy() for name, array in bound.arrays.items()}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("how", ["compiled", "Python"])
def test_a_recurrence_and_its_gradients(dtype, transposed, how, monkeypatch):
    graph, values = recurrent(dtype, transposed=transposed)
    _, expected, arrays = executed(graph, values, "numpy")
    if how == "Python":
        monkeypatch.setattr(tapes, "_table", refuse)
    program, found, others = executed(graph, values, "numba")
    assert [loop.tape is not None for loop in program.loops] == [True, True]
    tolerance = 1e-4 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(found, expected, tolerance)
    assert others.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_allclose(others[name], array, tolerance, tolerance, err_msg=name)


def refuse(*_):
    raise NotPlain


LAYERS = {
    "lstm": [{"type": "lstm", "units": 5}, {"type": "dense", "units": 2}],
    "gru, backward": [{"type": "gru", "units": 5, "reverse": True}, {"type": "dense", "units": 2}],
    "both ways": [
        {"type": "bidirectional", "layers": [{"type": "simple_rnn", "units": 4, "return_sequences": True}]},
        {"type": "gru", "units": 3, "recurrent_dropout": 0.2},
        {"type": "dense", "units": 2},
    ],
}


@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS)
def test_recurrent_layers_learn_what_they_learn_with_numpy(layers, monkeypatch):
    monkeypatch.setenv("SPECNET_THREADS", "2")
    first = {"type": "reshape", "shape": [2, 1]}
    found = {}
    for engine in ("numpy", "numba"):
        monkeypatch.setenv("SPECNET_ENGINE", engine)
        fitted = trainer(document(layers=[first, *layers], epochs=3, batch_size=16, optimizer="adam"))
        list(fitted.events())
        found[engine] = fitted.model.parameters.flat.copy()
    np.testing.assert_allclose(found["numba"], found["numpy"], 1e-8, 1e-9)


@pytest.mark.parametrize(
    "body",
    [["n3[0] = s4", "run(0, g1)"], ["take(a, b, 0, c, 'clip')"], ["copyto(a, b.transpose((1, 0)))"], []],
)
def test_other_bodies_are_left_to_python(body):
    assert compiled_loop(body, str) is None


def test_what_a_step_is_written_as():
    text, calls = compiled_loop(
        ["matmul(a, w, b)", "run(2, g1)  # tanh", "add_reduce(b, (0,), None, c)", "copyto(d, c)"],
        "loop_{}".format,
    )
    assert calls == (
        ("products", "a", "w", "b"),
        ("run", "g1"),
        ("sums", "b", "c", "0"),
        ("copies", "c", "d"),
    )
    *_, first, second, third, fourth = text.splitlines()
    assert [first.strip(), second.strip()] == ["products(q[0], t[2], t[3])", "loop_2(q[1])"]
    assert [third.strip(), fourth.strip()] == ["sums(q[2])", "copies(q[3])"]


A = np.arange(24.0).reshape(4, 6)


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (("products", "a", "b", "o"), {"a": A[:, ::2], "b": np.ones((3, 2)), "o": np.ones((4, 2))}),
        (
            ("products", "a", "b", "o"),
            {"a": A.astype(int), "b": np.ones((6, 2), int), "o": np.ones((4, 2), int)},
        ),
        (("products", "a", "b", "o"), {"a": A[0], "b": np.ones((6, 2)), "o": np.ones(2)}),
        (("products", "a", "b", "o"), {"a": A, "b": np.ones((6, 2)), "o": np.ones((2, 4)).T}),
        (("sums", "a", "o", "0"), {"a": A.T, "o": np.ones(4)}),
        (("sums", "a", "o", "0", "2"), {"a": np.ones((2, 2, 2)), "o": np.ones(2)}),
        (("copies", "a", "o"), {"a": A, "o": np.ones((6, 4))}),
        (("copies", "a", "o"), {"a": A, "o": np.ones((4, 6), np.float32)}),
    ],
)
def test_arrays_that_compiled_code_does_not_take(call, names):
    with pytest.raises(NotPlain):
        tapes._table(call, names)
