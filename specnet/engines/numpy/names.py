"""The names of variables in a readable program."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

from specnet.graph import ops  # noqa: F401 (ops enter themselves)
from specnet.graph.graph import OPS

SOURCES = list(dict.fromkeys(source for op in OPS.values() for source in op.helpers))
"""The functions that lines may call, in the order in which programs have them."""

_HELPERS = {source[4 : source.index("(")] for source in SOURCES}

_TAKEN = {*keyword.kwlist, *dir(builtins), "np", "math", *_HELPERS}


class Names:
    """Python names, each given once."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {*_TAKEN, *taken}
        self._numbers: dict[str, int] = {}
        """The last number that each name was given with."""

    def new(self, wish: str) -> str:
        """Return the name that is wished for, as Python can write it, with a number where it is taken."""
        name = re.sub(r"\W", "_", wish)
        name = f"_{name}" if not name or name[0].isdigit() else name
        chosen, number = name, self._numbers.get(name, 1)
        while chosen in self._taken:
            number += 1
            chosen = f"{name}_{number}"
        self._numbers[name] = number
        self._taken.add(chosen)
        return chosen
