from specnet.vocabulary.layers.basic import Activation, Dropout
from specnet.vocabulary.layers.dense import Dense
from specnet.vocabulary.layers.layer import LAYERS, Layer
from specnet.vocabulary.layers.shaping import Flatten, Reshape

LAYERS.add(Dense, Activation, Dropout, Flatten, Reshape)

__all__ = ["LAYERS", "Activation", "Dense", "Dropout", "Flatten", "Layer", "Reshape"]
