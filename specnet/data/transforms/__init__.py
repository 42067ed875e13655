from __future__ import annotations

from specnet.data.transform import Transform, TransformError
from specnet.vocabulary.family import Family

TRANSFORMS: Family[Transform] = Family(
    "transform",
    Transform,
    __name__,
    {
        "standardize": "statistics.Standardize",
        "minmax": "statistics.MinMax",
        "robust_scale": "robust.RobustScale",
        "scale": "fixed.Scale",
        "flatten": "fixed.FlattenTransform",
        "reshape": "fixed.ReshapeTransform",
        "one_hot": "fixed.OneHot",
        "log": "curves.Log",
        "log1p": "curves.Log1p",
        "sqrt": "curves.Sqrt",
        "power": "power.Power",
        "quantile": "quantile.Quantile",
        "clip": "curves.Clip",
        "smooth_clip": "robust.SmoothClip",
        "bin": "bins.Bin",
    },
)

CURVES = frozenset({"one_hot", "log", "log1p", "sqrt", "power", "quantile", "clip", "smooth_clip", "bin"})
"""Transforms that are more than a scale and an offset: figures of such targets are measured after the transforms."""

__all__ = [
    "CURVES",
    "TRANSFORMS",
    "Transform",
    "TransformError",
]

__getattr__ = TRANSFORMS.exported
