"""Processes that share memory, for which threads stand, exchange what they have."""

from __future__ import annotations

import mmap
import os
import threading
from contextlib import contextmanager
from itertools import chain

import numpy as np
import pytest

import specnet
from specnet.engines.ranks import RankRows
from specnet.graph.portions import bounds
from specnet.runs.shared import sharing
from specnet.training import local_ranks
from specnet.training.distributed import agreed
from specnet.training.local_ranks import LocalRanks, memory_size
from tests.support.distributed import close, trained
from tests.support.ranks import ThreadRanks

RNG = np.random.default_rng(0)


@contextmanager
def shared(size):
    """Give the memory and the pipes of so many processes."""
    ends = [os.pipe() for _ in range(size)]
    try:
        for _, end in ends:
            os.set_blocking(end, False)
        yield mmap.mmap(-1, memory_size(size)), ends
    finally:
        for end in chain(*ends):
            os.close(end)


def together(size, work):
    """Return what `work(ranks)` returns in each of so many threads that share memory as processes do."""
    with shared(size) as what:
        return _together(size, work, *what)


def _together(size, work, memory, pipes):
    results, faults = [None] * size, []

    def check():
        if faults:
            raise RuntimeError("another one has failed")

    def run(rank):
        try:
            results[rank] = work(LocalRanks(rank, memory, pipes, check))
        except BaseException as fault:  # noqa: BLE001 (it is raised where the thread was started)
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return results


@pytest.fixture(params=[64, 1 << 20])
def part(request, monkeypatch):
    """Have messages of several parts, or one."""
    monkeypatch.setattr(local_ranks, "PART", request.param)


@pytest.mark.usefixtures("part")
@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_have_the_same_bits_everywhere(size, dtype):
    for shape in ((), (1,), (16,), (17,), (7, 13)):
        own = RNG.normal(size=(size, *shape)).astype(dtype)

        def work(ranks, own=own):
            out = np.empty_like(own[ranks.rank])
            ranks.add(np.asarray(own[ranks.rank]), out)
            again = np.array(own[ranks.rank])
            ranks.add(again, again)
            return out, again

        wanted = own[0].copy()
        for term in own[1:]:
            wanted = wanted + term
        for out, again in together(size, work):
            assert out.tobytes() == again.tobytes() == wanted.tobytes()


@pytest.mark.usefixtures("part")
@pytest.mark.parametrize("size", [2, 3, 5])
def test_what_all_have_is_gathered(size):
    counts = [(17 * rank) % 29 for rank in range(size)]  # the first has nothing
    own = [RNG.normal(size=count) for count in counts]

    def work(ranks):
        out = np.empty(sum(counts))
        ranks.gather(own[ranks.rank], out, counts)
        messages = ranks.exchange(bytes(range(97, 97 + 30 * ranks.rank)))
        empty = ranks.exchange(b"")
        return out, messages, empty

    for out, messages, empty in together(size, work):
        assert out.tolist() == np.concatenate(own).tolist()
        assert messages == [bytes(range(97, 97 + 30 * rank)) for rank in range(size)]
        assert empty == [b""] * size


@pytest.mark.usefixtures("part")
@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("length", [0, 1, 16, 31, 33, 65, 1000])
def test_portions_are_added_and_joined(size, length):
    own = RNG.normal(size=(size, length)).astype(np.float32)
    ends = bounds(length, size)

    def work(ranks):
        rows, mine = RankRows(ranks, size), own[ranks.rank].copy()
        portion = np.empty(ends[ranks.rank + 1] - ends[ranks.rank], np.float32)
        joined = np.empty(length, np.float32)
        for _ in range(3):  # the places of messages and parts take turns
            rows.scatter(mine, portion, np.empty_like(portion))
            rows.join(portion, joined)
        return joined

    found = together(size, work)
    for joined in found:
        np.testing.assert_allclose(joined, own.sum(axis=0), 1e-5, 1e-6)
        assert joined.tobytes() == found[0].tobytes()


@pytest.mark.parametrize("size", [2, 3])
def test_numbers_are_told(size):
    def work(ranks):
        told = []
        for step in range(200):
            numbers = np.array([step if ranks.rank == 0 else -np.inf, float(ranks.rank == step % size)])
            ranks.largest(numbers)
            told += [ranks.total(ranks.rank + 0.5), *numbers]
        return told

    wanted = [number for step in range(200) for number in (sum(range(size)) + size / 2, step, 1.0)]
    assert together(size, work) == [wanted] * size


def test_a_wait_ends_where_another_is_lost(monkeypatch):
    monkeypatch.setattr(local_ranks, "SPINS", 1)

    def lost():
        raise RuntimeError("lost")

    with shared(2) as what, pytest.raises(RuntimeError, match="lost"):
        LocalRanks(0, *what, lost).total(1.0)


@pytest.mark.parametrize("rank", [0, 1])
def test_an_interruption_is_raised_whatever_the_others_wait_for(monkeypatch, rank):
    monkeypatch.setattr(local_ranks, "SPINS", 1)
    faults = [KeyboardInterrupt(), RuntimeError("it waits for another message")]

    def interrupt():
        raise faults.pop(0)

    with shared(2) as what:
        ranks = LocalRanks(rank, *what, interrupt)
        with pytest.raises(KeyboardInterrupt):
            agreed(ranks, sharing(ranks, ["data"]))


@pytest.fixture
def _sleeping(monkeypatch):
    """Have processes sleep whenever they wait, until they are woken."""
    monkeypatch.setattr(local_ranks, "SPINS", 1)
    monkeypatch.setattr(local_ranks, "AWAKE", 0.0)
    monkeypatch.setattr(local_ranks, "NAP", 60_000)


@pytest.mark.usefixtures("_sleeping")
@pytest.mark.parametrize("size", [2, 3, 5])
def test_processes_that_sleep_are_woken(size):
    def work(ranks):
        told = []
        for step in range(300):
            told.append(ranks.total(step * ranks.rank))
            own, out = np.full(step + 1, 1.0), np.empty(step + 1)
            ranks.add(own, out)
            received = np.empty(3)
            ranks.pass_on(
                np.full(3, float(ranks.rank)), (ranks.rank + 1) % size, received, (ranks.rank - 1) % size
            )
            told += [out.tolist() == [size] * (step + 1), received.tolist() == [(ranks.rank - 1) % size] * 3]
        return told

    wanted = [each for step in range(300) for each in (step * sum(range(size)), True, True)]
    assert together(size, work) == [wanted] * size


@pytest.mark.usefixtures("_sleeping")
def test_a_process_that_comes_late_finds_what_was_sent():
    told = []
    with shared(2) as what:
        early = threading.Thread(target=lambda: told.append(LocalRanks(0, *what).exchange(b"early")))
        early.start()
        early.join(0.05)
        assert LocalRanks(1, *what).exchange(b"late") == [b"early", b"late"]
        early.join()
    assert told == [[b"early", b"late"]]


@pytest.mark.parametrize("size", [2, 3])
def test_they_train_as_one_process_does(size):
    inputs, labels = RNG.normal(size=(53, 6)), RNG.integers(0, 3, 53)
    spec = specnet.load(
        {
            "specnet": 1,
            "dtype": "float64",
            "data": {"type": "inline", "inputs": inputs.tolist(), "targets": labels.tolist()},
            "layers": [
                # The gradient of a bias before batch_norm is rounding errors alone, which Adam makes large.
                {"type": "dense", "units": 5, "use_bias": False},
                {"type": "batch_norm"},
                {"type": "dropout", "rate": 0.3},
                {"type": "dense", "units": 3},
            ],
            "loss": "cross_entropy",
            "training": {"epochs": 3, "batch_size": 8, "optimizer": "adam"},
        }
    )
    _, parameters, losses, _ = trained(spec)
    found = together(size, lambda ranks: trained(spec, ranks))
    for _, own, own_losses, _ in found:
        assert own.tobytes() == found[0][1].tobytes()
        close(own, parameters)
        close(own_losses, losses)


def test_they_are_processes_as_any_others():
    public = {name for name in vars(ThreadRanks) if not name.startswith("__")}
    assert public <= {name for name in vars(LocalRanks) if not name.startswith("_")}
