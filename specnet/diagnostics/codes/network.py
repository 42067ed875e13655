from __future__ import annotations

from specnet.diagnostics.codes.code import Code

_STEM = (
    '[[layers]]\ntype = "dense"\nname = "stem"\nunits = 4\nactivation = "tanh"\n'
    '[[layers]]\ntype = "dense"\nname = "branch"\nunits = 4\nactivation = "tanh"\n'
)
_TABLE = '[data]\ntype = "csv"\npath = "flowers.csv"\ntarget = "kind"\n'
_SIZES = '[[layers]]\ntype = "dense"\ninputs = ["sizes"]\nunits = 1\n'
_END = '[[layers]]\ntype = "dense"\nunits = 1\n'

NETWORK = (
    Code(
        "SN301",
        "two layers have one name",
        "A layer's name leads to its parameters and its place in other layers' `inputs`, so it belongs to one "
        "layer. A layer without a name is called by its type and its place among its type, from 1: "
        "`dense_1`, `dense_2`.",
        '[[layers]]\ntype = "dense"\nname = "dense_2"\nunits = 4\n[[layers]]\ntype = "dense"\nunits = 1\n',
        '[[layers]]\ntype = "dense"\nname = "hidden"\nunits = 4\n[[layers]]\ntype = "dense"\nunits = 1\n',
    ),
    Code(
        "SN302",
        "two metrics have one name",
        "Results and logs give metrics by their names; of two that share one, only one would be seen.",
        'metrics = ["mae", "mse", "mae"]\n',
        'metrics = ["mae", "mse"]\n',
    ),
    Code(
        "SN303",
        "no layer before has this name",
        "`inputs` and `share` name layers that come before, by their own names or as they are counted: `dense_1`. "
        "`input` is what comes into the list of layers. The layers in a container are known in it alone; what it "
        "gives goes by the container's name.",
        _STEM + '[[layers]]\ntype = "add"\ninputs = ["stem", "brnch"]\n' + _END,
        _STEM + '[[layers]]\ntype = "add"\ninputs = ["stem", "branch"]\n' + _END,
    ),
    Code(
        "SN304",
        "a layer takes what comes after it",
        "Values flow from the first layer to the last: what a layer takes is there before it. Two layers that take "
        "each other's results would never begin.",
        '[[layers]]\ntype = "dense"\nunits = 4\ninputs = ["later"]\n[[layers]]\ntype = "dense"\nname = "later"\n'
        "units = 1\n",
        '[[layers]]\ntype = "dense"\nname = "later"\nunits = 4\n[[layers]]\ntype = "dense"\ninputs = ["later"]\n'
        "units = 1\n",
    ),
    Code(
        "SN305",
        "a layer takes another number of inputs",
        "Layers take one value, and those that merge take two or more. Values that are to go into one layer are "
        "joined first, by `concat`, `add` and the like.",
        _STEM + '[[layers]]\ntype = "dense"\ninputs = ["stem", "branch"]\nunits = 1\n',
        _STEM + '[[layers]]\ntype = "concat"\ninputs = ["stem", "branch"]\n' + _END,
    ),
    Code(
        "SN306",
        "a layer cannot share these parameters",
        "`share` names a layer of the same kind, and its parameters are used as they are: where they start and how "
        "they are fitted is said there.",
        _STEM + '[[layers]]\ntype = "dense"\nunits = 4\nshare = "branch"\nkernel_init = "zeros"\n' + _END,
        _STEM + '[[layers]]\ntype = "dense"\nunits = 4\nshare = "branch"\n' + _END,
    ),
    Code(
        "SN307",
        "a setting about parameters, and a layer without any",
        "`trainable`, `learning_rate_multiplier` and `share` are about a layer's parameters. On a layer that has "
        "none they would do nothing.",
        '[[layers]]\ntype = "dense"\nunits = 1\n[[layers]]\ntype = "flatten"\ntrainable = false\n',
        '[[layers]]\ntype = "dense"\nunits = 1\ntrainable = true\n[[layers]]\ntype = "flatten"\n',
    ),
    Code(
        "SN308",
        "there is nothing to train",
        "Training changes parameters, and no layer of the document has any that may change: none has parameters, or "
        "`trainable = false` holds for all of them.",
        '[[layers]]\ntype = "dense"\nunits = 1\ntrainable = false\n',
        '[[layers]]\ntype = "dense"\nunits = 1\n',
    ),
    Code(
        "SN309",
        "an input that the data do not have",
        "`[inputs.NAME]` takes columns of a table out of the data's inputs, by their names or, without a header, their "
        "places. A category's column brings all the elements that it is encoded as. Where `inputs` of npz data lists "
        "several arrays, `array` takes one of them, in its own shape.",
        _TABLE + '[inputs.sizes]\ncolumns = ["length", "widht"]\n' + _SIZES,
        _TABLE + '[inputs.sizes]\ncolumns = ["length", "width"]\n' + _SIZES,
        files=(("flowers.csv", "length,width,kind\n5.1,3.5,0\n4.9,3.0,0\n6.2,2.9,1\n5.9,3.2,1\n"),),
    ),
    Code(
        "SN401",
        "a layer or the loss cannot take the shape that it gets",
        "Shapes follow from the data through the layers. The message names the shape that arrives and what is "
        "wanted, and a second place shows where the shape comes from.",
        '[[layers]]\ntype = "dense"\nunits = 6\n[[layers]]\ntype = "reshape"\nshape = [2, 2]\n',
        '[[layers]]\ntype = "dense"\nunits = 4\n[[layers]]\ntype = "reshape"\nshape = [2, 2]\n'
        '[[layers]]\ntype = "flatten"\n[[layers]]\ntype = "dense"\nunits = 1\n',
    ),
    Code(
        "SN402",
        "the data are of another shape than `input_shape`",
        "`input_shape` pins the shape of one example, so that a document can be checked where its data are "
        "absent. Where the data are there, they have the last word.",
        "input_shape = [3]\n",
        "input_shape = [1]\n",
    ),
    Code(
        "SN411",
        "an initial value does not fill its parameter",
        "A `constant` initializer takes one number, or an array of exactly the parameter's shape: (in, units) "
        "for a dense kernel.",
        '[[layers]]\ntype = "dense"\nunits = 1\nkernel_init = { type = "constant", value = [[1.0, 2.0]] }\n',
        '[[layers]]\ntype = "dense"\nunits = 1\nkernel_init = { type = "constant", value = [[1.0]] }\n',
    ),
    Code(
        "SN412",
        "a metric does not fit the predictions",
        "A metric of classes needs probabilities of classes, and a metric of numbers needs numbers, of the "
        "shape of the targets.",
        'metrics = ["top_k"]\n',
        'metrics = ["mae"]\n',
    ),
    Code(
        "SN413",
        "the loss makes no sense of the targets",
        "The targets' values lie outside of what the loss is defined for: probabilities below 0 or above 1, "
        "say, or negative counts. It is found when all of the data are read, which `specnet run` does and "
        "`specnet validate` does not.",
    ),
)
