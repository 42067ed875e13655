"""A table of every type of column, as text and as values, for formats whose columns have types."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np

DATES = [dt.date(2024, 1, day) for day in (1, 2, 3, 4)]
COLUMNS = {
    "age": [20.5, None, 40.5, 60.5],
    "count": [3, 4, 5, 6],
    "paid": [Decimal("1.25"), Decimal("2.5"), None, Decimal("0.5")],
    "zip": ["10", "9", "10", None],
    "member": [True, False, None, True],
    "day": DATES,
    "kind": ["cat", "dog", "cat", "dog"],
}
TEXT = """\
age,count,paid,zip,member,day,kind
20.5,3,1.25,10,true,2024-01-01,cat
,4,2.5,9,false,2024-01-02,dog
40.5,5,,10,,2024-01-03,cat
60.5,6,0.5,,true,2024-01-04,dog
"""
FIELDS = {"target": "kind", "exclude": ["day"], "missing": "mean", "scale": "standardize"}


def same(data, expected):
    assert data.signature == expected.signature
    for name, split in expected.splits.items():
        np.testing.assert_allclose(data.splits[name].inputs, split.inputs, rtol=1e-12)
        np.testing.assert_array_equal(data.splits[name].targets, split.targets)
