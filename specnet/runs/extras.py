from __future__ import annotations

import importlib
from typing import Any

from specnet.diagnostics import RunError


def needed(module: str, extra: str, what: str) -> Any:
    """Return a module that an extra brings; raises RunError naming the extra where it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise RunError(
            f"{what} needs {error.name}, which the extra `{extra}` brings: pip install 'specnet[{extra}]'"
        ) from None
