"""Trials on a Dask cluster that is started as its documentation says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specnet
from specnet.sweeps import cluster, cluster_worker
from specnet.sweeps.events import SweepEnded, SweepNoted, TrialEnded, TrialReported
from tests.support.command_line import environment
from tests.support.forking import HANG

pytest.importorskip("optuna")
pytest.importorskip("distributed")

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPECNET_STORAGE", raising=False)
    rows = np.random.default_rng(0).normal(size=(60, 2))
    lines = [f"{a},{b},{'yes' if a > 0 else 'no'}" for a, b in rows]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,y", *lines]) + "\n")
    return tmp_path


class Started:
    """A scheduler with workers, each a process of its own."""

    def __init__(self, workers: int, home: Path) -> None:
        home.mkdir()
        self._home = home
        self.processes = [self._run("scheduler", "--port", "0", "--no-dashboard")]
        self._file = home / "scheduler.json"
        until = time.monotonic() + HANG
        while not self._file.exists():
            assert time.monotonic() < until
            time.sleep(0.1)
        self.processes += [
            self._run("worker", "--nthreads", "1", "--no-dashboard", "--no-nanny") for _ in range(workers)
        ]
        self.address = json.loads(self._file.read_text())["address"]

    def _run(self, what: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", what, "--scheduler-file", "scheduler.json"]
        quiet = {"PYTHONWARNINGS": "ignore"}
        return subprocess.Popen(
            [*command, *arguments], cwd=self._home, env=environment() | quiet, stderr=subprocess.DEVNULL
        )

    def wait(self, count: int) -> None:
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=HANG)

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def two_workers(tmp_path: Path) -> Iterator[Started]:
    started = Started(2, tmp_path / "cluster")
    try:
        started.wait(2)
        yield started
    finally:
        started.end()


@pytest.fixture
def table(document: dict[str, Any]) -> dict[str, Any]:
    document["data"] = {"type": "csv", "path": "rows.csv", "target": "y", "split": {"validation": 0.3}}
    return document


def check(events: list[Any], document: dict[str, Any]) -> Any:
    (result,) = (event.result for event in events if isinstance(event, SweepEnded))
    assert [trial.state for trial in result.trials] == ["complete"] * 3, [
        trial.why for trial in result.trials
    ]
    for trial in result.trials:
        own = specnet.run(specnet.load(document).replace(trial.parameters), threads=1)
        assert trial.values == (own.splits["validation"]["loss"],)
        kept = specnet.load_run(trial.runs[0])
        assert all((kept.parameters[name] == own.parameters[name]).all() for name in own.parameters)
    return result


def test_trials_are_trained_by_the_workers(table: dict[str, Any], two_workers: Started) -> None:
    check(list(specnet.sweep(table, dask=two_workers.address)), table)


def test_what_workers_do_not_see_is_sent(
    table: dict[str, Any], two_workers: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = cluster.Cluster._facts

    def blind(self: Any, files: list[str], mark: str) -> Any:
        seen = facts(self, files, mark)
        return {n: cluster_worker.Facts(f.specnet, f.python, tuple(files), False) for n, f in seen.items()}

    monkeypatch.setattr(cluster.Cluster, "_facts", blind)
    events = []
    for event in specnet.sweep(table, dask=two_workers.address):
        events.append(event)
        Path("rows.csv").rename("away.csv") if len(events) == 1 else None
    Path("away.csv").rename("rows.csv")
    notes = [event.text for event in events if isinstance(event, SweepNoted)]
    assert any("2 of 2 workers do not see the data" in note for note in notes)
    result = check(events, table)
    kept = json.loads((result.trials[0].runs[0] / "resolved.json").read_text())
    assert kept["spec"]["data"]["path"] == "rows.csv"


def test_a_lost_worker_is_said_and_its_trials_begin_elsewhere(
    table: dict[str, Any], two_workers: Started
) -> None:
    table["training"] |= {"epochs": 8000, "batch_size": 8}
    del table["sweep"]["parameters"]["training.batch_size"]
    events: list[Any] = []
    killed = False
    for event in specnet.sweep(table, dask=two_workers.address):
        events.append(event)
        if isinstance(event, TrialReported) and not killed:
            killed = True
            os.kill(two_workers.processes[1].pid, signal.SIGKILL)
    assert any("worker has left" in event.text for event in events if isinstance(event, SweepNoted))
    check(events, table)


def test_trials_are_ended_early_and_interrupted(table: dict[str, Any], two_workers: Started) -> None:
    table["training"] |= {"epochs": 100_000, "batch_size": 8}
    del table["sweep"]["parameters"]["training.batch_size"]
    table["sweep"]["pruner"] = {"type": "threshold", "upper": 1e-9, "n_warmup_steps": 400}
    events: list[Any] = []
    stop = lambda: any(isinstance(event, TrialEnded) for event in events)  # noqa: E731  it is asked often
    for event in specnet.sweep(table, dask=two_workers.address, stop=stop):
        events.append(event)  # noqa: PERF402  `stop` reads it meanwhile
    ended = [event for event in events if isinstance(event, TrialEnded)]
    assert ended[0].state == "pruned"
    assert {event.state for event in ended} <= {"pruned", "interrupted"}


def test_what_cannot_begin_is_said(table: dict[str, Any], two_workers: Started, monkeypatch: Any) -> None:
    monkeypatch.setattr(cluster, "TIMEOUT", 1)
    with pytest.raises(specnet.RunError, match=r"no Dask scheduler at tcp://127\.0\.0\.1:9"):
        list(specnet.sweep(table, dask="tcp://127.0.0.1:9"))
    monkeypatch.setattr(cluster, "__version__", "9.9.9")
    with pytest.raises(specnet.RunError, match=r"has specnet .*, and this is 9\.9\.9"):
        list(specnet.sweep(table, dask=two_workers.address))
    table["data"] = {"type": "arrays", "split": {"validation": 0.3}}
    with pytest.raises(specnet.RunError, match="cannot be sent to a cluster"):
        list(specnet.sweep(table, data=(np.ones((9, 2)), np.arange(9) % 2 > 0), dask="local"))
