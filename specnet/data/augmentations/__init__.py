from __future__ import annotations

from typing import Any

from specnet.data.augmentation import Augmentation
from specnet.vocabulary.kind import Family

AUGMENTATIONS: Family[Augmentation] = Family(
    "augmentation",
    __name__,
    {
        "flip": "moves.Flip",
        "pad_crop": "moves.PadCrop",
        "shift": "moves.Shift",
        "rotate": "rotation.Rotate",
        "cutout": "cutout.Cutout",
        "mixup": "mixup.Mixup",
    },
)

__all__ = [
    "AUGMENTATIONS",
    "Augmentation",
]


def __getattr__(name: str) -> Any:
    """Return a kind's class, imported when it is first asked for."""
    return AUGMENTATIONS.exported(name)
