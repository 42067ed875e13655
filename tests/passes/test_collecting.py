"""Garbage collection rests while plans are made, and is afterwards as it was before."""

from __future__ import annotations

import gc
import os
import threading

import pytest

from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH
from specnet.passes import pipeline
from specnet.passes.collecting import no_collection
from specnet.passes.pipeline import plan


@pytest.fixture(autouse=True)
def enabled():
    gc.enable()
    yield
    gc.enable()


def graph_of_one_op():
    graph = Graph("float32")
    graph.outputs["y"] = ops.relu(leaf(graph, "x", "input", (BATCH, 3)))
    return graph


@pytest.mark.parametrize("before", [False, True])
def test_it_rests_during_a_plan_and_is_restored(before, monkeypatch):
    seen = []
    allocate = pipeline.allocate

    def watched(*given):
        seen.append(gc.isenabled())
        return allocate(*given)

    monkeypatch.setattr(pipeline, "allocate", watched)
    if not before:
        gc.disable()
    plan(graph_of_one_op(), 4)
    assert (seen, gc.isenabled()) == ([False], before)


def test_it_is_restored_after_an_error():
    with pytest.raises(ValueError, match="no"), no_collection():
        raise ValueError("no")
    assert gc.isenabled()


def test_the_last_of_several_threads_restores_it():
    inside, leave, states = threading.Event(), threading.Event(), []

    def other():
        with no_collection():
            inside.set()
            leave.wait(30)

    with no_collection():
        thread = threading.Thread(target=other)
        thread.start()
        assert inside.wait(30)
    states.append(gc.isenabled())
    leave.set()
    thread.join()
    states.append(gc.isenabled())
    assert states == [False, True]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of a fork in a process with threads
def test_a_child_that_is_forked_meanwhile_collects():
    with no_collection():
        child = os.fork()
        if child == 0:
            os._exit(0 if gc.isenabled() else 1)
        _, status = os.waitpid(child, 0)
        assert not gc.isenabled()
    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.parametrize("changing", ["enable", "disable"])
@pytest.mark.parametrize("place", ["before", "after"])
def test_a_signal_handler_that_makes_a_plan_changes_nothing(changing, place, monkeypatch):
    """It may come just as the collector is disabled, or enabled again."""
    change, handled = getattr(gc, changing), []

    def handle():
        if not handled:
            handled.append(True)
            with no_collection():
                handled.append(gc.isenabled())

    def changed():
        if place == "before":
            handle()
        change()
        if place == "after":
            handle()

    monkeypatch.setattr(gc, changing, changed)
    with no_collection():
        assert not gc.isenabled()
    assert handled
    assert gc.isenabled()
