from __future__ import annotations

import pytest

from specnet._version import __version__


@pytest.fixture(scope="session")
def kept_code(tmp_path_factory):
    """A folder for compiled code that all tests share."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_cache(kept_code, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(kept_code))


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A cache that is empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "specnet" / __version__
