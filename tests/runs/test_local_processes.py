"""Processes that one of them starts train together, and end with it."""

from __future__ import annotations

import errno
import gc
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

import specnet
from specnet.passes import cores
from specnet.runs import local_processes
from specnet.vocabulary.activations import ACTIVATIONS, Activation
from tests.support.mpirun import HANG, REPOSITORY, when

ROWS = 53
RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(ROWS, 4)), RNG.integers(0, 3, ROWS)


def document(data=None, layers=(), **training):
    inline = {"type": "inline", "inputs": X.tolist(), "targets": LABELS.tolist()}
    return {
        "specnet": 1,
        "name": "together",
        "dtype": "float64",
        "data": data or {**inline, "split": {"validation": 0.2}},
        "layers": [{"type": "dense", "units": 5}, *layers, {"type": "dense", "units": 3}],
        "loss": "cross_entropy",
        "training": {"epochs": 3, "batch_size": 8, **training},
    }


def close(found, wanted):
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, 1e-10, 1e-10)


def others():
    """Return the processes that this one has started, by their numbers."""
    tasks = Path("/proc/self/task").glob("*/children")
    numbers = [int(word) for task in tasks for word in task.read_text().split()]
    return [n for n in numbers if b"local_worker" in Path(f"/proc/{n}/cmdline").read_bytes()]


def start_python(program, folder):
    """Start a program in a folder."""
    path = os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="processes are found through /proc"
)


def test_a_run_is_that_of_one_process(tmp_path):
    spec = document(layers=[{"type": "batch_norm"}, {"type": "dropout", "rate": 0.2}])
    one = specnet.run(spec)
    found = specnet.run(spec, distributed=3, out=tmp_path / "run")
    close(found.parameters, one.parameters)
    assert (found.ranks, found.stopped, found.steps) == (3, "completed", one.steps)
    stored = json.loads((tmp_path / "run/resolved.json").read_text())
    assert stored["computed_with"][-1]["ranks"] == 3


def test_a_number_of_one_is_this_process():
    assert specnet.run(document(), distributed=1).ranks == 1
    assert list(specnet.train(document(), distributed=1))


@pytest.mark.parametrize("load", ["whole", "batches"])
def test_files_are_read_together(tmp_path, load):
    lines = [",".join(map(str, [*row, label])) for row, label in zip(X, LABELS, strict=True)]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,c,d,label", *lines]))
    data = {"type": "csv", "path": str(tmp_path / "rows.csv"), "target": "label", "load": load}
    spec = document({**data, "split": {"validation": 0.2}})
    close(specnet.run(spec, distributed=2).parameters, specnet.run(spec).parameters)


def test_data_of_a_program_are_sent():
    given = (X.repeat(40, axis=0), LABELS.repeat(40))
    spec = document()
    found = specnet.run(spec, data=given, distributed=2)
    close(found.parameters, specnet.run(spec, data=given).parameters)


def test_folds_are_trained_together(tmp_path):
    spec = document(
        {"type": "inline", "inputs": X.tolist(), "targets": LABELS.tolist(), "split": {"folds": 3}}
    )
    heard = []
    found = specnet.run(spec, distributed=2, out=tmp_path / "run", listener=heard.append)
    one = specnet.run(spec)
    assert sum(isinstance(event, specnet.FoldEnded) for event in heard) == 3
    for fold, alone in zip(found.folds, one.folds, strict=True):
        close(fold.model.parameters, alone.model.parameters)


def test_a_checkpoint_that_nobody_saves_is_no_hindrance():
    rows = RNG.normal(size=(24, 5, 2))
    data = {"type": "inline", "inputs": rows.tolist(), "targets": LABELS[:24].tolist()}
    spec = document(data, checkpoint={"every_epochs": 1}, shuffle=False)
    spec["layers"][0] = {"type": "gru", "units": 3, "stateful": True}
    found = specnet.run(spec, distributed=2, stop=(step for step in [*[False] * 7, True, True]).__next__)
    assert (found.stopped, found.steps) == ("interrupted", 8)


def test_a_run_is_resumed_to_the_bit(tmp_path):
    spec = document(optimizer="adam", checkpoint={"every_epochs": 1})
    whole = specnet.run(spec, distributed=2, out=tmp_path / "whole")
    asked = iter(range(100))
    cut = specnet.run(spec, distributed=2, out=tmp_path / "cut", stop=lambda: next(asked) == 7)
    assert cut.stopped == "interrupted"
    specnet.run(spec, distributed=2, resume=tmp_path / "cut")
    assert (tmp_path / "cut/model.npz").read_bytes() == (tmp_path / "whole/model.npz").read_bytes()
    again = specnet.run(spec, distributed=2, resume=tmp_path / "cut")
    assert again.steps == whole.steps


@needs_proc
def test_events_end_the_others_where_they_end():
    events = specnet.train(document(), distributed=2)
    assert len(others()) == 1
    kinds = [type(event).__name__ for event in events]
    assert (kinds[0], kinds[-1]) == ("Started", "Ended")
    assert others() == []


def test_trainings_of_one_process_may_overlap(monkeypatch):
    monkeypatch.setattr(cores, "allowed", lambda: 6)
    first = specnet.train(document(), distributed=2)
    shares = [cores.share()]
    second = specnet.train(document(), distributed=3)
    for events in (first, second):
        shares.append(cores.share())
        assert isinstance([*events][-1], specnet.Ended)
    assert [*shares, cores.share()] == [3, 2, 2, 6]


@needs_proc
def test_events_that_nobody_asks_for_end_the_others():
    events = specnet.train(document(epochs=1_000_000), distributed=2)
    next(events)
    assert len(others()) == 1
    events.close()
    assert others() == []
    events = specnet.train(document(epochs=1_000_000), distributed=2)
    assert len(others()) == 1
    del events
    gc.collect()
    assert others() == []


@needs_proc
def test_a_lost_process_ends_the_training():
    killed = []

    def listen(event):
        if isinstance(event, specnet.EpochEnded) and not killed:
            killed.extend(others())
            os.kill(killed[0], signal.SIGKILL)

    with pytest.raises(specnet.RunError, match=r"process 1 of 2 was ended by SIGKILL.*latest checkpoint"):
        specnet.run(document(epochs=1_000_000), distributed=2, listener=listen)
    assert others() == []


@needs_proc
def test_a_fault_of_the_first_ends_the_others():
    seen = []

    def listen(event):
        seen.append(event)
        if isinstance(event, specnet.EpochEnded):
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        specnet.run(document(), distributed=2, listener=listen)
    assert isinstance(seen[-1], specnet.EpochEnded)  # as in one process, nothing follows
    assert others() == []
    with pytest.raises(specnet.SpecError):
        specnet.run(document({"type": "csv", "path": "none.csv", "target": "y"}), distributed=2)
    assert others() == []


@needs_proc
def test_signals_are_the_first_one_s_to_answer():
    sent = []

    def listen(event):
        if isinstance(event, specnet.EpochEnded) and not sent:
            sent.extend(others())
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
                os.kill(sent[0], number)

    assert specnet.run(document(), distributed=2, listener=listen).stopped == "completed"
    assert sent


@needs_proc
def test_the_others_end_where_the_first_is_lost_after_it_has_forked(tmp_path):
    (tmp_path / "spec.json").write_text(json.dumps(document(epochs=1_000_000)))
    program = """if True:
        import os, signal, specnet, time
        events = specnet.train("spec.json", distributed=2)
        next(events), next(events)
        if not os.fork():  # which keeps pipes open
            time.sleep(60)
        print(*open(f"/proc/self/task/{os.getpid()}/children").read().split(), flush=True)
        time.sleep(60)
    """
    first = start_python(program, tmp_path)
    started, forked = map(int, first.stdout.readline().split())
    first.kill()
    when(lambda: not Path(f"/proc/{started}").exists())
    os.kill(forked, signal.SIGKILL)
    first.communicate()


def test_closed_standard_streams_are_no_hindrance(tmp_path):
    (tmp_path / "spec.json").write_text(json.dumps(document()))
    program = """if True:
        import os, specnet
        os.close(0), os.close(2)
        print(specnet.run("spec.json", distributed=2).stopped)
    """
    assert start_python(program, tmp_path).communicate(timeout=HANG)[0] == "completed\n"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("raise SystemError('it cannot begin')", "ended with code 1: SystemError: it cannot begin"),
        ("pass", "ended with code 0"),  # as the system says where nobody asked it for codes of processes
    ],
)
def test_what_goes_wrong_in_another_is_told(monkeypatch, command, told):
    monkeypatch.setattr(local_processes, "COMMAND", command)
    with pytest.raises(specnet.RunError, match=f"process 1 of 2 {told}$"):
        specnet.run(document(), distributed=2)


def test_a_system_without_temporary_files_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(specnet.RunError, match=r"cannot be started: .*No such file"):
        specnet.run(document(), distributed=2)


def test_a_python_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(specnet.RunError, match=r"cannot be started: .*No such file"):
        specnet.run(document(), distributed=2)


def test_a_program_that_contains_python_is_not_started_again(monkeypatch):
    monkeypatch.setattr("sys.executable", "/usr/bin/true")
    with pytest.raises(specnet.RunError, match="this program contains Python, of which it cannot start more"):
        specnet.run(document(), distributed=2)


def test_a_system_without_inherited_files_is_told(monkeypatch):
    monkeypatch.setattr(local_processes.os, "name", "nt")
    with pytest.raises(specnet.RunError, match="cannot be started on this system: `mpirun` can"):
        specnet.run(document(), distributed=2)


def _forbidden(*_):
    raise PermissionError


def test_memory_lies_in_a_file_where_the_system_has_none_without(monkeypatch):
    monkeypatch.setattr(os, "memfd_create", _forbidden, raising=False)
    assert specnet.run(document(), distributed=2).ranks == 2
    monkeypatch.delattr(os, "memfd_create")
    assert specnet.run(document(), distributed=2).ranks == 2


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system reserves no room in files")
def test_a_full_disk_is_noticed_before_anything_is_shared(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(specnet.RunError, match=r"cannot share memory: .*No space left"):
        specnet.run(document(), distributed=2)


def test_kinds_of_a_program_are_refused():
    class Doubled(Activation):
        """2 x."""

        type: Literal["doubled_here"] = "doubled_here"

        def lower(self, x):
            return x * 2.0

    spec = document()
    spec["layers"][0]["activation"] = "doubled_here"
    with (
        ACTIVATIONS.registered(Doubled),
        pytest.raises(specnet.RunError, match="do not know the activation `doubled_here`"),
    ):
        specnet.run(spec, distributed=2)


@pytest.mark.parametrize("count", [0, -1, 1025, True, 2.0, "2", "local", np.int64(2), [2]])
def test_other_numbers_are_refused(count):
    for call in (specnet.run, specnet.train):
        with pytest.raises(ValueError, match="`distributed` must be 'mpi' or a whole number from 1 to 1024"):
            call(document(), distributed=count)
