"""What a document asks to be run: one training, or one for each fold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specnet.runs.ranks import TrainingProcesses, compile_together, to_start

if TYPE_CHECKING:
    from specnet.language.spec import Spec
    from specnet.runs.request import RunRequest
    from specnet.runs.result import CompletedRun, Result

LATER = (
    "specnet.passes.pipeline",
    "specnet.engines.execution",
    "specnet.data.dataset",
    "specnet.model.building",
    "specnet.model.contents",
    "specnet.model.compiled",
    "specnet.training.loop",
    "specnet.runs.running",
)
"""What a run needs once its data have been opened, in the order in which modules import each other.

Each takes about a hundredth of a second with what it imports, in which other threads do not run out of work.
"""


def run_experiment(spec: Spec, data: Any, request: RunRequest) -> Result:
    """Run a document; see `specnet.run`."""
    count = to_start(request.distributed)
    if count is not None:
        from specnet.runs.local_processes import started

        with started(count, spec, request) as ranks:
            for _ in _imports():  # as the others do now
                pass
            return run_experiment(spec, data, replace(request, distributed=ranks))
    if spec.data.split is None or not spec.data.split.is_whole:
        return run_spec(spec, data, request)
    from specnet.runs.cross_validation import run_folds

    return run_folds(spec, data, request)


def run_spec(spec: Spec, data: Any, request: RunRequest) -> CompletedRun:
    """Train a spec's model to the end, and save what the request asks for; see `specnet.run`."""
    resume, processes = request.resume, TrainingProcesses.of(request.distributed, request.threads)
    if resume is not None:
        from specnet.runs.resuming import check_resumable

        processes.agreed(lambda: check_resumable(Path(resume), spec) if processes.is_first else None)
    model, loaded = compile_together(
        spec,
        data,
        processes,
        initialised=resume is None,
        warned=request.warned,
        engine=request.engine,
        meanwhile=_imports(),
    )
    from specnet.runs.running import run

    return run(
        model,
        loaded,
        out=request.out,
        folder=request.folder,
        resume=resume,
        stop=request.stop,
        listener=request.listener,
        ranks=processes.ranks,
    )


def _imports() -> Iterator[object]:
    """Import what comes `LATER`, a module at each step."""
    return map(import_module, LATER)
