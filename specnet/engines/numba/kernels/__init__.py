"""Kernels of ops that are not element-wise, as compiled functions."""

from __future__ import annotations

from typing import Any

FUNCTIONS: dict[str, Any] = {}
"""Functions by the names and with the arguments that they have in `specnet.engines.numpy.functions`.

What is not in the table is NumPy's.
"""
