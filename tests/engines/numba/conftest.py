from __future__ import annotations

import pytest

pytest.importorskip("numba")


@pytest.fixture(scope="session")
def kept_code(tmp_path_factory):
    """A folder for compiled code that all tests share."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_cache(kept_code, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(kept_code))
