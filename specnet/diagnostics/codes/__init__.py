"""What each code means, why it matters, and an example of it: the register that `specnet rule` prints."""

from __future__ import annotations

from specnet.diagnostics.codes.code import Code
from specnet.diagnostics.codes.data import DATA
from specnet.diagnostics.codes.habits_data import HABITS_OF_DATA
from specnet.diagnostics.codes.habits_network import HABITS_OF_NETWORKS
from specnet.diagnostics.codes.habits_training import HABITS_OF_TRAINING
from specnet.diagnostics.codes.images import IMAGES
from specnet.diagnostics.codes.language import LANGUAGE
from specnet.diagnostics.codes.network import NETWORK
from specnet.diagnostics.codes.syntax import SYNTAX
from specnet.diagnostics.codes.tables import TABLES
from specnet.diagnostics.codes.training import TRAINING

_HABITS = (HABITS_OF_NETWORKS, HABITS_OF_TRAINING, HABITS_OF_DATA)
_FAMILIES = (SYNTAX, LANGUAGE, NETWORK, TABLES, DATA, IMAGES, TRAINING, *_HABITS)

CODES: dict[str, Code] = {code.code: code for family in _FAMILIES for code in family}
"""Every code by its name; the first digit is the phase that finds it."""

PHASES = {
    "SN1": "syntax",
    "SN2": "language",
    "SN3": "graph",
    "SN4": "shapes and types",
    "SN5": "data",
    "SN6": "training settings",
    "SN7": "style and likely mistakes",
}
"""What each hundred of codes is about; those of SN7 are warnings."""

__all__ = ["CODES", "PHASES", "Code"]
