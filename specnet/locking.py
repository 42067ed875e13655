"""Locks for `with` statements."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

_RLock: Any = type(threading.RLock())


class _SafeLock(_RLock):  # type: ignore[misc]  # its type has no public name
    """A lock that Ctrl-C does not leave held where a `with` statement begins.

    Python 3.14, and no other, looks for signals between `__enter__` and the body. What raises there, as the handler of
    SIGINT does, keeps `__exit__` from being called. Debuggers, which trace each line, may still see it left held.
    """

    def __enter__(self) -> bool:
        depth = self._recursion_count()
        try:
            return bool(self.acquire())
        except BaseException:
            if self._recursion_count() > depth:
                self.release()
            raise


if TYPE_CHECKING:
    Lock = threading.RLock
else:
    Lock = _SafeLock if sys.version_info[:2] == (3, 14) else threading.RLock
"""A lock that a thread may take again while it holds it, as a signal handler does in the middle of what holds it."""
