from __future__ import annotations

from specnet.diagnostics.codes.code import Code

_DIGITS = '[data]\ntype = "builtin"\nname = "digits"\n'
_IMAGES = '[[data.transforms]]\ntype = "reshape"\nshape = [8, 8, 1]\n'
_FLIP = '[[data.augmentations]]\ntype = "flip"\n'
_CLASSES = 'loss = "cross_entropy"\n[[layers]]\ntype = "flatten"\n[[layers]]\ntype = "dense"\nunits = 10\n'
_MOONS = '[data]\ntype = "synthetic"\nkind = "moons"\n[[data.augmentations]]\ntype = "mixup"\n'

IMAGES = (
    Code(
        "SN580",
        "an augmentation does not fit the inputs' shape",
        "Augmentations act on what the network sees, after all transforms. Those of images need inputs (height, "
        "width) or (height, width, channels), and have to leave something of them.",
        f"{_CLASSES}{_DIGITS}{_FLIP}",
        f"{_CLASSES}{_DIGITS}{_IMAGES}{_FLIP}",
    ),
    Code(
        "SN581",
        "an augmentation mixes targets that the loss needs whole",
        "`mixup` trains on means of two rows and of their targets. A mean of classes is a row of probabilities, "
        "and a mean of numbers a number; a loss that reads each target as one of two makes no sense of it.",
        f'loss = "hinge"\n{_MOONS}',
        f'loss = "binary_cross_entropy"\n{_MOONS}',
    ),
)
