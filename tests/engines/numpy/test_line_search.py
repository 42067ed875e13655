from __future__ import annotations

import numpy as np

from specnet.engines.numpy.line_search import CURVATURE, DECREASE, Line, Trial, strong_wolfe
from tests.support.minima import rosenbrock


def test_lengths_fulfil_the_conditions():
    rng = np.random.default_rng(0)
    for _ in range(50):
        p = rng.normal(size=4) * 2.0
        loss, g = rosenbrock(p)
        d = -g * rng.uniform(0.2, 1.0, 4)
        latest = np.empty(4)

        def evaluate(p=p, latest=latest):
            loss, latest[...] = rosenbrock(p)
            return (loss,)

        line = Line(p, d, np.empty(4), latest, np.empty((2, 4)), evaluate)
        start = Trial(0.0, loss, float(g @ d), g, (loss,))
        found = strong_wolfe(line, start, float(10.0 ** rng.uniform(-5, 2)), 60, 1e-12)
        assert found.loss <= loss + DECREASE * found.t * start.slope
        assert abs(found.slope) <= CURVATURE * abs(start.slope)
        line.go(found.t)
        value, gradient = rosenbrock(p)
        assert found.loss == value
        np.testing.assert_array_equal(found.gradient, gradient)
