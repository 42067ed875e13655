"""The steps of L-BFGS against PyTorch's, on problems whose minima are known."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.numpy.lbfgs import LimitedMemoryBFGS
from specnet.vocabulary.optimizers import OPTIMIZERS
from tests.support.minima import rosenbrock


def quadratic(p):
    scale = np.logspace(0.0, 2.0, p.size)
    return 0.5 * np.sum(scale * p**2), scale * p


def barrier(p):
    """Infinite from p = 1 on: where a step goes too far, there is no number."""
    with np.errstate(all="ignore"):
        return np.sum(-np.log(1.0 - p) - np.log(p + 3.0)), 1.0 / (1.0 - p) - 1.0 / (p + 3.0)


def flat(p):
    return np.sum(p**4), 4.0 * p**3


PROBLEMS = {
    "rosenbrock": (rosenbrock, np.linspace(-1.2, 1.0, 6)),
    "quadratic": (quadratic, np.linspace(1.0, 2.0, 12)),
    "flat": (flat, np.linspace(-2.0, 3.0, 5)),
}


def method(function, p, **options):
    """Return the method over p, with what evaluates and where the gradient is left."""
    optimizer = OPTIMIZERS.validate({"type": "lbfgs", **options})
    slots = {name: np.full(shape, np.nan) for name, shape in optimizer.slot_shapes(p.size).items()}
    latest = np.empty_like(p)
    counter = [0]

    def evaluate():
        counter[0] += 1
        loss, latest[...] = function(p)
        return (loss,)

    return optimizer.method(p, slots), evaluate, latest, counter


@pytest.mark.parametrize("history", [1, 3, 10])
@pytest.mark.parametrize("rate", [1.0, 0.3])
@pytest.mark.parametrize("name", PROBLEMS)
def test_every_iterate_is_pytorch_s(name, rate, history):
    torch = pytest.importorskip("torch")
    function, start = PROBLEMS[name]
    p = start.copy()
    made, evaluate, latest, counter = method(function, p, learning_rate=rate, history=history)
    there = torch.tensor(start, requires_grad=True)
    theirs = torch.optim.LBFGS(
        [there], lr=rate, max_iter=1, max_eval=25, history_size=history, line_search_fn="strong_wolfe"
    )

    def closure():
        loss, gradient = function(there.detach().numpy())
        there.grad = torch.tensor(gradient)
        return torch.tensor(loss)

    size = np.abs(start).max()
    for number in range(30):
        loss = theirs.step(closure)
        (before,) = made.step(evaluate, latest)
        assert before == pytest.approx(float(loss), rel=1e-6, abs=1e-12)
        # The last digits of a sum are others here, and the iterates drift apart from there.
        tolerance = 1e-9 if number < 6 else 1e-3
        np.testing.assert_allclose(p, there.detach(), tolerance, tolerance * size)
        if made.ended is not None:
            break
    # PyTorch measures where it is anew at each step, but the first.
    assert counter[0] <= theirs.state[there]["func_evals"]


@pytest.mark.parametrize("name", ["rosenbrock", "quadratic"])
def test_it_finds_the_minimum_and_says_so(name):
    function, start = PROBLEMS[name]
    p = start.copy()
    made, evaluate, latest, _ = method(function, p, tolerance_change=0.0)
    for _ in range(200):
        made.step(evaluate, latest)
        if made.ended is not None:
            break
    assert made.ended == "no element of the gradient is above 1e-07"
    np.testing.assert_allclose(p, np.ones_like(p) if name == "rosenbrock" else 0.0, atol=1e-6)
    before = p.copy()
    made.step(evaluate, latest)
    np.testing.assert_array_equal(p, before)


@pytest.mark.parametrize(
    ("curvature", "start", "rate", "options", "why"),
    [
        (1.0, 1.0, 0.5, {"tolerance_gradient": 0.6}, "no element of the gradient is above 0.6"),
        (1.0, 0.15, 0.5, {"tolerance_change": 0.01}, "the loss changed by less than 0.01"),
        (1e4, 1e-3, 5e-4, {"tolerance_change": 0.01}, "no parameter moved by more than 0.01"),
        (
            1.0,
            0.05,
            1.0,
            {"tolerance_change": 0.01},
            "the loss falls by less than 0.01 along the best direction",
        ),
    ],
)
def test_each_tolerance_ends_it_at_the_first_step(curvature, start, rate, options, why):
    p = np.array([start])
    made, evaluate, latest, _ = method(
        lambda p: (0.5 * curvature * np.sum(p**2), curvature * p), p, learning_rate=rate, **options
    )
    made.step(evaluate, latest)
    assert made.ended == why


def test_it_begins_at_a_minimum_and_stays():
    p = np.zeros(3)
    made, evaluate, latest, counter = method(quadratic, p)
    assert made.step(evaluate, latest) == (0.0,)
    assert made.ended == "no element of the gradient is above 1e-07"
    assert counter == [1]
    np.testing.assert_array_equal(p, 0.0)


def test_a_start_that_is_no_number_is_left_alone():
    p = np.array([2.0, 0.0])
    made, evaluate, latest, _ = method(barrier, p)
    assert not np.isfinite(made.step(evaluate, latest)[0])
    np.testing.assert_array_equal(p, [2.0, 0.0])
    assert made.ended is None


@pytest.mark.parametrize("rate", [1.0, 50.0, 1e6])
def test_a_trial_that_is_no_number_is_stepped_back_from(rate):
    p = np.array([0.99, -2.9, 0.3])
    made, evaluate, latest, _ = method(barrier, p, learning_rate=rate)
    losses = []
    for _ in range(60):
        losses += made.step(evaluate, latest)
        if made.ended is not None:
            break
    assert np.isfinite(losses).all()
    assert losses == sorted(losses, reverse=True)
    np.testing.assert_allclose(p, -1.0, atol=1e-4)


@pytest.mark.parametrize("most", [1, 2, 3, 25])
def test_evaluations_are_counted(most):
    function, start = PROBLEMS["rosenbrock"]
    p = start.copy()
    made, evaluate, latest, counter = method(function, p, max_evaluations=most, learning_rate=40.0)
    made.step(evaluate, latest)
    for _ in range(20):
        before = counter[0]
        loss = function(p)[0]
        made.step(evaluate, latest)
        assert counter[0] - before <= most
        assert function(p)[0] <= loss


def test_it_resumes_bit_for_bit():
    function, start = PROBLEMS["rosenbrock"]
    whole, part = start.copy(), start.copy()
    made, evaluate, latest, _ = method(function, whole, history=3)
    optimizer = OPTIMIZERS.validate({"type": "lbfgs", "history": 3})
    first, again, there, _ = method(function, part, history=3)
    slots = first._slots
    for number in range(25):
        made.step(evaluate, latest)
        if number in (0, 1, 4, 11):
            # Another method, over copies of what the first had.
            state, kept = first.state(), {name: array.copy() for name, array in slots.items()}
            first = optimizer.method(part, kept)
            first.resume(state)
            slots = kept
        first.step(again, there)
        assert part.tobytes() == whole.tobytes()
    assert isinstance(first, LimitedMemoryBFGS)
