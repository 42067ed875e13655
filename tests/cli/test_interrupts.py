from __future__ import annotations

import os
import signal
import threading

import pytest

from specnet.cli.interrupts import Interrupts, Terminated


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_asks_and_the_second_ends(number: int, code: int) -> None:
    with Interrupts() as interrupts:
        interrupts.armed = True
        assert not interrupts.stop()
        os.kill(os.getpid(), number)
        assert interrupts.stop()
        assert interrupts.code == code
        with pytest.raises(KeyboardInterrupt if number == signal.SIGINT else Terminated):
            os.kill(os.getpid(), number)


def test_while_there_is_nothing_to_save_the_first_signal_ends() -> None:
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        assert not interrupts.stop()


def test_handlers_are_restored() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    seen = []

    def enter() -> None:
        with Interrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [before]
