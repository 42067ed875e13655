"""The system's own lock on an open file, which ends with the process that holds it."""

from __future__ import annotations

import errno
import sys

_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""What file systems answer that know no locks; there, nothing guards a run's directory."""


if sys.platform == "win32":
    import msvcrt

    def take(file: int) -> None:
        """Lock an open file for this process alone; raises BlockingIOError where another holds it."""
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError from error

else:
    import fcntl

    def take(file: int) -> None:
        """Lock an open file for this process alone; raises BlockingIOError where another holds it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
