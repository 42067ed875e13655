"""Databases: sharing, failures, and passwords that nobody sees."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import specnet
from specnet.sweeps import storage
from specnet.sweeps.events import SweepEnded
from specnet.sweeps.storage import StorageUrl
from tests.support.command_line import environment
from tests.support.forking import HANG

pytest.importorskip("optuna")

SECRET = "pass/word with@signs"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPECNET_STORAGE", raising=False)
    monkeypatch.setattr(storage, "TRIES", (0.01, 0.01))
    return tmp_path


def result_of(events: Any) -> Any:
    return next(event.result for event in events if isinstance(event, SweepEnded))


def test_a_password_is_not_shown() -> None:
    url = StorageUrl(
        "postgresql+psycopg://ann:pass%2Fword%20with%40signs@db.example/sweeps?sslpassword=other1"
    )
    for text in (str(url), repr(url), url.hide(f"cannot connect as {SECRET} or pass%2Fword%20with%40signs")):
        assert "word" not in text.replace("sslpassword", "")
        assert "other1" not in text
        assert "***" in text


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nothing", "is no URL"),
        ("sqlite://", "in memory"),
        ("postgresql+psycopg://ann:hush@127.0.0.1:9/sweeps?connect_timeout=1", "cannot be used"),
        ("nosuch://ann:hush@host/db", "cannot be used"),
        ("mysql+nosuchdriver://ann:hush@host/db", "cannot be used"),
        ("sqlite:////nowhere/at/all/sweep.db", "cannot be used"),
    ],
)
def test_a_storage_that_cannot_be_used_is_said(document: dict[str, Any], url: str, message: str) -> None:
    if "psycopg" in url:
        pytest.importorskip("psycopg")
    with pytest.raises(specnet.RunError, match=message) as caught:
        list(specnet.sweep(document, storage=url, jobs=1))
    assert "hush" not in str(caught.value)


def test_a_locked_database_is_waited_for_and_then_said(
    document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "TRIES", (0.1, 0.2))
    url = f"sqlite:///{Path.cwd()}/sweep.db"
    list(specnet.sweep(document, storage=url, jobs=1))
    held = sqlite3.connect("sweep.db", isolation_level=None)
    held.execute("BEGIN EXCLUSIVE")
    document["sweep"]["trials"] = 4
    parsed = StorageUrl(url)
    engine = pytest.importorskip("sqlalchemy").create_engine(url, connect_args={"timeout": 0.1})
    with pytest.raises(specnet.RunError, match="is locked by another process"):
        storage.asked(parsed, lambda: engine.connect().exec_driver_sql("SELECT * FROM trials").all())
    held.execute("ROLLBACK")
    held.close()
    engine.dispose()
    result = result_of(specnet.sweep(document, storage=url, jobs=1))
    assert [trial.state for trial in result.trials] == ["complete"] * 4


def test_values_from_the_storage_are_validated(document: dict[str, Any]) -> None:
    optuna = pytest.importorskip("optuna")
    url = f"sqlite:///{Path.cwd()}/sweep.db"
    first = result_of(specnet.sweep(document, storage=url, jobs=1))
    with storage.quiet():
        study = optuna.load_study(storage=url, study_name=first.name)
        study.enqueue_trial({"variables.width": -5})
        study.enqueue_trial({"training.batch_size": "half"})
    document["sweep"]["trials"] = 6
    result = result_of(specnet.sweep(document, storage=url, jobs=1))
    states = [trial.state for trial in result.trials]
    assert states.count("failed") == 2
    whys = [trial.why for trial in result.trials if trial.state == "failed"]
    assert all("the storage has" in (why or "") for why in whys)


SCRIPT = """
import json, sys
import specnet

if __name__ == "__main__":
    document = json.loads(sys.argv[1])
    for event in specnet.sweep(document, jobs=1, storage=sys.argv[2] or None, resume=not sys.argv[2]):
        if isinstance(event, specnet.TrialEnded):
            print(event.number, event.state, flush=True)
        if isinstance(event, specnet.TrialStarted):
            print("started", event.number, flush=True)
"""


def started(document: dict[str, Any], url: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SCRIPT, json.dumps(document), url]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())


def check_sharing(document: dict[str, Any], url: str) -> None:
    """Two processes share the trials of one sweep."""
    document["sweep"]["trials"] = 9
    document["training"]["epochs"] = 30
    both = [started(document, url) for _ in range(2)]
    outputs = [process.communicate(timeout=HANG)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    ended = [line for output in outputs for line in output.splitlines() if line.endswith("complete")]
    assert len(ended) == len(set(ended)) == 9
    result = result_of(specnet.sweep(document, storage=url, jobs=1))
    assert [trial.state for trial in result.trials] == ["complete"] * 9
    assert len({trial.runs for trial in result.trials}) == 9


def check_taking_up(document: dict[str, Any], url: str) -> None:
    """A process that is killed has its trial taken up again, from its checkpoint."""
    document["sweep"]["trials"] = 2
    document["training"] |= {"epochs": 5000, "batch_size": 8}
    del document["sweep"]["parameters"]["training.batch_size"]
    process = started(document, url)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("started")
    run = Path(f"runs/{document['name']}-sweep/001/trials/0000/metrics.jsonl")
    until = time.monotonic() + HANG
    while not run.exists() or run.stat().st_size < 2000:
        assert time.monotonic() < until
        time.sleep(0.05)
    process.kill()
    process.communicate()
    document["training"]["epochs"] = 5000
    result = result_of(specnet.sweep(document, storage=url, jobs=2))
    assert [trial.state for trial in result.trials] == ["complete", "complete"]
    assert 0 in [trial.retry_of for trial in result.trials]
    assert len(run.read_text().splitlines()) == 5000


def test_processes_share_a_file_of_sqlite(document: dict[str, Any]) -> None:
    check_sharing(document, f"sqlite:///{Path.cwd()}/shared.db")


def test_the_trial_of_a_killed_process_is_taken_up_again(document: dict[str, Any]) -> None:
    check_taking_up(document, f"sqlite:///{Path.cwd()}/shared.db")


def test_a_trial_without_signs_of_life_is_taken_up_again(
    document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "GRACE", 1)
    monkeypatch.setattr(storage, "HEARTBEAT", 1)
    monkeypatch.setattr("specnet.sweeps.searching.HEARTBEAT", 1)
    # As on another machine, whose files this one does not see.
    monkeypatch.setattr("specnet.sweeps.directory.SweepDirectory.is_dead", lambda self, name: False)
    check_taking_up(document, f"sqlite:///{Path.cwd()}/shared.db")


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[str]:
    """A PostgreSQL of its own, with a password."""
    if not os.environ.get("SPECNET_TEST_POSTGRES"):
        pytest.skip("starts a database; SPECNET_TEST_POSTGRES=1 runs it, as .ci/run --all does")
    pytest.importorskip("psycopg")
    if any(shutil.which(name) is None for name in ("initdb", "postgres", "pg_isready")):
        pytest.skip("this machine has no PostgreSQL")
    home = tmp_path / "postgres"
    home.mkdir()
    as_user: list[str] = []
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(home, "nobody")
        for above in (tmp_path, *tmp_path.parents):
            if above.stat().st_uid == 0 and above != Path("/") and "pytest" in str(above):
                above.chmod(0o755)
        as_user = ["setpriv", "--reuid=nobody", "--clear-groups", "--inh-caps=-all"]
    (home / "password").write_text("hush-hush")
    (home / "password").chmod(0o644)
    port = 20000 + os.getpid() % 20000
    cluster = str(home / "data")
    initdb = ["initdb", "-D", cluster, "-U", "ann", "-A", "scram-sha-256", f"--pwfile={home / 'password'}"]
    subprocess.run([*as_user, *initdb], check=True, capture_output=True, cwd=home)
    server = subprocess.Popen(
        [
            *as_user,
            "postgres",
            "-D",
            cluster,
            "-p",
            str(port),
            "-k",
            str(home),
            "-c",
            "listen_addresses=127.0.0.1",
        ],
        cwd=home,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + HANG
        while subprocess.run(
            ["pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], check=False
        ).returncode:
            assert time.monotonic() < until
            time.sleep(0.1)
        yield f"postgresql+psycopg://ann:hush-hush@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)  # which ends all connections
        server.wait(HANG)


def test_processes_share_a_postgresql(document: dict[str, Any], postgres: str) -> None:
    check_sharing(document, postgres)
    result = result_of(specnet.sweep(document, storage=postgres, jobs=1))
    assert "hush" not in json.dumps(result.as_dict())
    for file in Path("runs").rglob("*"):
        assert not file.is_file() or b"hush" not in file.read_bytes(), file
    with pytest.raises(specnet.RunError, match=r"cannot be used: .*password authentication failed") as caught:
        list(specnet.sweep(document, storage=postgres.replace("hush-hush", "wrong-word"), jobs=1))
    assert "wrong-word" not in str(caught.value)


def test_a_killed_process_leaves_its_trial_to_others_in_postgresql(
    document: dict[str, Any], postgres: str
) -> None:
    check_taking_up(document, postgres)


def test_what_cannot_begin_leaves_nothing(document: dict[str, Any]) -> None:
    with pytest.raises(specnet.RunError, match="cannot be used"):
        list(specnet.sweep(document, storage="sqlite:////nowhere/at/all/sweep.db", jobs=1))
    assert not list(Path("runs/small-sweep").iterdir())


def test_a_trial_that_was_asked_for_and_never_begun_is_taken_up(
    document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    optuna = pytest.importorskip("optuna")
    monkeypatch.setattr("specnet.sweeps.study.UNKNOWN", 0.5)
    url = f"sqlite:///{Path.cwd()}/sweep.db"
    first = result_of(specnet.sweep(document, storage=url, jobs=1))
    with storage.quiet():
        optuna.load_study(storage=url, study_name=first.name).ask()
    document["sweep"]["trials"] = 4
    result = result_of(specnet.sweep(document, storage=url, jobs=1))
    assert [trial.state for trial in result.trials] == ["complete"] * 4
    assert result.trials[-1].retry_of == 3
