from __future__ import annotations

from specnet.diagnostics.codes.code import Code

_MADE = '[data]\ntype = "synthetic"\nkind = "sine"\nsamples = 100\n'
_MANY = '[data]\ntype = "synthetic"\nkind = "sine"\nsamples = 100000\n'
_SPLIT = _MADE + "[data.split]\nvalidation = 0.2\n"
_OPTIMIZER = '[training.optimizer]\ntype = "adam"\nlearning_rate = {}\n'
_STOPPING = "[training]\nepochs = 20\n[training.early_stopping]\npatience = {}\n"
_MONITOR = '[training.early_stopping]\npatience = 5\nmonitor = "{}"\n'

HABITS_OF_TRAINING = (
    Code(
        "SN720",
        "a schedule is longer than the training",
        "The rate changes after the last step: a warm-up does not end, a milestone, a first step down or a "
        "restart is not reached, or a plateau is longer than there are validations. Often the epochs were made "
        "fewer, and the schedule was not.",
        _MADE + '[training]\nepochs = 10\n[training.schedule]\ntype = "multistep"\nmilestones = [5, 30]\n',
        _MADE + '[training]\nepochs = 40\n[training.schedule]\ntype = "multistep"\nmilestones = [5, 30]\n',
    ),
    Code(
        "SN721",
        "a learning rate orders away from those in use",
        "What is a usual rate depends on the optimizer: `sgd` multiplies the gradient by it, while with `adam` "
        "and its like it is about how far each parameter goes in a step.",
        _OPTIMIZER.format(2.0),
        _OPTIMIZER.format(0.002),
    ),
    Code(
        "SN722",
        "a batch larger than the training split",
        "The batch is never full: each step takes the whole split, and an epoch is one step. Where that is "
        'meant, `batch_size = "full"` says so, and lets the plan keep the rows in place.',
        _MADE + "[training]\nbatch_size = 256\n",
        _MADE + "[training]\nbatch_size = 25\n",
    ),
    Code(
        "SN723",
        "more batches to a step than an epoch has",
        "A step never gets the batches that `accumulate` asks for: an epoch ends before, and its last step is "
        "made of those that there are.",
        _MADE + "[training]\nbatch_size = 50\naccumulate = 8\n",
        _MADE + "[training]\nbatch_size = 25\naccumulate = 2\n",
    ),
    Code(
        "SN724",
        "early stopping that waits longer than the training lasts",
        "As many validations as `patience` says must pass without getting better before it acts, and the "
        "training has no more than that.",
        _SPLIT + _STOPPING.format(20),
        _SPLIT + _STOPPING.format(5),
    ),
    Code(
        "SN725",
        "validations further apart than the training is long",
        "The only validation is that at the end, so nothing shows how the training went on.",
        _SPLIT + "[training]\nepochs = 10\nvalidate_every = 50\n",
        _SPLIT + "[training]\nepochs = 10\nvalidate_every = 5\n",
    ),
    Code(
        "SN726",
        "early stopping by the training split",
        "Early stopping is there to end a training before the model learns its rows by heart, and the training "
        "split's own loss falls on while it does. What it watches is measured on other rows.",
        _SPLIT + _MONITOR.format("train.loss"),
        _SPLIT + _MONITOR.format("validation.loss"),
    ),
    Code(
        "SN727",
        "a sum of very many costs in float32",
        'With `reduction = "sum"` the gradient grows with the batch, and a rate that suits a hundred rows is a '
        "hundred times too large for ten thousand. The sum's own last digits are lost in float32 besides.",
        'loss = { type = "mse", reduction = "sum" }\n' + _MANY + '[training]\nbatch_size = "full"\n',
        'loss = { type = "mse", reduction = "mean" }\n' + _MANY + '[training]\nbatch_size = "full"\n',
    ),
)
