"""What is known of the import of a plugin by those who are called meanwhile, or who surround it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Any

IMPORTING: ContextVar[str | None] = ContextVar("IMPORTING", default=None)
"""The distribution whose plugin this thread imports: what it registers meanwhile is the plugin's."""

AROUND: ContextVar[Callable[[], AbstractContextManager[Any]]] = ContextVar("AROUND", default=nullcontext)
"""What surrounds an import: in this way the command line keeps standard output for results."""
