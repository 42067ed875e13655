from __future__ import annotations

from specnet.diagnostics.codes.code import Code

_HOUSES = "".join(
    f"{rooms},{area},{rooms + area / 100}\n" for rooms, area in ((1, 200), (2, 900), (3, 650), (5, 1400))
)
_TABLE = '[data]\ntype = "csv"\npath = "{}"\ntarget = "price"\n'
_STANDARD = '[[data.transforms]]\ntype = "standardize"\n'
_INLINE = '[data]\ntype = "inline"\ninputs = {}\ntargets = {}\n'
_PEOPLE = "number,age,group,member\n" + "".join(
    f"{row},{(7 * row) % 31 / 10},{'ab'[row % 3 == 0]},{('no', 'yes')[row % 3 == 0]}\n"
    for row in range(1, 22)
)
_GROUPS = '[data]\ntype = "csv"\npath = "people.csv"\ntarget = "member"\nfeatures = [{}]\n'
_POINTS = "a,b,y\n" + "".join(
    f"{(37 * row) % 101 / 50},{(53 * row) % 97 / 50},{row % 7}\n" for row in range(90)
)
_MEASURED = '[data]\ntype = "csv"\npath = "points.csv"\ntarget = "y"\n'
_TESTED = _MEASURED + '[data.test]\npath = "{}"\n'
_BINARY = "loss = {}\n" + _INLINE.format([[i / 30] for i in range(30)], [int(i == 29) for i in range(30)])
_TWO = '[[layers]]\ntype = "dense"\nunits = 2\n'
_THREE = '[[layers]]\ntype = "dense"\nunits = 3\n'

HABITS_OF_DATA = (
    Code(
        "SN740",
        "inputs of very different scales",
        "Some columns vary a hundred times as much as others. The learning rate that suits the weights of one "
        "hardly moves those of the other, and initial weights are made for inputs that are alike.",
        _TABLE.format("houses.csv"),
        _TABLE.format("houses.csv") + _STANDARD,
        files=(("houses.csv", "rooms,area,price\n" + _HOUSES),),
    ),
    Code(
        "SN741",
        "large inputs",
        "Initial weights keep the size of what passes through them, for inputs of about 1. Bytes of images and "
        "amounts of money are far from it: sums saturate a sigmoid, and gradients are as many times too large.",
        _INLINE.format([[120.0], [255.0], [64.0]], [0.2, 0.9, 0.4]),
        _INLINE.format([[120.0], [255.0], [64.0]], [0.2, 0.9, 0.4]) + _STANDARD,
    ),
    Code(
        "SN742",
        "a column that is the same in every row",
        "Nothing can be learnt from it, and where new rows differ in it the model answers by its initial "
        "weights. It was left over by a filter, or its values were lost.",
        _INLINE.format([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], [0.0, 0.5, 2.0]),
        _INLINE.format([[0.0], [1.0], [2.0]], [0.0, 0.5, 2.0]),
    ),
    Code(
        "SN743",
        "a target that is the same in every row",
        "There is nothing to learn: a model that always gives this value is perfect. Another column was meant, "
        "or the rows were filtered by the target.",
        _INLINE.format([[0.0], [1.0], [2.0]], [1.0, 1.0, 1.0]),
        _INLINE.format([[0.0], [1.0], [2.0]], [1.0, 0.0, 1.5]),
    ),
    Code(
        "SN744",
        "the target among the features",
        "A column has the target's values, or a name of its own for each of its classes, in every row. The model "
        "copies it, looks perfect, and fails where the column is not known yet.",
        'loss = "cross_entropy"\n' + _TWO + _GROUPS.format('"age", "group"'),
        'loss = "cross_entropy"\n' + _TWO + _GROUPS.format('"age"'),
        files=(("people.csv", _PEOPLE),),
    ),
    Code(
        "SN745",
        "rows of one split in another",
        "Rows that are learnt from are known by heart, and a split that repeats them says too much good of the "
        "model. It is reported above one row in a hundred, and where equal rows are no chance.",
        _TESTED.format("points.csv"),
        _TESTED.format("others.csv"),
        files=(("points.csv", _POINTS), ("others.csv", "a,b,y\n0.31,0.62,2\n1.73,0.11,5\n")),
    ),
    Code(
        "SN746",
        "a rare class that is not weighed",
        "One class has over ten times the rows of another. Naming the common one everywhere is then right in "
        "most rows, and what training goes for first. Weights make a rare row count as much as it should.",
        _BINARY.format('"binary_cross_entropy"'),
        _BINARY.format('{ type = "binary_cross_entropy", positive_weight = 29.0 }'),
    ),
    Code(
        "SN747",
        "a column that numbers the rows",
        "A column of row numbers, or of text that is another in each row, tells rows apart and nothing else. A "
        "model can learn the training rows by heart from it, and it says nothing of new ones.",
        'loss = "cross_entropy"\n' + _TWO + _GROUPS.format('"number", "age"') + _STANDARD,
        'loss = "cross_entropy"\n' + _TWO + _GROUPS.format('"age"') + _STANDARD,
        files=(("people.csv", _PEOPLE),),
    ),
    Code(
        "SN748",
        "class indices that no row has",
        "Whole-number targets are class indices from 0 up. Where the labels start from 1, or leave numbers out, "
        "the model is given outputs for classes that there are not.",
        'loss = "cross_entropy"\n' + _THREE + _INLINE.format([[0.0], [1.0], [2.0]], [1, 2, 1]),
        'loss = "cross_entropy"\n' + _TWO + _INLINE.format([[0.0], [1.0], [2.0]], [0, 1, 0]),
    ),
    Code(
        "SN799",
        "a comment that ignores nothing",
        "`# specnet: ignore[SN701]` passes over that warning on its own line, or on the next one if it has a line "
        "to itself. Once the warning is gone, the comment would only hide the next one.",
        "seed = 3  # specnet: ignore[SN701]\n",
        "seed = 3\n",
    ),
)
