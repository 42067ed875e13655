from __future__ import annotations

from specnet.diagnostics.codes.code import Code

TRAINING = (
    Code(
        "SN602",
        "no batch is left to train on",
        "`drop_last` leaves a last batch out that is smaller than the others, and the whole training split is "
        "smaller than one batch.",
        "[training]\nbatch_size = 5\ndrop_last = true\n",
        "[training]\nbatch_size = 2\ndrop_last = true\n",
    ),
    Code(
        "SN603",
        "a value that is to be watched is not measured",
        "Early stopping, some schedules and checkpoints watch a value of a split, such as `validation.loss`. "
        "Measured while training are the validation split's loss and metrics, and `train.loss`.",
        '[training.early_stopping]\nmonitor = "validation.accuracy"\n',
        '[training.early_stopping]\nmonitor = "train.loss"\n',
    ),
    Code(
        "SN604",
        "the validation split that is to be watched is not there",
        "What stops a training early must be measured on rows that it does not learn from: give the data a "
        "validation split, or watch `train.loss` to stop where learning ends.",
        "[training.early_stopping]\npatience = 3\n",
        '[training.early_stopping]\npatience = 3\nmonitor = "train.loss"\n',
    ),
    Code(
        "SN605",
        "the training needs more memory than there is",
        "Parameters, their gradients, what the optimizer keeps, the data and all that passes between layers are "
        "counted to the byte before anything is allocated. A number too many in `units` is found at once, "
        "instead of by a machine that stops answering.",
        '[[layers]]\ntype = "dense"\nunits = 1000000000000\n[[layers]]\ntype = "dense"\nunits = 1\n',
        '[[layers]]\ntype = "dense"\nunits = 100\nactivation = "relu"\n[[layers]]\ntype = "dense"\nunits = 1\n',
    ),
    Code(
        "SN606",
        "an optimizer that searches sees a part of the rows",
        "`lbfgs` compares losses along a line to find how far to go. Losses of different rows say nothing about each "
        "other, so each step must see the whole training split.",
        '[training]\nbatch_size = 16\noptimizer = "lbfgs"\n',
        '[training]\nbatch_size = "full"\noptimizer = "lbfgs"\n',
    ),
    Code(
        "SN607",
        "an optimizer that searches meets a layer, or rows, that are never the same",
        "`lbfgs` compares losses along a line. A layer that draws random numbers in training, such as `dropout`, gives "
        "another loss at the same place, and one that keeps running statistics would count each trial for a step. "
        "Augmentations change the rows from step to step, and so the slopes that it learns the curvature from.",
        '[[layers]]\ntype = "dense"\nunits = 4\n[[layers]]\ntype = "dropout"\nrate = 0.5\n[[layers]]\n'
        'type = "dense"\nunits = 1\n[training]\nbatch_size = "full"\noptimizer = "lbfgs"\n',
        '[[layers]]\ntype = "dense"\nunits = 4\nactivation = "tanh"\n[[layers]]\n'
        'type = "dense"\nunits = 1\n[training]\nbatch_size = "full"\noptimizer = "lbfgs"\n',
    ),
    Code(
        "SN608",
        "an option that the optimizer has no use for",
        "`lbfgs` measures how far each step goes. What else would say so (a schedule of the learning rate, a rate of a "
        "layer's own, a clipped gradient) has no effect, or spoils what the search has found; and there is no chance "
        "in its steps for `ema_decay` to average.",
        '[training]\nbatch_size = "full"\noptimizer = "lbfgs"\nclip_norm = 1.0\n',
        '[training]\nbatch_size = "full"\noptimizer = "lbfgs"\n',
    ),
    Code(
        "SN609",
        "there is no run to start from",
        "`init_from` names the directory of a finished run, or a file that `specnet export --to specnet` wrote.",
        '[training]\ninit_from = "runs/nothing/001"\n',
        "[training]\nepochs = 3\n",
    ),
    Code(
        "SN610",
        "the parameters of a run do not fit",
        "Layers start from a run by their names, and their parameters have the same shapes there and here. Where a "
        "network has another last layer than the run, `layers` names those that start from it.",
    ),
    Code(
        "SN620",
        "the training has no steps",
        "A schedule says how the learning rate goes from the first step to the last, and there is none.",
    ),
    Code(
        "SN621",
        "a learning rate is to fall to more than it is",
        "A schedule's lowest rate lies above the optimizer's learning rate, which it is to fall from.",
        '[training]\noptimizer = { type = "sgd", learning_rate = 0.01 }\n'
        '[training.schedule]\ntype = "cosine"\nminimum = 0.1\n',
        '[training]\noptimizer = { type = "sgd", learning_rate = 0.01 }\n'
        '[training.schedule]\ntype = "cosine"\nminimum = 0.001\n',
    ),
)
