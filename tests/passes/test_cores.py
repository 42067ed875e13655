from __future__ import annotations

import os

import pytest

from specnet.passes import cores


@pytest.mark.parametrize(("there", "used"), [(1, 1), (3, 3), (64, cores.MAXIMUM)])
def test_a_plan_is_made_for_the_cores_that_the_process_may_use(monkeypatch, there, used):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(there)), raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 100)
    assert cores.cores() == used


@pytest.mark.parametrize(("counted", "used"), [(2, 2), (None, 1)])
def test_where_processes_are_not_pinned_all_cores_count(monkeypatch, counted, used):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: counted)
    assert cores.cores() == used
