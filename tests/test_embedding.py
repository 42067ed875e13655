"""The examples of docs/embedding.md, each run as a reader would."""

from __future__ import annotations

import json
import logging
import re
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specnet

ROOT = Path(__file__).parents[1]
SECTIONS = dict(
    re.findall(
        r"^## (.*?)\n(.*?)(?=^## |\Z)",
        (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
)
Names = dict[str, Any]


def run(title: str, names: Names) -> Names:
    """Run the code of a section after that of others, and return all names that there are then."""
    blocks = re.findall(r"```python\n(.*?)```", SECTIONS[title], re.DOTALL)
    assert blocks
    names = dict(names)
    for block in blocks:
        exec(compile(block, f"embedding.md, {title}", "exec"), names)
    return names


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def names() -> Names:
    """The names that the first section defines, which the others use."""
    return run("Arrays and frames", {"__name__": "embedding"})


def test_arrays(names: Names, capsys: pytest.CaptureFixture[str]) -> None:
    run("Arrays and frames", {"__name__": "embedding"})
    first, *printed = capsys.readouterr().out.splitlines()
    assert float(first) == names["result"].splits["validation"]["accuracy"] > 0.8
    assert [re.findall(r"`(\w+)`", line)[0] for line in printed[1:]] == ["units", "epoch"]


def test_a_trained_model(
    names: Names, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = run("A trained model", names)
    accuracy, classes = capsys.readouterr().out.splitlines()
    assert float(accuracy) > 0.8
    assert set(re.findall(r"'(\w+)'", classes)) <= {"small", "medium", "large"}
    assert made["hidden"].shape == (300, 16)
    assert (tmp_path / "small.specnet").is_file()


def test_estimators(names: Names, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sklearn")
    run("scikit-learn", names)
    scores = np.array(capsys.readouterr().out.strip("[]\n").split(), np.float64)
    assert scores.shape == (3,)
    assert scores.min() > 0.85


def test_a_monitor(
    names: Names, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    made = run("A monitor", names)
    assert re.match(r"epoch 1: \d\.\d{4}, validation \d\.\d{4}\n", capsys.readouterr().out)
    assert not made["thread"].is_alive()
    assert made["cancelled"].is_set()
    (record,) = caplog.records
    # On a busy machine, the few epochs may be over before the other thread has read of the first.
    assert record.getMessage().startswith(("interrupted: ", "completed: "))


def test_the_monitor_counts_epochs_that_come_together(names: Names) -> None:
    made = run("A monitor", names)
    short = {"training.batch_size": "full", "training.epochs": 300, "training.validate_every": 1000}
    together = []

    def listener(event: object) -> None:
        together.append(isinstance(event, specnet.Span))
        made["listener"](event)

    messages = made["messages"]
    assert messages.empty()
    specnet.run(names["spec"].replace(short), data=(names["x"], names["y"]), listener=listener)
    assert any(together)
    assert [messages.get()[0] for _ in range(300)] == list(range(1, 301))
    assert messages.get() is None


def test_a_web_endpoint(names: Names) -> None:
    made = run("A web endpoint", names)
    with made["server"] as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            rows = names["x"][:2].tolist()
            status, answer = post(server.server_port, json.dumps(rows))
            assert status == 200
            np.testing.assert_array_equal(answer, names["result"].model.predict(rows))
            for content in ("no JSON", "", "[[1, 2]]", '[["a", "b", "c", "d"]]'):
                status, answer = post(server.server_port, content)
                assert status in (400, 422), content
                assert answer
                assert all(isinstance(line, str) for line in answer)
        finally:
            server.shutdown()
            thread.join()


def post(port: int, content: str) -> tuple[int, Any]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}", content.encode(), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as reply:
        with reply:
            return reply.code, json.load(reply)


def test_a_test_of_specs(names: Names, tmp_path: Path) -> None:
    made = run("A test of your specs", names)
    assert len(made["SPECS"]) > 10
    for path in made["SPECS"]:
        made["test_spec"](path)
    faulty = tmp_path / "faulty.toml"
    faulty.write_text("specnet = 1\nlayers = []\n")
    with pytest.raises(AssertionError, match="SN203"):
        made["test_spec"](faulty)


def test_a_search(names: Names) -> None:
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    made = run("A search for settings", names)
    study = made["study"]
    assert len(study.trials) == 8
    assert study.best_value == min(trial.value for trial in study.trials if trial.value is not None)
    assert made["best"].layers[0].units == study.best_params["units"]
