from __future__ import annotations

from specnet.diagnostics.codes.code import Code

_IRIS = '[data]\ntype = "builtin"\nname = "iris"\n[[data.transforms]]\ntype = "standardize"\n'
_DENSE = '[[layers]]\ntype = "dense"\nunits = {}\n'
_ACTIVE = '[[layers]]\ntype = "dense"\nunits = {}\nactivation = "{}"\n'
_CLASSES = 'loss = "cross_entropy"\n'
_DROPOUT = '[[layers]]\ntype = "dropout"\nrate = {}\n'
_ROWS = '[data]\ntype = "inline"\ninputs = [[0.0], [1.0], [2.0]]\ntargets = {}\n'

HABITS_OF_NETWORKS = (
    Code(
        "SN701",
        "softmax before a loss that compares numbers",
        "The gradient of a squared error through softmax all but vanishes where the network is surely wrong, so "
        "that learning stalls just there. `cross_entropy` was made for softmax; for amounts, the last layer is "
        "linear.",
        _ACTIVE.format(2, "softmax")
        + '[data]\ntype = "inline"\ninputs = [[0.0], [1.0]]\ntargets = [[0.0, 1.0], [1.0, 0.0]]\n',
        _DENSE.format(2)
        + '[data]\ntype = "inline"\ninputs = [[0.0], [1.0]]\ntargets = [[0.0, 1.0], [1.0, 0.0]]\n',
    ),
    Code(
        "SN702",
        "sigmoid before a loss that applies softmax",
        "`cross_entropy` takes the last layer's values for logits unless softmax made them. Those of a sigmoid "
        "lie between 0 and 1: of three classes none can then be given more than 58 %, however long the training.",
        _CLASSES + _IRIS + _ACTIVE.format(3, "sigmoid"),
        _CLASSES + _IRIS + _ACTIVE.format(3, "softmax"),
    ),
    Code(
        "SN703",
        "an activation on what a loss takes for logits",
        "A loss on logits applies softmax, a sigmoid or an exponential itself, and logits are to be any numbers. "
        "A `relu` before it makes all negative ones 0, with no gradient; a `tanh` keeps them within 1 of 0.",
        _CLASSES + _IRIS + _ACTIVE.format(3, "relu"),
        _CLASSES + _IRIS + _DENSE.format(3),
    ),
    Code(
        "SN704",
        "more outputs than classes",
        "Outputs that stand for no class cost time and take a share of the probability. Labels that were meant "
        "to start from 0 and start from 1 show here, too.",
        _CLASSES + _IRIS + _DENSE.format(4),
        _CLASSES + _IRIS + _DENSE.format(3),
    ),
    Code(
        "SN705",
        "softmax over a single value",
        "Softmax makes values add up to 1: of a single one it always makes 1, whatever the weights. A yes or no "
        "from one unit is what `sigmoid` gives.",
        _ACTIVE.format(1, "softmax") + _DENSE.format(1),
        _ACTIVE.format(1, "sigmoid") + _DENSE.format(1),
    ),
    Code(
        "SN706",
        "two activations in a row",
        "An activation on what another one gives, with no weights between, is hardly ever meant: a dense layer "
        "has been given an `activation`, and an activation layer besides. `relu` twice is `relu` once.",
        _ACTIVE.format(8, "relu")
        + '[[layers]]\ntype = "activation"\nactivation = "relu"\n'
        + _DENSE.format(1),
        _ACTIVE.format(8, "relu") + _DENSE.format(1),
    ),
    Code(
        "SN707",
        "two dense layers without an activation between",
        "A sum of sums is a sum: the two layers together can do no more than one, at the cost of two. A layer "
        "with fewer units than the next one is not reported, since it may be a map of low rank on purpose.",
        _DENSE.format(8) + _DENSE.format(1),
        _ACTIVE.format(8, "relu") + _DENSE.format(1),
    ),
    Code(
        "SN708",
        "dropout on the last layer",
        "What the last dropout sets to 0 is a prediction, and no layer after it can make up for that. It belongs "
        "before the last dense layer.",
        _DENSE.format(1) + _DROPOUT.format(0.2),
        _ACTIVE.format(8, "relu") + _DROPOUT.format(0.2) + _DENSE.format(1),
    ),
    Code(
        "SN709",
        "nearly everything is dropped",
        "`rate` is the share of elements that are set to 0, as in Keras and PyTorch. Early programs gave the "
        "share to keep, and 0.95 then meant the opposite.",
        _ACTIVE.format(8, "relu") + _DROPOUT.format(0.95) + _DENSE.format(1),
        _ACTIVE.format(8, "relu") + _DROPOUT.format(0.05) + _DENSE.format(1),
    ),
    Code(
        "SN710",
        "units that start the same",
        "Units with the same first weights get the same gradient in every step, and never become different: a "
        "layer of a hundred does what one does, and behind zeros nothing is learnt at all. The last layer may "
        "well start from zeros, since its outputs differ in their targets.",
        _ACTIVE.format(8, "tanh") + 'kernel_init = "zeros"\n' + _DENSE.format(1),
        _ACTIVE.format(8, "tanh") + _DENSE.format(1) + 'kernel_init = "zeros"\n',
    ),
    Code(
        "SN711",
        "classes taken for amounts",
        "The targets are three or more classes, and the loss measures distances: it takes the third class for "
        "twice the second, in an order that the alphabet made.",
        _IRIS + _DENSE.format(1),
        _CLASSES + _IRIS + _DENSE.format(3),
    ),
    Code(
        "SN712",
        "a metric of classes on amounts",
        "Accuracy and its like ask whether a value is above a threshold. Of targets that are amounts this says "
        "nothing, and may look perfect.",
        'metrics = ["accuracy"]\n' + _ROWS.format("[0.5, 7.25, 3.0]"),
        'metrics = ["rmse", "r2"]\n' + _ROWS.format("[0.5, 7.25, 3.0]"),
    ),
    Code(
        "SN713",
        "targets that the last activation cannot reach",
        "A sigmoid gives nothing above 1 and a relu nothing below 0. Where targets lie beyond, the model can only "
        "stay at the edge, where its gradient vanishes.",
        _ROWS.format("[0.5, 7.25, 3.0]") + _ACTIVE.format(1, "sigmoid"),
        _ROWS.format("[0.5, 7.25, 3.0]") + _DENSE.format(1),
    ),
    Code(
        "SN714",
        "large targets",
        "A network's outputs start near 0, and the gradient of a squared error grows with the distance: prices "
        "in the hundred thousands make `sgd` diverge, and `adam` walk for epochs. A transform on the targets "
        "cures it, and predictions and metrics are given in the data's own units all the same.",
        _ROWS.format("[120500.0, 310000.0, 98750.0]"),
        _ROWS.format("[120500.0, 310000.0, 98750.0]")
        + '[[data.transforms]]\ntype = "standardize"\non = "targets"\n',
    ),
    Code(
        "SN715",
        "a layer whose result goes nowhere",
        "A layer takes what the one before it gives, unless it names its `inputs`. Where it does, and no other layer "
        "names the one before, that one computes for nothing and its parameters are never fitted.",
        '[[layers]]\ntype = "dense"\nname = "stem"\nunits = 4\nactivation = "tanh"\n'
        '[[layers]]\ntype = "dense"\nname = "branch"\nunits = 4\nactivation = "tanh"\n'
        '[[layers]]\ntype = "dense"\ninputs = ["stem"]\nunits = 1\n',
        '[[layers]]\ntype = "dense"\nname = "stem"\nunits = 4\nactivation = "tanh"\n'
        '[[layers]]\ntype = "dense"\nname = "branch"\nunits = 4\nactivation = "tanh"\n'
        '[[layers]]\ntype = "add"\ninputs = ["stem", "branch"]\n'
        '[[layers]]\ntype = "dense"\nunits = 1\n',
    ),
    Code(
        "SN716",
        "dropout before batch_norm",
        "What dropout sets to 0 and scales up has a larger variance in training than in evaluation, where it does "
        "nothing. A batch_norm behind it remembers the variances of training, and is wrong in evaluation (Li et al., "
        "2019).",
        _DROPOUT.format(0.2) + '[[layers]]\ntype = "batch_norm"\n' + _DENSE.format(1),
        '[[layers]]\ntype = "batch_norm"\n' + _DROPOUT.format(0.2) + _DENSE.format(1),
    ),
)
