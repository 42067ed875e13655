from __future__ import annotations

import pytest

pytest.importorskip("numba")

from specnet.engines.numba.functions import resolve
from specnet.engines.numba.kernels import FUNCTIONS, STATEMENTS
from specnet.engines.numpy import functions


def test_what_is_not_compiled_is_numpys():
    for name in set(functions.FUNCTIONS) - set(FUNCTIONS):
        assert resolve(name) is functions.resolve(name)


def test_what_is_compiled_has_a_name_that_statements_use():
    own = {text.partition("(")[0] for text in STATEMENTS.values()}
    assert set(FUNCTIONS) - set(functions.FUNCTIONS) == own
    assert all(resolve(name) is function for name, function in FUNCTIONS.items())
