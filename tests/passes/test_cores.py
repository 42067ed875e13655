from __future__ import annotations

import os

import pytest

from specnet.passes import cores


@pytest.fixture(autouse=True)
def no_share(monkeypatch):
    """Let the process have all of the machine's time, whatever the tests run in."""
    monkeypatch.setattr(cores, "quota", lambda: None)


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


def test_a_share_of_the_time_of_the_cores_counts_as_fewer_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(6)), raising=False)
    for share, used in ((2, 2), (7, 6), (None, 6)):
        monkeypatch.setattr(cores, "quota", lambda share=share: share)
        assert cores.allowed() == used


@pytest.mark.parametrize(
    ("allowances", "count"),
    [
        ([([0], None), ([1], None)], 2),
        ([([0, 1], None), ([0, 1], None)], 2),
        ([([0, 1], None), ([1, 2, 3], None)], 4),
        # One control group for both, or one each: that isn't known.
        ([([0, 1, 2, 3], 2), ([0, 1, 2, 3], 2)], 2),
        ([([0, 1, 2, 3], 1), ([0, 1, 2, 3], 3)], 3),
        ([([0, 1, 2, 3], 1), ([0, 1, 2, 3], None)], 4),
    ],
)
def test_processes_may_use_the_cores_of_each_together(allowances, count):
    assert cores.of_all([cores.Allowance(*each) for each in allowances]) == count


@pytest.mark.parametrize(
    ("group", "files", "share"),
    [
        ("0::/a/b", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "150000 100000\n"}, 2),
        ("0::/a/b", {"a/b/cpu.max": "300000 100000\n", "a/cpu.max": "400000 100000\n"}, 3),
        ("0::/", {"cpu.max": "1000 100000\n"}, 1),
        ("0::/elsewhere", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/", {"cpu.max": "max 100000\n"}, None),
        ("0::/", {"cpu.max": "nonsense"}, None),
        ("0::/", {}, None),
        ("4:cpu,cpuacct:/a", {"cpu/a/cpu.cfs_quota_us": "50000", "cpu/a/cpu.cfs_period_us": "25000"}, 2),
        ("4:cpu,cpuacct:/a", {"cpu/a/cpu.cfs_quota_us": "-1", "cpu/a/cpu.cfs_period_us": "25000"}, None),
        ("5:memory:/a", {"cpu/a/cpu.cfs_quota_us": "50000", "cpu/a/cpu.cfs_period_us": "25000"}, None),
    ],
)
def test_the_share_is_that_of_the_control_groups(monkeypatch, tmp_path, group, files, share):
    (tmp_path / "cgroup").write_text(f"{group}\n")
    for name, text in files.items():
        path = tmp_path / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.undo()
    monkeypatch.setattr(cores, "_GROUPS_OF_PROCESS", tmp_path / "cgroup")
    monkeypatch.setattr(cores, "_CGROUPS", tmp_path / "groups")
    assert cores.quota.__wrapped__() == share


@pytest.mark.parametrize("wrong", [0, -1, 1025, 1.0, "2", True])
def test_a_number_of_threads_that_there_is_not(wrong):
    with pytest.raises(ValueError, match="`threads` must be a whole number from 1 to 1024"):
        cores.requested(wrong)


def test_the_environment_gives_the_number_where_a_call_does_not(monkeypatch):
    monkeypatch.delenv(cores.VARIABLE, raising=False)
    assert cores.requested(None) is None
    monkeypatch.setenv(cores.VARIABLE, "3")
    assert (cores.requested(None), cores.requested(5)) == (3, 5)
    for wrong in ("0", "-1", "two", "1.5", "2000", " 3"):
        monkeypatch.setenv(cores.VARIABLE, wrong)
        with pytest.raises(ValueError, match="SPECNET_THREADS must be a whole number from 1 to 1024"):
            cores.requested(None)
