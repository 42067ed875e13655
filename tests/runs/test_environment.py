"""What a run records of what it was computed with, and what is said where it differs."""

from __future__ import annotations

import json

import pytest

import specnet
from specnet.runs import environment as module
from specnet.runs.environment import differences
from specnet.storage.resolved import COMPUTED_WITH
from tests.support.resuming import after, document, recorded

THERE = {"engine": "numpy", "processor": "A", "matrix_threads": 2, "workers": 1}


def test_differences_name_what_was_known_and_is_another():
    assert differences(THERE, THERE) == ()
    assert differences({}, THERE) == ()
    assert differences({**THERE, "workers": None, "other": 1}, THERE) == ()
    assert differences(THERE, {**THERE, "processor": "B", "workers": 3}) == (
        "worker threads 3, and was 1",
        "processor B, and was A",
    )


@pytest.fixture
def interrupted(tmp_path):
    specnet.run(document(), out=tmp_path / "run", stop=after(5))
    return tmp_path / "run"


def resolved(run):
    return json.loads((run / "resolved.json").read_text())


def test_a_resumed_run_on_another_processor_says_so_and_keeps_both(interrupted, monkeypatch, tmp_path):
    (first,) = resolved(interrupted)[COMPUTED_WITH]
    monkeypatch.setattr(module, "processor", lambda: "another one")
    events = []
    result = specnet.run(document(), resume=interrupted, listener=events.append)
    assert events[0].differences == (f"processor another one, and was {first['processor']}",)
    assert resolved(interrupted)[COMPUTED_WITH] == [first, {**first, "processor": "another one"}]
    assert recorded(result)["model"] == recorded(specnet.run(document(), out=tmp_path / "whole"))["model"]


@pytest.mark.parametrize("damage", [None, "x", [], ["x"], [{"engine": ["?"]}]])
def test_a_run_that_recorded_nothing_readable_is_resumed(interrupted, damage):
    made_of = resolved(interrupted)
    del made_of[COMPUTED_WITH]
    if damage is not None:
        made_of[COMPUTED_WITH] = damage
    (interrupted / "resolved.json").write_text(json.dumps(made_of))
    assert specnet.run(document(), resume=interrupted).stopped == "completed"


def test_without_proc_the_processor_is_its_architecture(monkeypatch):
    monkeypatch.setattr(module.platform, "processor", lambda: "")
    monkeypatch.setattr(module.platform, "machine", lambda: "riscv64")
    monkeypatch.setattr(module, "_CPUINFO", module.Path("/nowhere"))
    assert module.processor() == "riscv64"
