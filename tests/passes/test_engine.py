from __future__ import annotations

import pytest

from specnet.diagnostics import RunError
from specnet.passes import engine
from specnet.passes.engine import known_engine, requested_engine


def test_numpy_is_the_default(monkeypatch):
    monkeypatch.delenv("SPECNET_ENGINE", raising=False)
    assert known_engine(None) == "numpy"
    monkeypatch.setenv("SPECNET_ENGINE", "")
    assert known_engine(None) == "numpy"


def test_a_call_comes_before_the_environment(monkeypatch):
    monkeypatch.setenv("SPECNET_ENGINE", "numba")
    assert known_engine(None) == "numba"
    assert known_engine("numpy") == "numpy"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Numba", "`engine` must be 'numpy' or 'numba', not 'Numba'; did you mean \"numba\"\\?"),
        ("cuda", "`engine` must be 'numpy' or 'numba', not 'cuda'$"),
    ],
)
def test_what_is_no_engine_is_named(name, message):
    with pytest.raises(ValueError, match=message):
        known_engine(name)


def test_an_engine_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    assert requested_engine("numpy") == "numpy"
    with pytest.raises(RunError, match=r"^the numba engine needs numba, which the extra `numba` installs"):
        requested_engine("numba")
    monkeypatch.setenv("SPECNET_ENGINE", "numba")
    with pytest.raises(RunError, match=r"^SPECNET_ENGINE is 'numba': the numba engine needs numba, "):
        requested_engine(None)
