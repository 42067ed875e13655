"""What a document asks to be run: one training, or one for each fold."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import TYPE_CHECKING, Any

from specnet.runs.running import run_spec

if TYPE_CHECKING:
    from specnet.language.spec import Spec
    from specnet.runs.compiling import Warned
    from specnet.runs.result import Result
    from specnet.training.events import Event, Span


def run_experiment(
    spec: Spec,
    data: Any = None,
    *,
    out: str | PathLike[str] | None = None,
    folder: str | PathLike[str] | None = None,
    resume: str | PathLike[str] | None = None,
    stop: Callable[[], bool] | None = None,
    listener: Callable[[Event | Span], None] | None = None,
    warned: Warned | None = None,
    threads: int | None = None,
) -> Result:
    """Run a document, and save what `out`, `folder` or `resume` asks for; see `specnet.run`."""
    start = run_spec
    if spec.data.split is not None and spec.data.split.is_whole:
        from specnet.runs.cross_validation import run_folds

        start = run_folds  # type: ignore[assignment]
    return start(
        spec,
        data,
        out=out,
        folder=folder,
        resume=resume,
        stop=stop,
        listener=listener,
        warned=warned,
        threads=threads,
    )
