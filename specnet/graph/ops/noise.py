"""Ops that draw at random, each from a stream of its own."""

from __future__ import annotations

from typing import Any

from specnet.graph.graph import Value
from specnet.graph.op import Op
from specnet.runtime.shapes import Count, DType, Shape


def _infer_drawn(inputs: tuple[Value, ...], attributes: dict[str, Any]) -> tuple[Shape, DType]:
    return attributes.get("shape", inputs[0].shape), inputs[0].dtype


keep_mask = Op(
    "keep_mask",
    _infer_drawn,
    "draw_uniform({stream}, {s})\ngreater_equal({s}, {rate}, {s2})\n"
    "copyto({o}, {s2})\nmultiply({o}, {scale}, {o})",
    lambda *_, **__: (None,),
    random=True,
    flops=lambda value: value.count * Count(2),
    scratch=lambda value: [(value.shape, "float32"), (value.shape, "bool")],
)
"""0 with probability `rate`, else `scale`, drawn from `stream`; shaped like its input, or `shape`."""

normal_noise = Op(
    "normal_noise",
    _infer_drawn,
    "draw_normal({stream}, {o})\nmultiply({o}, {stddev}, {o})",
    lambda *_, **__: (None,),
    random=True,
    flops=lambda value: value.count * Count(2),
)
"""Numbers from a normal distribution of mean 0 and `stddev`, drawn from `stream`; shaped like its input."""
