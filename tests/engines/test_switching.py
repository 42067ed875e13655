"""How soon workers hand the interpreter over."""

from __future__ import annotations

import sys

import pytest

from specnet.engines.switching import INTERVAL, switching_soon
from tests.support.threads import often_switched


def test_threads_switch_sooner_for_a_while():
    before = sys.getswitchinterval()
    with switching_soon():
        assert round(sys.getswitchinterval() * 1e6) == INTERVAL
        with switching_soon():
            assert round(sys.getswitchinterval() * 1e6) == INTERVAL
    assert sys.getswitchinterval() == pytest.approx(before)


def test_a_host_that_switches_sooner_still_does():
    with often_switched():
        before = sys.getswitchinterval()
        with switching_soon():
            assert sys.getswitchinterval() == before
        assert sys.getswitchinterval() == before
