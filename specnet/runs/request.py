"""What a caller asks of a run besides its document and data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from specnet.engines.ranks import Ranks
    from specnet.runs.compiling import Warned
    from specnet.training.events import Event, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """Where a run is saved, when it stops, and what gets its events, as in `specnet.run`.

    Raises ValueError where more than one place is named.
    """

    out: str | PathLike[str] | None = None
    folder: str | PathLike[str] | None = None
    resume: str | PathLike[str] | None = None
    stop: Callable[[], bool] | None = None
    listener: Callable[[Event | Span], None] | None = None
    warned: Warned | None = None
    threads: int | None = None
    engine: str | None = None
    distributed: str | int | Ranks | None = None
    """The processes that train together, what has started them ("mpi"), or how many this one is to start with it."""

    def __post_init__(self) -> None:
        if sum(place is not None for place in (self.out, self.folder, self.resume)) > 1:
            raise ValueError("`out`, `folder` and `resume` each name where to save: give one of them")
