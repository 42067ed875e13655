"""Predictions of more rows than are predicted at once: by whom, and what becomes of rows at fault."""

from __future__ import annotations

import numpy as np
import pytest

import specnet
from specnet.model import predicting
from tests.support.predicted import DOCUMENT
from tests.support.threads import KNOWN

ROWS = np.random.default_rng(0).normal(size=(100, 2))


def predicted(rows, threads, monkeypatch, at_once=predicting.PREDICTION_ROWS):
    """Return predictions by a model whose pieces are worth sharing, however small they are."""
    monkeypatch.setattr(predicting, "PREDICTION_ROWS", at_once)
    monkeypatch.setattr(predicting, "WORTH_WAKING", 0)
    monkeypatch.setattr(predicting, "WORTH_HELP", 0)
    return specnet.run(DOCUMENT, threads=threads).model.predict(rows)


@KNOWN
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pieces_of_all_threads_make_up_what_one_execution_gives(threads, dtype, monkeypatch):
    rows = ROWS.astype(dtype)
    whole = predicted(rows, 1, monkeypatch)
    pieces = [predicted(rows, threads, monkeypatch, at_once=9) for _ in range(2)]
    np.testing.assert_allclose(pieces[0], whole, 1e-6)
    assert pieces[0].tobytes() == pieces[1].tobytes()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_named_by_its_row_among_all(bad, monkeypatch):
    rows = ROWS.copy()
    rows[57, 1] = bad
    with pytest.raises(specnet.SpecError) as caught:
        predicted(rows, 2, monkeypatch, at_once=8)
    (found,) = caught.value.diagnostics
    assert "in row 58" in found.message


def test_no_rows_and_rows_of_another_width_are_what_they_are_otherwise(monkeypatch):
    assert predicted(ROWS[:0], 2, monkeypatch).shape == (0, 1)
    with pytest.raises(specnet.SpecError):
        predicted(ROWS[:, :1], 2, monkeypatch)
