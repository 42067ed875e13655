"""What every exported program is made of: its head, its arrays, its functions."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np

from specnet._version import __version__
from specnet.engines.numpy.names import SOURCES, Names
from specnet.interchange.numpy.layout import literal

Array = np.ndarray[Any, Any]

SHOWN = 120
"""Numbers, of parameters or of data, up to which a program holds them itself, where it may have a file beside it."""

MAXIMUM = 5000
"""Numbers up to which a program without a file beside it holds them itself."""

_DTYPE = re.compile(r"(?<![.\w])dtype\b(?!=)")
"""Where a function names the program's dtype."""


@dataclass(frozen=True, slots=True)
class Written:
    """A program, and the arrays of the `.npz` that lies beside it."""

    text: str
    arrays: dict[str, Array]


@dataclass
class Program:
    """A program as it is being written."""

    title: str
    dtype: str
    beside: str | None
    """The name of the file beside it; None where there can be none."""
    names: Names = field(
        default_factory=lambda: Names(
            (
                "stored",
                "dtype",
                "predict",
                "predict_with_intervals",
                "rows",
                "generate",
                "after",
                "vocabulary",
            )
        )
    )
    arrays: dict[str, Array] = field(default_factory=dict)
    helpers: set[str] = field(default_factory=set)
    """The sources of the functions of ops that it calls."""
    values: list[str] = field(default_factory=list)
    functions: list[list[str]] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    modules: set[str] = field(default_factory=set)
    """The modules of the standard library that it needs beside pathlib."""
    prefix: str = ""
    """What the names of its arrays begin with in the file beside it."""
    members: list[Program] = field(default_factory=list)
    """What was written into functions of their own, with their arrays."""

    def hold(self, arrays: dict[str, Array], heading: str) -> None:
        """Give arrays their names, by value where they are small."""
        if not arrays:
            return
        total = sum(array.size for array in arrays.values())
        self.values += ["", f"# {heading}"]
        for name, array in arrays.items():
            if total <= SHOWN or self.beside is None:
                self.values.append(with_shape(f"{name} = {literal(array, str(array.dtype))}", array.shape))
            else:
                self.arrays[self.prefix + name] = array
                self.values.append(with_shape(f'{name} = stored["{self.prefix}{name}"]', array.shape))

    @property
    def size(self) -> int:
        """How many numbers are written out in it."""
        return sum(line.count(",") for line in self.values) + sum(member.size for member in self.members)

    def written(self) -> Written:
        """Return the whole."""
        lines = [f'"""{self.title}, written by specnet {__version__}."""', ""]
        helpers = [source.split("\n") for source in SOURCES if source in self.helpers]
        functions = [*helpers, *self.functions]
        called = chain(self.body, *functions)
        modules = self.modules | ({"math"} if any("math." in line for line in called) else set())
        lines += [f"import {module}" for module in sorted(modules)]
        if self.arrays:
            lines.append("from pathlib import Path")
        lines += ([""] if len(lines) > 2 else []) + ["import numpy as np"]
        if any(_DTYPE.search(source) for source in self.helpers):
            lines += ["", f"dtype = np.{self.dtype}"]
        if self.arrays:
            lines += ["", f"stored = np.load(Path(__file__).with_name({json.dumps(self.beside)}))"]
        lines += self.values
        for function in functions:
            lines += ["", "", *function]
        if self.body:
            lines += ["", "", *self.body]
        return Written("\n".join(lines) + "\n", self.arrays)


def with_shape(line: str, shape: tuple[int, ...]) -> str:
    """Return an assignment with its array's shape in a comment."""
    if "\n" in line or not shape or len(line) > 100:
        return line
    inner = ", ".join(map(str, shape))
    return f"{line}  # ({inner},)" if len(shape) == 1 else f"{line}  # ({inner})"
