from __future__ import annotations

from specnet.diagnostics.codes.code import Code

_DIGITS = '[data]\ntype = "builtin"\nname = "digits"\n'
_IMAGES = '[[data.transforms]]\ntype = "reshape"\nshape = [8, 8, 1]\n'
_FLIP = '[[data.augmentations]]\ntype = "flip"\n'
_CLASSES = 'loss = "cross_entropy"\n[[layers]]\ntype = "flatten"\n[[layers]]\ntype = "dense"\nunits = 10\n'
_TWO = (
    '[[data.transforms]]\ntype = "scale"\nfactor = 0.00392156862745098\n[[layers]]\ntype = "flatten"\n'
    '[[layers]]\ntype = "dense"\nunits = 2\n[loss]\ntype = "cross_entropy"\n'
)
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
        "and a mean of numbers a number; a loss that reads each target as one of two makes no sense of it, nor does "
        "one of embeddings, which compares rows by their classes. Targets of several outputs are not mixed either.",
        f'loss = "hinge"\n{_MOONS}',
        f'loss = "binary_cross_entropy"\n{_MOONS}',
    ),
    Code(
        "SN582",
        "data need an extra that is not installed",
        "Some kinds of data are read by libraries that specnet itself does not need. Extras bring them: "
        "`images` brings Pillow, which decodes images, and `parquet` pyarrow, which reads Parquet files. The "
        "finding names the command that adds the extra to the installation at hand.",
    ),
    Code(
        "SN583",
        "a folder of images is not one of classes",
        "Images lie in a folder for each class, which lie in the folder that the document names, and nothing "
        "else lies there: an image beside them would be of no class, and a class without images teaches nothing.",
        '[data]\ntype = "images"\npath = "pictures/cat"\nsize = [8, 8]\n' + _TWO,
        '[data]\ntype = "images"\npath = "pictures"\nsize = [8, 8]\n' + _TWO,
        files=(("pictures/cat/1.png", "<an image>"), ("pictures/dog/2.png", "<another one>")),
    ),
    Code(
        "SN584",
        "an image cannot be read",
        "The file is no PNG or JPEG, is damaged or cut off, holds something else than its name says, or tells of "
        "more pixels than are decoded. The beginning of each image is looked at before anything is read; what "
        "lies behind it, when all are.",
        '[data]\ntype = "images"\npath = "torn"\nsize = [8, 8]\n' + _TWO,
        '[data]\ntype = "images"\npath = "pictures"\nsize = [8, 8]\n' + _TWO,
        files=(
            ("torn/cat/1.png", "These are no pixels.\n"),
            ("pictures/cat/1.png", "<an image>"),
            ("pictures/dog/2.png", "<another one>"),
        ),
    ),
)
