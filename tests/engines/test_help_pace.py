"""When steps are made with the help of other threads."""

from __future__ import annotations

import pytest

import specnet
from specnet.engines.help_pace import COST, LONGEST, TRIED, WINDOW, HelpPace
from tests.support.threads import KNOWN
from tests.support.trainings import MOONS, document


def paced(pace, seconds, steps):
    """Make steps that take so long with help and without; return how many had help."""
    helped = 0
    for _ in range(steps):
        helped += pace.helped
        pace.made(1, seconds[pace.helped])
    return helped


def test_steps_are_made_the_faster_way_and_the_other_is_tried_less_and_less_often():
    for faster in (True, False):
        pace = HelpPace()
        seconds = {faster: WINDOW / 10, not faster: WINDOW / 5}
        paced(pace, seconds, 100)
        assert pace.helped is faster or pace._interval > WINDOW
        helped = paced(pace, seconds, 10_000)
        share = helped / 10_000
        assert (share if faster else 1 - share) > 0.98
        assert pace._interval == LONGEST


@pytest.mark.parametrize(("times", "steps"), [(1.5, TRIED), (1.1, 91)])
def test_what_takes_much_longer_is_given_up_early(times, steps):
    pace, usual = HelpPace(), WINDOW / 100
    while pace.helped:
        pace.made(1, usual)
    for _ in range(steps - 1):
        pace.made(1, times * usual)
        assert not pace.helped
    pace.made(1, times * usual)
    assert pace.helped


def test_when_the_cores_are_free_again_help_is_worth_it_again():
    pace = HelpPace()
    paced(pace, {True: WINDOW / 5, False: WINDOW / 10}, 1_000)
    assert not pace.better
    paced(pace, {True: WINDOW / 20, False: WINDOW / 10}, 3_000)
    assert pace.better
    assert pace.helped


def test_long_steps_are_tried_the_other_way_the_less_often_the_more_that_takes():
    pace, seconds = HelpPace(), {True: 0.2, False: 0.4}
    paced(pace, seconds, 10)
    steps = 1000
    alone = steps - paced(pace, seconds, steps)
    assert 0 < alone * (seconds[False] - seconds[True]) <= 2 * COST * steps * seconds[True]


def test_a_trial_that_was_disturbed_does_not_end_all_others():
    """As where the machine sleeps meanwhile."""
    pace, usual = HelpPace(), WINDOW / 5
    while pace.helped:
        pace.made(1, usual)
    pace.made(1, 3600.0)
    assert pace.helped
    seconds = 0.0
    while pace.helped:
        pace.made(1, usual)
        seconds += usual
    assert seconds < 5.0


@KNOWN
@pytest.mark.parametrize("loss", ["cross_entropy", "contrastive"])
def test_who_helps_makes_no_difference(loss, monkeypatch):
    """Not in a last batch of five rows either, nor where a matrix is multiplied by itself."""
    monkeypatch.setenv("SPECNET_THREADS", "3")
    dense = {"type": "dense", "units": 300, "activation": "relu"}
    last = {"type": "dense", "units": 2 if loss == "cross_entropy" else 784}
    spec = document(
        data=MOONS | {"samples": 405},
        layers=[dense, dense, last],
        dtype="float32",
        epochs=3,
        batch_size=200,
        optimizer="adam",
        loss=loss,
    )
    found = []
    for helped in (True, False, None):
        with monkeypatch.context() as patch:
            if helped is not None:
                patch.setattr(
                    HelpPace, "made", lambda self, *_, helped=helped: setattr(self, "helped", helped)
                )
            result = specnet.run(spec, threads=3)
        found.append(result.model.parameters.flat.tobytes())
    assert len(set(found)) == 1
