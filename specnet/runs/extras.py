from __future__ import annotations

import importlib.util
from typing import Any

from specnet.diagnostics import RunError
from specnet.installation import Extra, install_command, library_command


def needed(module: str, extra: Extra, what: str) -> Any:
    """Return a module that an extra brings; raises RunError naming the extra where it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise RunError(
            f"{what} needs {error.name}, which the extra `{extra}` installs: {install_command(extra)}"
        ) from None


def needed_apart(module: str, what: str) -> None:
    """Raise RunError naming a package that no extra brings, for its size, where it is not installed."""
    if importlib.util.find_spec(module) is None:
        raise RunError(f"{what} needs {module}, which is too large for an extra: {library_command(module)}")
