"""Headers of .npy files."""

from __future__ import annotations

import sys
import threading
import warnings
from io import BytesIO

import numpy as np
import pytest

from specnet.data.arrays.npy_header import read_header


@pytest.fixture
def _quickly():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_quickly")
def test_threads_that_read_headers_leave_warnings_as_they_were():
    file, shapes = BytesIO(), []
    np.save(file, np.zeros((4, 6), np.float32))

    def read():
        shapes.extend(read_header(BytesIO(file.getvalue())).shape for _ in range(1500))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = list(warnings.filters)
        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert warnings.filters == before
    assert shapes == [(4, 6)] * 12_000
