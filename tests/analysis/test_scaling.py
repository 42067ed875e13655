"""What several processes send, hold and gain, as `explain --distributed` predicts it."""

from __future__ import annotations

import pytest

import specnet
from specnet.analysis.cost_model import GENERAL, CostModel
from specnet.analysis.explanation import explain
from specnet.analysis.profiling import profile
from specnet.analysis.scaling import AGREEMENT, Message, scaling
from specnet.graph import ops
from specnet.passes import share_update
from specnet.passes.links import LINKS, PORTIONS, Link
from specnet.runs.compiling import compile_spec, network_of
from specnet.training.loop import Trainer
from tests.support.ranks import together

DOCUMENT = {
    "specnet": 1,
    "data": {"type": "builtin", "name": "iris"},
    "layers": [
        {"type": "dense", "units": 64, "activation": "tanh"},
        {"type": "batch_norm"},
        {"type": "dense", "units": 3},
    ],
    "loss": "cross_entropy",
    "training": {"epochs": 1, "batch_size": 30, "optimizer": "adam"},
}


def found(ranks, document=DOCUMENT, **options):
    return scaling(explain(network_of(specnet.load(document))), ranks, **options)


@pytest.mark.parametrize("ranks", [2, 3])
def test_messages_are_those_that_processes_send(ranks):
    sizes = {}

    def work(own):
        model, data = compile_spec(specnet.load(DOCUMENT))
        trainer = Trainer(model, data, lambda: False, ranks=own)
        trainer.steps.begin()
        told = []
        add, total = own.add, own.total
        own.add = lambda a, out: (told.append(a.nbytes), add(a, out))[1]
        own.total = lambda a: (told.append(8), total(a))[1]
        trainer.steps.run(1e9, 1)
        sizes[own.rank] = told

    together(ranks, work)
    messages = [message.size for message in found(ranks).messages]
    assert messages[-1] == AGREEMENT
    assert all(told == messages[:-1] for told in sizes.values())
    # The moments of `batch_norm`, the loss, two sums of its gradient, and that of all parameters.
    assert sorted(messages) == sorted([64 * 4, 64 * 4, 8, 2 * 64 * 4, 4 * network_size(), AGREEMENT])


@pytest.mark.parametrize("ranks", [2, 3])
def test_portions_that_are_passed_on_are_as_long_as_one_sum(ranks, monkeypatch):
    alone = found(ranks)
    monkeypatch.setattr(share_update, "sharing_pays", lambda *_: True)

    def work(own):
        model, data = compile_spec(specnet.load(DOCUMENT))
        trainer = Trainer(model, data, lambda: False, ranks=own)
        trainer.steps.begin()
        sent, pass_on = [], own.pass_on
        own.pass_on = lambda a, *rest: (sent.append(a.nbytes), pass_on(a, *rest))[1]
        trainer.steps.run(1e9, 1)
        return sent

    shared = found(ranks)
    whole = [message for message in shared.messages if message.op in PORTIONS]
    assert [(message.op, message.size) for message in whole] == [(op, 4 * network_size()) for op in PORTIONS]
    assert shared.sent == pytest.approx(alone.sent, abs=2)
    for sent in together(ranks, work):
        assert len(sent) == 2 * (ranks - 1)
        assert sum(sent) == pytest.approx(sum(message.sent(ranks) for message in whole), abs=8 * ranks)
    slots = alone.memory["slots"]
    assert shared.memory["slots"] == pytest.approx(slots / ranks, abs=8)
    assert shared.memory["parameters"] == alone.memory["parameters"]
    # All is shared now: what remains for each is its part of both.
    free = Link("free", 0.0, float("inf"))
    assert shared.shared > alone.shared
    assert shared.speedup(free) > alone.speedup(free)


def network_size():
    return network_of(specnet.load(DOCUMENT)).trained_size


def test_times_follow_from_latency_and_bandwidth():
    link = Link("a", 1e-3, 1e6)
    short = Message("all_reduce", "forward", (), 8)
    assert short.seconds(2, link) == pytest.approx(1e-3 + 8e-6)
    assert short.seconds(8, link) == pytest.approx(3 * (1e-3 + 8e-6))
    long = Message("all_reduce", "update", (), 10**8)
    assert long.seconds(8, link) == pytest.approx(6e-3 + 2 * 7 / 8 * 100)
    passed = Message("reduce_scatter", "update", (), 10**6)
    assert passed.seconds(4, link) == pytest.approx(3e-3 + 0.75)
    gathered = Message("all_gather", "forward", (), 10**6)
    assert gathered.seconds(4, link) == pytest.approx(2e-3 + 0.75)
    assert (long.sent(4), gathered.sent(4)) == (150_000_000, 750_000)


def test_a_network_without_cost_is_limited_by_what_is_not_shared():
    two = found(2)
    free = Link("free", 0.0, float("inf"))
    assert two.rows == 15
    assert two.speedup(free) == pytest.approx(two.alone / (two.alone - two.shared / 2))
    assert two.sent / two.bandwidth == pytest.approx(0.1 * two.computing)
    uneven = found(4)
    assert uneven.rows == 8  # of 30
    assert uneven.computing == pytest.approx(uneven.alone - uneven.shared * 22 / 30)


def test_more_processes_hold_fewer_rows_each():
    alone = explain(network_of(specnet.load(DOCUMENT)))
    arena = [found(ranks).memory["arena"] for ranks in (2, 4)]
    assert alone.memory["arena"] > arena[0] > arena[1]
    assert found(2).memory["parameters"] == alone.memory["parameters"]


def test_measured_times_take_the_place_of_estimates():
    spec = specnet.load(DOCUMENT)
    model, data = compile_spec(spec)
    explanation = explain(model.network)
    times = profile(model, data, explanation)["step"]
    measured = scaling(explanation, 2, times)
    assert measured.source == "measured"
    assert measured.alone == pytest.approx(times.whole)
    assert 0 < measured.shared < measured.alone
    assert found(2).source == "estimated"


def test_costs_of_this_machine_predict_both_plans():
    costs = CostModel({GENERAL: [1e-6, 0.0, 0.0, 1e-9]})
    explanation = explain(network_of(specnet.load(DOCUMENT)))
    plan = explanation.plans.step
    predicted = scaling(explanation, 2, costs=costs)
    assert predicted.source == "predicted"
    assert predicted.alone == pytest.approx(costs.seconds(plan))
    # Calls are as many for half of the rows.
    assert predicted.computing > predicted.alone - predicted.shared / 2


def test_plain_data_hold_all_of_it():
    plain = found(2).as_dict()
    assert [link["name"] for link in plain["links"]] == [link.name for link in LINKS]
    assert {message["op"] for message in plain["messages"]} == {"all_reduce"}
    assert plain["memory"]["total"] == sum(found(2).memory.values())
    assert all(0 < link["efficiency"] <= 1 for link in plain["links"])


def test_the_plan_of_a_process_lists_its_messages():
    explanation = explain(network_of(specnet.load(DOCUMENT)), ranks=3)
    names = [step.op for step in explanation.plans.step.steps]
    assert names.count(ops.all_reduce.name) == 5
    assert explanation.batch == 30
