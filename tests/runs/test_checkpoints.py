from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import specnet
from specnet.data import load_data
from specnet.runs import checkpoints as module
from specnet.runs.checkpoints import Checkpoints, digest, latest, read
from specnet.runs.lock import locked
from specnet.training.events import EpochEnded, Span
from specnet.training.history import History
from specnet.training.loop import Trainer
from tests.support.command_line import ROOT
from tests.support.examples import examples
from tests.support.resuming import after, document, recorded


def names(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "checkpoints").iterdir())


def seen(run: Path, spec: specnet.Spec, clock: Any = None) -> list[tuple[str, ...]]:
    """Train, and return what was in the folder of checkpoints after each event."""
    model = specnet.compile(spec)
    data = load_data(spec.data, spec.source.folder, seed=spec.seed, dtype=spec.dtype)
    trainer, history = Trainer(model, data), History()
    checkpoints = Checkpoints(run, trainer, history, *([] if clock is None else [clock]))
    found: list[tuple[str, ...]] = []
    for event in trainer.spans():
        if isinstance(event, Span):
            history.add_span(event)
        elif isinstance(event, EpochEnded):
            history.add(event)
        checkpoints.see(event)
        now = tuple(names(run)) if checkpoints.folder.exists() else ()
        if now and (not found or now != found[-1]):
            found.append(now)
    return found


def test_after_every_epoch_and_two_are_kept(tmp_path):
    found = seen(tmp_path, document(epochs=4, batch_size=15, checkpoint={}))
    ends = [f"{3 * n:010}-000003.npz" for n in (1, 2, 3, 4)]
    assert found == [(ends[0],), (ends[0], ends[1]), (ends[1], ends[2]), (ends[2], ends[3])]


def test_after_some_epochs_and_one_is_kept(tmp_path):
    found = seen(tmp_path, document(epochs=7, batch_size=15, checkpoint={"every_epochs": 3, "keep": 1}))
    assert found == [("0000000009-000003.npz",), ("0000000018-000003.npz",)]


def test_after_some_steps_within_epochs_and_across_them(tmp_path):
    found = seen(tmp_path, document(epochs=4, batch_size=15, checkpoint={"every_steps": 4, "keep": 9}))
    assert found[-1] == ("0000000004-000001.npz", "0000000008-000002.npz", "0000000012-000003.npz")


@pytest.mark.parametrize("checkpoint", [{"every_steps": 4}, {"every_epochs": 4}])
def test_among_epochs_of_one_step(tmp_path, checkpoint):
    spec = document(split=None, epochs=14, batch_size="full", checkpoint=checkpoint | {"keep": 9})
    assert [name[:10] for name in seen(tmp_path, spec)[-1]] == ["0000000004", "0000000008", "0000000012"]


def test_steps_that_batches_share(tmp_path):
    spec = document(epochs=3, batch_size=5, accumulate=4, checkpoint={"every_steps": 2, "keep": 9})
    assert seen(tmp_path, spec)[-1] == (
        "0000000002-000008.npz",
        "0000000004-000004.npz",
        "0000000006-000009.npz",
        "0000000008-000008.npz",
    )


def test_after_some_seconds(tmp_path):
    ticks = itertools.count()
    spec = document(epochs=9, batch_size=45, checkpoint={"every_seconds": 2.5, "keep": 9})
    found = seen(tmp_path, spec, lambda: float(next(ticks)))
    assert 2 <= len(found[-1]) < 9


@pytest.mark.parametrize("monitor", ["validation.loss", "validation.accuracy", "train.loss"])
def test_the_best_is_that_of_the_best_epoch(tmp_path, monitor):
    fast = {"type": "sgd", "learning_rate": 2.0, "momentum": 0.9}
    spec = document(epochs=12, checkpoint={"best": monitor}, optimizer=fast)
    history = list(specnet.run(spec, out=tmp_path).history)
    split, _, name = monitor.partition(".")
    values = [row[split][name] for row in history]
    best = int(np.argmax(values) if name == "accuracy" else np.argmin(values))
    stored = read(tmp_path / "checkpoints" / "best.npz")
    assert stored.best == values[best]
    assert stored.training.plain["epoch"] == best + 1
    assert len(names(tmp_path)) == 3


def test_the_best_so_far_is_known_after_going_on(tmp_path):
    fast = {"type": "sgd", "learning_rate": 2.0, "momentum": 0.9}
    spec = document(epochs=12, checkpoint={"best": "validation.loss"}, optimizer=fast)
    specnet.run(spec, out=tmp_path / "whole")
    specnet.run(spec, out=tmp_path / "cut", stop=after(50))
    specnet.run(spec, resume=tmp_path / "cut")
    one, other = (read(tmp_path / run / "checkpoints" / "best.npz") for run in ("whole", "cut"))
    assert one.training.plain["epoch"] == other.training.plain["epoch"]
    assert one.best == other.best


def test_a_monitor_that_is_not_measured_is_a_fault():
    with pytest.raises(specnet.SpecError, match=r"SN603 `validation\.f2` is not measured during training"):
        specnet.compile(document(checkpoint={"best": "validation.f2"}))
    with pytest.raises(specnet.SpecError, match="SN604"):
        specnet.compile(document(split=None, checkpoint={"best": "validation.loss"}))


def test_one_that_is_not_asked_for_is_removed_at_the_end(tmp_path):
    specnet.run(document(), out=tmp_path, stop=after(8))
    assert names(tmp_path) == ["0000000008-000002.npz"]
    specnet.run(document(), resume=tmp_path)
    assert not (tmp_path / "checkpoints").exists()


def test_a_run_that_is_replaced_leaves_none(tmp_path):
    specnet.run(document(), out=tmp_path, stop=after(8))
    specnet.run(document(), out=tmp_path, stop=after(3))
    assert names(tmp_path) == ["0000000003-000003.npz"]


def test_equal_content_in_another_shape_has_another_digest():
    a = np.arange(6.0)
    digests = [
        digest(arrays).tobytes()
        for arrays in ({"a": a}, {"b": a}, {"a": a.reshape(2, 3)}, {"a": a.view(np.int64)}, {"a": -a})
    ]
    assert len(set(digests)) == 5


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with two checkpoints that was interrupted."""
    run = tmp_path_factory.mktemp("cut")
    specnet.run(document(checkpoint={}, optimizer="adam"), out=run, stop=after(15))
    assert names(run) == ["0000000012-000006.npz", "0000000015-000003.npz"]
    return run


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    run = tmp_path_factory.mktemp("whole")
    return recorded(specnet.run(document(checkpoint={}, optimizer="adam"), out=run))


def test_a_damaged_one_is_named_and_the_one_before_is_used(cut, whole, tmp_path):
    run = Path(shutil.copytree(cut, tmp_path / "run"))
    last = run / "checkpoints" / "0000000015-000003.npz"
    last.write_bytes(last.read_bytes()[:-500])
    events: list[Any] = []
    result = specnet.run(document(checkpoint={}, optimizer="adam"), resume=run, listener=events.append)
    assert events[0].checkpoint == run / "checkpoints" / "0000000012-000006.npz"
    (problem,) = events[0].problems
    assert problem.startswith(f"{last} is damaged: ")
    assert recorded(result) == whole
    assert f"{last.name}.damaged" in names(run)


def test_without_any_whole_one_it_starts_over(cut, whole, tmp_path):
    run = Path(shutil.copytree(cut, tmp_path / "run"))
    for path in (run / "checkpoints").iterdir():
        path.write_bytes(b"")
    events: list[Any] = []
    result = specnet.run(document(checkpoint={}, optimizer="adam"), resume=run, listener=events.append)
    assert (events[0].checkpoint, events[0].epoch, len(events[0].problems)) == (None, 0, 2)
    assert recorded(result) == whole


@settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_damage_passes_unseen(cut, tmp_path, data):
    original = cut / "checkpoints" / "0000000015-000003.npz"
    content = bytearray(original.read_bytes())
    if data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= 1 << data.draw(st.integers(0, 7))
    else:
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    path = tmp_path / "damaged.npz"
    path.write_bytes(content)
    sound = read(original)
    try:
        stored = read(path)
    except specnet.RunError as error:
        problem = str(error)
    else:
        problem = ""
    if problem:
        assert problem.startswith(str(path))
        return
    # A bit of a date, say, has no meaning: what is read is what was written.
    for one, other in ((stored.training, sound.training), (stored.history, sound.history)):
        assert one.plain == other.plain
        assert {k: v.tobytes() for k, v in one.arrays.items()} == {
            k: v.tobytes() for k, v in other.arrays.items()
        }


def test_what_fits_its_checksum_but_no_run_is_refused(cut, tmp_path):
    run = Path(shutil.copytree(cut, tmp_path / "run"))
    specnet.run(document(checkpoint={}), out=tmp_path / "other", stop=after(15))
    for name in names(run):
        shutil.copy(tmp_path / "other" / "checkpoints" / name, run / "checkpoints" / name)
    with pytest.raises(specnet.RunError, match="is not a checkpoint of this experiment"):
        specnet.run(document(checkpoint={}, optimizer="adam"), resume=run)


def test_leftovers_of_a_process_that_died_are_cleared_away(cut, whole, tmp_path):
    run = Path(shutil.copytree(cut, tmp_path / "run"))
    leftovers = [run / ".model.npz.123.tmp", run / "checkpoints" / ".0000000018-000006.npz.123.tmp"]
    for path in leftovers:
        path.write_bytes(b"half")
    (run / ".lock").write_text("123")
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3, "st')
    assert recorded(specnet.run(document(checkpoint={}, optimizer="adam"), resume=run)) == whole
    assert not any(path.exists() for path in leftovers)


@pytest.mark.parametrize("fails_at", [1, 3])
def test_a_full_disk_ends_the_run_and_leaves_those_before(tmp_path, monkeypatch, fails_at):
    import errno

    write, calls = module.write_arrays, itertools.count(1)

    def fail(file: Any, arrays: Any) -> None:
        if next(calls) == fails_at:
            file.write(b"PK")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(file, arrays)

    monkeypatch.setattr(module, "write_arrays", fail)
    spec = document(checkpoint={})
    with pytest.raises(specnet.RunError, match="cannot be written: No space left on device") as caught:
        specnet.run(spec, out=tmp_path / "cut")
    assert names(tmp_path / "cut") == ["0000000006-000006.npz", "0000000012-000006.npz"][: fails_at - 1]
    assert ("from before, is complete" in str(caught.value)) == (fails_at > 1)
    monkeypatch.undo()
    result = specnet.run(spec, resume=tmp_path / "cut")
    assert recorded(result) == recorded(specnet.run(spec, out=tmp_path / "whole"))


@pytest.mark.skipif(sys.platform == "win32", reason="limits of this kind are POSIX")
def test_a_file_that_may_grow_no_further(tmp_path):
    # The limit lets the documents through and no checkpoint of 200 x 200 weights.
    code = (
        "import resource, signal, specnet, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "try: specnet.run(specnet.load(sys.argv[1]), out='run')\n"
        "except specnet.RunError as error: print(error)\n"
    )
    wide = [{"type": "dense", "units": 200}] * 2
    text = json.dumps(document(layers=wide, checkpoint={}).model_dump(mode="json"))
    done = subprocess.run(
        [sys.executable, "-c", code, text], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "cannot be written: File too large" in done.stdout
    assert names(tmp_path / "run") == []


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() == 0, reason="nothing is read-only for this user")
def test_a_directory_that_became_read_only(tmp_path):
    specnet.run(document(), out=tmp_path, stop=after(8))
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(specnet.RunError, match="cannot be written: Permission denied"):
            specnet.run(document(), resume=tmp_path)
    finally:
        tmp_path.chmod(0o700)


def test_a_file_in_the_way_of_checkpoints_is_named(tmp_path):
    specnet.run(document(), out=tmp_path, stop=after(8))
    shutil.rmtree(tmp_path / "checkpoints")
    (tmp_path / "checkpoints").write_text("a file")
    with pytest.raises(specnet.RunError, match="checkpoints cannot be written: File exists"):
        specnet.run(document(checkpoint={}), resume=tmp_path)
    assert (tmp_path / "model.npz").exists()


def test_a_second_run_is_kept_out(tmp_path):
    spec = document(epochs=10**9)
    started, stop = threading.Event(), threading.Event()

    def listen(event: Any) -> None:
        if isinstance(event, EpochEnded):
            started.set()

    thread = threading.Thread(
        target=lambda: specnet.run(spec, out=tmp_path, stop=stop.is_set, listener=listen)
    )
    thread.start()
    try:
        assert started.wait(60)
        with pytest.raises(specnet.RunError, match=rf"is in use by process {os.getpid()}"):
            specnet.run(spec, resume=tmp_path)
        with pytest.raises(specnet.RunError, match="is in use by process"):
            specnet.run(spec, out=tmp_path)
    finally:
        stop.set()
        thread.join()
    assert not (tmp_path / ".lock").exists()
    assert specnet.run(spec, resume=tmp_path, stop=after(1)).stopped == "interrupted"


def test_a_lock_is_given_back_whatever_happens(tmp_path):
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), locked(tmp_path):
            raise ZeroDivisionError
    with locked(tmp_path):
        pass


def test_of_many_threads_one_has_the_lock(tmp_path):
    inside, most, entered = 0, 0, 0
    guard = threading.Lock()

    def work() -> None:
        nonlocal inside, most, entered
        for _ in range(200):
            try:
                with locked(tmp_path):
                    with guard:
                        inside += 1
                        entered += 1
                        most = max(most, inside)
                    with guard:
                        inside -= 1
            except specnet.RunError:
                pass

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert entered  # how often depends on who runs when
    with locked(tmp_path):
        pass


def test_a_run_that_stopped_early_is_finished(tmp_path):
    fast = {"type": "sgd", "learning_rate": 2.0, "momentum": 0.9}
    training = {"early_stopping": {"patience": 1}, "optimizer": fast, "checkpoint": {}}
    specnet.run(document(epochs=50, **training), out=tmp_path)
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["stopped"] == "early_stopping"
    longer = document(epochs=90, **training)
    with pytest.raises(specnet.RunError, match=r"is finished .*nothing to resume"):
        specnet.run(longer, resume=tmp_path)


def test_best_alone_is_enough_to_resume_from(tmp_path):
    spec = document(epochs=9, checkpoint={"every_epochs": 100, "best": "train.loss"})
    specnet.run(spec, out=tmp_path / "cut", stop=after(30))
    (last,) = (tmp_path / "cut" / "checkpoints").glob("0*.npz")
    last.write_bytes(b"")
    stored, problems = latest(tmp_path / "cut")
    assert stored is not None
    assert stored.path.name == "best.npz"
    assert len(problems) == 1
    result = specnet.run(spec, resume=tmp_path / "cut")
    assert recorded(result) == recorded(specnet.run(spec, out=tmp_path / "whole"))
