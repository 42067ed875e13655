"""Which engine executes plans: the one that was asked for, or NumPy."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Literal, get_args

from specnet.diagnostics.errors import RunError
from specnet.diagnostics.spelling import closest
from specnet.installation import install_command

Engine = Literal["numpy", "numba"]

ENGINES: tuple[Engine, ...] = get_args(Engine)

VARIABLE = "SPECNET_ENGINE"
"""The environment variable for the engine where a call does not give it."""


def known_engine(engine: str | None) -> Engine:
    """Return the engine that a call asks for, or else the environment; `numpy` where neither does.

    Raises ValueError for one that there is not.
    """
    name, given = (VARIABLE, os.environ.get(VARIABLE) or "numpy") if engine is None else ("`engine`", engine)
    if given in ENGINES:
        return given
    near = closest(str(given), ENGINES)
    hint = f'; did you mean "{near}"?' if near else ""
    raise ValueError(f"{name} must be {' or '.join(map(repr, ENGINES))}, not {given!r}{hint}")


def requested_engine(engine: str | None) -> Engine:
    """Return what `known_engine` does; raise RunError as well for an engine that is not installed."""
    found = known_engine(engine)
    if found == "numba" and find_spec("numba") is None:
        install = install_command("numba")
        chosen = f"{VARIABLE} is 'numba': " if engine is None else ""
        raise RunError(f"{chosen}the numba engine needs numba, which the extra `numba` installs: {install}")
    return found
