from __future__ import annotations

from specnet.data.augmentation import Augmentation
from specnet.vocabulary.family import Family

AUGMENTATIONS: Family[Augmentation] = Family(
    "augmentation",
    Augmentation,
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

__getattr__ = AUGMENTATIONS.exported
