"""Folds that are trained at the same time, each by a process of its own."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from specnet.installation import python_command, python_path
from specnet.model.plans import plan_training
from specnet.passes.cores import BESIDE, allowed
from specnet.storage.used_kinds import registered_kinds

if TYPE_CHECKING:
    from specnet.language.spec import Spec
    from specnet.model.compiled import CompiledModel

PAYS = 2.0
"""Seconds that a fold must take for workers: a process needs about half a second to start."""

TICK = 0.05
"""Seconds between looks at the workers."""

COMMAND = "from specnet.runs.fold_workers import main; main()"


def worth_workers(model: CompiledModel, seconds: float, folds: int, threads: int | None) -> bool:
    """Return whether several processes train `folds` more folds sooner than one, given what the first one took.

    A network that shares its work between threads has the cores to itself. The numbers are the same either way: every
    process plans for the same number of threads.
    """
    return (
        folds > 1
        and seconds >= PAYS
        and _workers(threads) > 1
        and not _shares_work(model)
        and not registered_kinds(model.network.spec)
    )


def _shares_work(model: CompiledModel) -> bool:
    """Return whether the steps of a model's training are shared between threads; evaluations take little time."""
    network = model.network
    step = plan_training(network, network.signature.rows, units=False).step
    return step.workers > 1


def _workers(threads: int | None) -> int:
    return allowed() if threads is None else min(threads, allowed())


def train_side_by_side(
    folds: Mapping[int, tuple[Spec, Path]],
    threads: int | None,
    engine: str | None,
    stop: Callable[[], bool] | None,
) -> Iterator[int]:
    """Train folds, by their numbers, in their directories, as many at once as there are cores; yield each that ends.

    Each worker ends after its current step, and saves what it has, once `stop` returns true, or this process ends. One
    that fails leaves its fold unfinished: whoever trains it next sees why.
    """
    waiting, running = list(folds), dict[int, subprocess.Popen[bytes]]()
    try:
        while waiting or running:
            if stop is not None and stop():
                waiting = []
                for worker in running.values():
                    _end(worker)
            while waiting and len(running) < _workers(threads):
                number = waiting.pop(0)
                running[number] = _start(*folds[number], threads, engine)
            ended = [number for number, worker in running.items() if _ended(worker)]
            for number in ended:
                del running[number]
                yield number
            if running and not ended:
                time.sleep(TICK)
    finally:
        for worker in running.values():
            _end(worker)
        for worker in running.values():
            worker.wait()


def _start(spec: Spec, place: Path, threads: int | None, engine: str | None) -> subprocess.Popen[bytes]:
    worker = subprocess.Popen(  # noqa: S603  nothing in it comes from a user
        python_command(COMMAND),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={
            **os.environ,
            BESIDE: str(_workers(threads)),
            "PYTHONPATH": python_path(),
        },
    )
    assert worker.stdin is not None
    with suppress(BrokenPipeError):
        # Between two processes of one program: nothing of it is ever stored.
        worker.stdin.write(pickle.dumps((spec, place, threads, engine)))
        worker.stdin.flush()
    return worker


def _ended(worker: subprocess.Popen[bytes]) -> bool:
    """Return whether a worker has ended; then nothing of it is left open."""
    if worker.poll() is None:
        return False
    _end(worker)
    return True


def _end(worker: subprocess.Popen[bytes]) -> None:
    """Let a worker end after its current step: it does so when nothing more can come from here."""
    if worker.stdin is not None:
        with suppress(BrokenPipeError):  # it has ended by itself
            worker.stdin.close()


def main() -> None:
    """Train the fold that standard input names, until it is finished or standard input is closed."""
    from specnet.runs.compiling import compile_spec
    from specnet.runs.directory import RESOLVED
    from specnet.runs.fold_training import train_fold

    # Ctrl-C in a terminal reaches every process; the one that started this one decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    spec, place, threads, engine = pickle.load(sys.stdin.buffer)  # noqa: S301  from the process that started this one
    closed = threading.Event()

    def watch() -> None:
        # Not by `sys.stdin`: a thread that waits in it holds its lock, for want of which Python aborts as it ends.
        while os.read(0, 1 << 12):
            pass
        closed.set()

    threading.Thread(target=watch, daemon=True).start()
    known = (place / RESOLVED).exists()
    model, data = compile_spec(spec, initialised=not known, threads=threads, engine=engine)
    train_fold(model, data, place, resume=known, stop=closed.is_set)
