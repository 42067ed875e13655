from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Self


class Terminated(BaseException):
    """The process was asked to end, and there is nothing to save."""


class Interrupts:
    """Takes SIGINT and SIGTERM as a wish to end in good order, while there is something to be saved.

    The first signal makes `stop` true, so that the training ends after the step that is under way; a second
    one, or any while nothing has been learnt yet (`armed` is false), ends at once by KeyboardInterrupt or
    Terminated.
    """

    def __init__(self) -> None:
        self.armed = False
        self.received: int | None = None
        self._before: dict[int, object] = {}

    def stop(self) -> bool:
        """Return whether a signal has come."""
        return self.received is not None

    @property
    def code(self) -> int:
        """The exit status that the signal asks for: 130 or 143."""
        return 128 + (self.received or signal.SIGINT)

    def __enter__(self) -> Self:
        # Only the main thread may set handlers; elsewhere signals are not this program's affair.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.armed and self.received is None:
            self.received = number
            return
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt
