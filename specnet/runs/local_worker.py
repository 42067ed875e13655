"""A process that another one has started, to train with it."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from specnet.runs.local_processes import ProcessTask
    from specnet.training.local_ranks import LocalRanks

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""What a terminal or a scheduler may send to all processes; the one that started this one decides what to do."""

TICK = 1.0
"""Seconds between looks whether the process that started this one is still there."""


def main() -> None:
    """Do the task that standard input names, and wait to be ended, as this process is where standard input ends."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    # Modules are imported now that no signal can end this process.
    import mmap
    import pickle
    import traceback

    from specnet.training.local_ranks import LocalRanks

    first = os.getppid()
    task: ProcessTask = pickle.load(sys.stdin.buffer)  # noqa: S301  from the process that started this one
    end = threading.Thread(target=_end_with, args=(first,), daemon=True)
    end.start()
    memory = mmap.mmap(task.memory, 0)
    os.close(task.memory)
    ranks = LocalRanks(task.rank, memory, task.pipes)
    try:
        _do(task, ranks)
    except BaseException:  # noqa: BLE001 (whatever it is, the first process tells it)
        if not ranks.together:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
    end.join()


def _do(task: ProcessTask, ranks: LocalRanks) -> None:
    from dataclasses import replace

    request = replace(task.request, distributed=ranks)
    if not task.events:
        from specnet.runs.experiments import run_experiment

        run_experiment(task.spec, None, request)
        return
    from specnet.runs.training_events import training_events

    for _ in training_events(task.spec, None, request):
        pass


def _end_with(first: int) -> None:
    """End this process where standard input ends, or the process that has started it.

    One that was forked from that process may hold the other end of standard input for longer.
    """
    while os.getppid() == first and not select.select([0], [], [], TICK)[0]:
        pass
    os._exit(0)
