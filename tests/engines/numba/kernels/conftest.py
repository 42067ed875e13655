from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def checked(kept_code):
    """Return the files of a kernel that checks every index, which are apart from all others."""
    from functools import cache

    from specnet.engines.numba.keeping import _Files

    folder = kept_code / "checked"
    folder.mkdir(mode=0o700, exist_ok=True)
    return cache(lambda function: _Files(folder, function, None))


@pytest.fixture(autouse=True)
def _bounds(checked, monkeypatch):
    """Have kernels check every index, which compiled code does not do otherwise."""
    import numba

    monkeypatch.setattr(numba.config, "BOUNDSCHECK", 1)
    monkeypatch.setattr("specnet.engines.numba.keeping.KeptCode._opened", lambda kept: checked(kept.function))
