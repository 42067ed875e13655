"""Who may use a model while another thread trains it."""

from __future__ import annotations

import pytest

import specnet
from specnet.engines.use import ModelUse


class Training:
    """What makes steps."""


class Taken:
    """A lock that a thread gets only after a whole step of another one, which holds it meanwhile."""

    def __init__(self, use):
        self._use, self._lock = use, use.lock

    def __enter__(self):
        self._use.readers.clear()  # as `begin_steps` ends
        self._use.stepping = None  # as `end_steps` does
        self._use.lock = self._lock
        return self._lock.__enter__()

    def __exit__(self, *raised):
        self._lock.__exit__(*raised)


def test_a_reader_that_waited_through_a_step_keeps_the_next_one_from_beginning():
    use, training = ModelUse(), Training()
    use.begin_steps(training)
    use.stepping = -1  # another thread
    use.lock = Taken(use)
    with use.reading(), pytest.raises(specnet.ModelInUseError, match="is predicting"):
        use.begin_steps(training)
    use.begin_steps(training)
