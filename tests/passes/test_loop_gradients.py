"""Gradients of loops: as those of the same steps written out, as central differences, and as PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.graph import ops
from specnet.graph.leaves import name_of, number
from specnet.passes.differentiate import differentiate
from tests.support.compiled import run
from tests.support.graphs import difference, drawn, graph_of, loss_of
from tests.support.loops import CASES, RNN, SIZES, W, X, gru, lstm, recurrence
from tests.support.reference import evaluate

named = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def smooth(leaves):
    return [value for value in leaves.values() if value.dtype == "float64"]


def computed(built, seed=0, **options):
    """Return a graph's results, and the gradients of a loss of them, as a plan computes them."""
    graph, leaves, results = built
    gradients = differentiate(graph, loss_of(results), smooth(leaves))
    given = drawn(graph, SIZES, seed)
    found = run(graph, given, [*results, *gradients], SIZES, **options)
    return found[: len(results)], found[len(results) :]


def assert_close(got, meant, relative):
    """Compare arrays, by the largest number of each."""
    for here, there in zip(got, meant, strict=True):
        assert here.shape == there.shape
        assert np.abs(there).max() > 0.0
        assert np.abs(here - there).max() <= relative * np.abs(there).max()


@named
def test_a_loop_computes_what_its_steps_do(case):
    results, gradients = computed(case.looped())
    meant, slopes = computed(case.unrolled())
    assert_close(results, meant, 1e-14)
    assert_close(gradients, slopes, 1e-12)


@named
def test_it_does_so_to_the_bit_where_nothing_is_moved(case):
    results, gradients = computed(case.looped(), optimise=False)
    meant, slopes = computed(case.unrolled(), optimise=False)
    for got, expected in zip(results, meant, strict=True):
        np.testing.assert_array_equal(got, expected)
    if case.exact:
        for got, expected in zip(gradients, slopes, strict=True):
            np.testing.assert_array_equal(got, expected)
    else:
        assert_close(gradients, slopes, 1e-14)


@named
def test_the_gradient_agrees_with_central_differences(case):
    graph, leaves, results = case.looped()
    loss = loss_of(results)
    sources = smooth(leaves)
    gradients = differentiate(graph, loss, sources)
    agree(graph, loss, sources, gradients)


@named
def test_the_gradient_of_a_gradient_agrees_with_central_differences(case):
    graph, leaves, results = case.looped()
    sources = smooth(leaves)
    first = differentiate(graph, loss_of(results), sources)
    length = sum((ops.inner(g, g) for g in first[1:]), ops.inner(first[0], first[0]))
    agree(graph, length, sources, differentiate(graph, length, sources))


def agree(graph, loss, sources, gradients):
    given = drawn(graph, SIZES)
    rng = np.random.default_rng(1)
    meant = evaluate(graph, given, gradients, SIZES)
    for optimise in (False, True):
        assert_close(run(graph, given, gradients, SIZES, optimise=optimise), meant, 1e-12)
    for source, slope in zip(sources, meant, strict=True):
        direction = rng.normal(size=slope.shape)
        expected = difference(evaluate, loss, given, source, direction, SIZES)
        assert abs(expected) > 1e-3, name_of(source)
        assert (slope * direction).sum() == pytest.approx(expected, rel=1e-8, abs=1e-9), name_of(source)


def test_differences_would_show_a_wrong_gradient():
    graph, leaves, results = CASES["gru"].looped()
    loss = loss_of(results)
    gradients = differentiate(graph, loss * 1.0001, smooth(leaves))
    with pytest.raises(AssertionError):
        agree(graph, loss, smooth(leaves), gradients)


def test_a_loop_that_counts_for_nothing_has_gradients_of_zeros():
    graph, leaves = graph_of(RNN)
    recurrence(ops.scan, **leaves)
    gradients = differentiate(graph, ops.sum_all(leaves["h"] * 3.0), [leaves["h"], leaves["W"]])
    slopes = run(graph, drawn(graph, SIZES), gradients, SIZES)
    np.testing.assert_array_equal(slopes[0], np.full((3, 2), 3.0))
    np.testing.assert_array_equal(slopes[1], np.zeros(W))


def test_a_loop_that_wanted_values_do_not_lead_to_is_not_differentiated():
    graph, leaves = graph_of(RNN | {"v": (2,)})
    last, _ = recurrence(ops.scan, **{name: leaves[name] for name in RNN})
    before = len(graph)
    differentiate(graph, ops.sum_all(last * leaves["v"]), [leaves["v"]])
    assert not any(node.op is ops.SCAN for node in graph.nodes[before:])
    (loop,) = (node for node in graph if node.op is ops.SCAN)
    assert len(loop.results) == 2, "it gives no more than before"


def test_the_way_back_keeps_what_it_reads_alone():
    """Of tanh(x U + h W + b) the way back reads the new state, and the old one for the gradient of W."""
    graph, leaves = graph_of(RNN)
    last, outputs = recurrence(ops.scan, **leaves)
    differentiate(graph, ops.sum_all(last * last) + ops.sum_all(outputs), smooth(leaves))
    forth, back = (node for node in graph if node.op is ops.SCAN)
    assert len(forth.results) == 4
    assert [value.op.name for value in ops.SCAN.of(forth).body.returns] == [
        "tanh",
        "tanh",
        "argument",
        "tanh",
    ]
    settings = ops.SCAN.of(back)
    assert (settings.reverse, settings.states) == (True, 4), "the state, and sums for U, W and b"
    assert len(back.results) == 5


def test_a_number_of_each_step_is_a_scalar_that_a_loop_takes():
    graph, leaves = graph_of({"x": X})
    rate = number(graph, "rate")
    (), (y,) = ops.scan(lambda _, slices: ([], [slices[0] * rate]), [], [leaves["x"]])
    (slope,) = differentiate(graph, ops.sum_all(y), [rate])
    given = drawn(graph, SIZES) | {"rate": 0.7}
    (got,) = run(graph, given, [slope], SIZES)
    assert slope.shape == ()
    np.testing.assert_allclose(got, given["x"].sum(), rtol=1e-14)


TORCH = {
    "recurrence": ("RNN", RNN, recurrence),
    "lstm": ("LSTM", CASES["lstm"].shapes, lstm),
    "gru": ("GRU", CASES["gru"].shapes, gru),
}


@pytest.mark.parametrize("name", TORCH)
def test_recurrences_agree_with_pytorch(name):
    torch = pytest.importorskip("torch")
    kind, shapes, build = TORCH[name]
    graph, leaves = graph_of(shapes)
    results = build(ops.scan, **leaves)
    outputs = results[-1]
    weights = loss_of([outputs])
    sources = smooth(leaves)
    gradients = differentiate(graph, weights, sources)
    given = drawn(graph, SIZES)
    got, *slopes = run(graph, given, [outputs, *gradients], SIZES)

    module = getattr(torch.nn, kind)(3, 2, bias=name == "recurrence").double()
    with torch.no_grad():
        module.weight_ih_l0.copy_(torch.tensor(given["U"].T))
        module.weight_hh_l0.copy_(torch.tensor(given["W"].T))
        if name == "recurrence":
            module.bias_ih_l0.copy_(torch.tensor(given["B"]))
            module.bias_hh_l0.zero_()
    tensors = {key: torch.tensor(given[key], requires_grad=True) for key in shapes if key.islower()}
    first = tuple(tensors[key][None] for key in ("h", "c") if key in tensors)
    y, _ = module(tensors["x"], first if len(first) == 2 else first[0])
    counts = torch.tensor(given["weights0"])
    ((y + y * y) * counts).sum().backward()
    np.testing.assert_allclose(got, y.detach().numpy(), rtol=1e-13, atol=1e-15)
    theirs = {key: tensor.grad.numpy() for key, tensor in tensors.items()}
    theirs |= {"U": module.weight_ih_l0.grad.numpy().T, "W": module.weight_hh_l0.grad.numpy().T}
    if name == "recurrence":
        theirs["B"] = module.bias_ih_l0.grad.numpy()
    assert_close(slopes, [theirs[name_of(source)] for source in sources], 1e-13)
