"""Which engine executes plans: the one that was asked for, or NumPy."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Literal, get_args

from specnet.diagnostics import RunError
from specnet.diagnostics.spelling import closest
from specnet.installation import install_command

Engine = Literal["numpy", "numba"]

ENGINES: tuple[Engine, ...] = get_args(Engine)

VARIABLE = "SPECNET_ENGINE"
"""The environment variable for the engine where a call does not give it."""


def requested_engine(engine: str | None) -> Engine:
    """Return the engine that a call asks for, or else the environment; `numpy` where neither does.

    Raises ValueError for one that there is not, and RunError for one that is not installed.
    """
    name, given = (VARIABLE, os.environ.get(VARIABLE) or "numpy") if engine is None else ("`engine`", engine)
    if given in ENGINES:
        if given == "numba" and find_spec("numba") is None:
            install = install_command("numba")
            raise RunError(f"the engine numba needs numba, which the extra `numba` installs: {install}")
        return given
    near = closest(str(given), ENGINES)
    known = " or ".join(f'"{each}"' for each in ENGINES)
    hint = f'; did you mean "{near}"?' if near else ""
    raise ValueError(f"{name} must be {known}, not {given!r}{hint}")
