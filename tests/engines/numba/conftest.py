from __future__ import annotations

import os

import pytest

from specnet._version import __version__


@pytest.fixture(scope="session")
def kept_code(tmp_path_factory):
    """A folder for compiled code that the tests of all workers share, so that nothing is compiled twice."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "compiled"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@pytest.fixture(autouse=True)
def _own_cache(kept_code, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(kept_code))


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A cache that is empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "specnet" / __version__
