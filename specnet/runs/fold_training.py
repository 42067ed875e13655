"""The training of one fold in its directory, by whichever process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from specnet.runs.directory import PREDICTIONS
from specnet.runs.out_of_fold import OutOfFold, held_out
from specnet.runs.running import run
from specnet.training.distributed import agreed

if TYPE_CHECKING:
    from specnet.data import Dataset
    from specnet.engines.ranks import Ranks
    from specnet.model.compiled import CompiledModel
    from specnet.runs.result import CompletedRun
    from specnet.training.events import Event, Span


def train_fold(
    model: CompiledModel,
    data: Dataset,
    place: Path | None,
    *,
    resume: bool,
    stop: Callable[[], bool] | None,
    listener: Callable[[Event | Span], None] | None = None,
    ranks: Ranks | None = None,
) -> tuple[CompletedRun, OutOfFold]:
    """Train a fold to its end, or with `resume` from where it was, and save it with its predictions in a directory.

    Returns the result, and the predictions for the rows that were held out. Of several `ranks`, the first one has the
    directory.
    """
    result = run(
        model,
        data,
        out=None if resume else place,
        resume=(place or Path()) if resume else None,
        stop=stop,
        listener=listener,
        ranks=ranks,
    )
    split = model.network.spec.data.split

    def predict() -> OutOfFold:
        made = held_out(model, data, 1 if split is None else split.fold or 1)
        if place is not None and result.stopped != "interrupted":
            made.write(place / PREDICTIONS)
        return made

    return result, agreed(ranks, predict)
