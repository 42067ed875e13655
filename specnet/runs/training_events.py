"""The events of a training as they are asked for, by one process or several."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from specnet.runs.ranks import TrainingProcesses, compile_together, to_start

if TYPE_CHECKING:
    from collections.abc import Callable

    from specnet.language.spec import Spec
    from specnet.runs.request import RunRequest
    from specnet.training.events import Event
    from specnet.training.exclusive import ExclusiveEvents


def training_events(spec: Spec, data: Any, request: RunRequest) -> ExclusiveEvents[Event]:
    """Return the events of a training; see `specnet.train`."""
    count = to_start(request.distributed)
    if count is None:
        return _events(spec, data, request)
    from specnet.runs.local_processes import started

    with ExitStack() as stack:
        ranks = stack.enter_context(started(count, spec, request, events=True))
        return _events(spec, data, replace(request, distributed=ranks), stack)


def _events(
    spec: Spec, data: Any, request: RunRequest, others: ExitStack | None = None
) -> ExclusiveEvents[Event]:
    """Return the events; once there are no more, leave the context of the other processes."""
    from specnet.training.loop import Trainer

    processes = TrainingProcesses.of(request.distributed, request.threads)
    model, loaded = compile_together(spec, data, processes, engine=request.engine)
    trainer = Trainer(model, loaded, request.stop, ranks=processes.ranks)
    leave: Callable[[], object] | None = None if others is None else others.pop_all().close
    return trainer.events(leave)
