"""A process that another one has started, to train with it."""

from __future__ import annotations

import mmap
import os
import pickle
import signal
import sys
import threading
import traceback
from dataclasses import replace

from specnet.installation import wait_for_the_end_of_input
from specnet.runs.local_processes import ProcessTask
from specnet.training.local_ranks import LocalRanks


def main() -> None:
    """Do the task that standard input names, and end before that if standard input is closed."""
    # Signals from a terminal or a scheduler may reach every process; the one that started this one decides.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    task: ProcessTask = pickle.load(sys.stdin.buffer)  # noqa: S301  from the process that started this one
    threading.Thread(target=_end_with_the_first, daemon=True).start()
    memory = mmap.mmap(task.memory, 0)
    os.close(task.memory)
    ranks = LocalRanks(task.rank, task.size, memory)
    try:
        _do(task, ranks)
    except BaseException:  # noqa: BLE001 (whatever it is, the first process tells it)
        if not ranks.together:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
    # Python would take a tenth of a second to forget everything, for which the first process would wait.
    os._exit(0)


def _do(task: ProcessTask, ranks: LocalRanks) -> None:
    request = replace(task.request, distributed=ranks)
    if not task.events:
        from specnet.runs.experiments import run_experiment

        run_experiment(task.spec, None, request)
        return
    from specnet.runs.training_events import training_events

    for _ in training_events(task.spec, None, request):
        pass


def _end_with_the_first() -> None:
    wait_for_the_end_of_input()
    os._exit(0)
