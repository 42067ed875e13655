"""The rules that turn gradients into steps."""

from specnet.vocabulary.optimizers.adadelta import Adadelta
from specnet.vocabulary.optimizers.adagrad import Adagrad
from specnet.vocabulary.optimizers.adam import Adam, AdamW
from specnet.vocabulary.optimizers.lion import Lion
from specnet.vocabulary.optimizers.nadam import NAdam
from specnet.vocabulary.optimizers.optimizer import OPTIMIZERS, Optimizer
from specnet.vocabulary.optimizers.rmsprop import RMSProp
from specnet.vocabulary.optimizers.sgd import SGD

OPTIMIZERS.add(SGD, Adam, AdamW, NAdam, RMSProp, Adagrad, Adadelta, Lion)

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Lion",
    "NAdam",
    "Optimizer",
    "RMSProp",
]
