from specnet.data.transform import TRANSFORMS, Transform, Unfit
from specnet.data.transforms.fixed import Flatten, OneHot, Reshape, Scale
from specnet.data.transforms.statistics import MinMax, Standardize

__all__ = [
    "TRANSFORMS",
    "Flatten",
    "MinMax",
    "OneHot",
    "Reshape",
    "Scale",
    "Standardize",
    "Transform",
    "Unfit",
]

TRANSFORMS.add(Standardize, MinMax, Scale, Flatten, Reshape, OneHot)
