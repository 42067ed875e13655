"""Functions with a minimum, and their gradients."""

from __future__ import annotations

import numpy as np


def rosenbrock(p):
    a, b = p[:-1], p[1:]
    loss = np.sum(100.0 * (b - a**2) ** 2 + (1.0 - a) ** 2)
    g = np.zeros_like(p)
    g[:-1] = -400.0 * a * (b - a**2) - 2.0 * (1.0 - a)
    g[1:] += 200.0 * (b - a**2)
    return loss, g
