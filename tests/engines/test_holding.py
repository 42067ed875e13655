"""A setting that several threads hold to numbers of theirs."""

from __future__ import annotations

import contextlib
import sys
from functools import partial

import pytest

from specnet.engines import holding
from specnet.engines.holding import Hold
from tests.support.threads import elsewhere, together


class Numbered:
    """A setting of a process: a number."""

    def __init__(self, number):
        self.number = number

    def get(self):
        return self.number

    def put(self, number):
        self.number = number

    def hold(self):
        return Hold(lambda: (self.get, self.put))


def test_of_several_holders_the_smallest_number_counts_and_the_last_restores_what_was():
    setting = Numbered(7)
    hold = setting.hold()
    with hold.at(3):
        with hold.at(5):
            assert setting.number == 3
        with hold.at(2):
            assert setting.number == 2
        assert setting.number == 3
    assert setting.number == 7


def test_what_the_host_sets_in_between_stays():
    setting = Numbered(7)
    hold = setting.hold()
    with hold.at(3):
        setting.put(6)
    assert setting.number == 6
    with hold.at(3):
        setting.put(5)
        with hold.at(4):
            assert setting.number == 3
    assert setting.number == 5


def test_a_setting_out_of_reach_is_left_alone():
    hold = Hold(lambda: None)
    with hold.at(3):
        assert not hold.holders
    assert hold.before is None


def test_holders_come_and_go_in_many_threads():
    setting = Numbered(7)
    hold = setting.hold()

    def use():
        found = set()
        for _ in range(300):
            with hold.at(3):
                found.add(setting.number)
        return found

    assert together(*[use] * 6) == [{3}] * 6
    assert setting.number == 7


class Interrupt:
    """Raises KeyboardInterrupt at the n-th place where the interpreter looks for signals: as a function of Python's
    begins, and when one of C has returned."""

    def __init__(self, number):
        self.left = number

    def __call__(self, frame, event, function):
        if event == "c_return" and getattr(function, "__name__", "") == "__enter__":
            return  # after which it does not look for them, see `specnet.locking`
        if event in ("call", "c_return") and frame.f_code.co_filename in (
            holding.__file__,
            contextlib.__file__,
        ):
            self.count()

    def count(self):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt

    def after(self, function):
        """Return a function with a place after it, as one of C has."""

        def called(*arguments):
            result = function(*arguments)
            self.count()
            return result

        return called

    def meets(self, work):
        """Call a function with the interrupt on its way; return whether it came."""
        sys.setprofile(self)
        try:
            work()
        except KeyboardInterrupt:
            return True
        finally:
            sys.setprofile(None)
            self.left = 0
        return False


def by_context(hold):
    with hold.at(3):
        pass


def by_function(hold):
    hold.within(3, lambda: None)()


@pytest.mark.parametrize(("held", "places"), [(by_context, 15), (by_function, 10)])
def test_ctrl_c_anywhere_leaves_the_setting_as_it_was(held, places):
    number, met = 0, True
    while met:
        number += 1
        interrupt, setting = Interrupt(number), Numbered(7)
        watched = interrupt.after(setting.get), interrupt.after(setting.put)
        hold = Hold(lambda watched=watched: watched)

        use = partial(held, hold)
        met = interrupt.meets(use)
        assert setting.number == 7
        elsewhere(use)  # no lock is held
    assert number > places, "few places were met"
