from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _bounds(monkeypatch):
    """Have kernels check every index, which compiled code does not do otherwise."""
    import numba

    monkeypatch.setattr(numba.config, "BOUNDSCHECK", 1)
    monkeypatch.setattr("specnet.engines.numba.keeping.KeptCode.load_overload", lambda *_: None)
    monkeypatch.setattr("specnet.engines.numba.keeping.KeptCode.save_overload", lambda *_: None)
