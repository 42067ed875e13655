"""What is wrong with cells is found alike, whether they are told apart many at a time or one by one."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.data import FORMATS, open_data
from specnet.diagnostics import SpecError

NUMBERS = ["1", "2.5", "-3e2", " 7", "+.5", "12_000", "0x10", "٣", "99"]
OTHERS = ["", "?", "inf", "1e999", "nan", "red", "blau ü", "a long cell of text", " red"]


def faults(folder, text, **keys):
    """Return the messages of what is wrong with a table."""
    (folder / "rows.csv").write_text(text, encoding="utf-8")
    settings = FORMATS.validate(
        {"type": "csv", "path": "rows.csv", "target": "y", "missing_markers": ["?", "99"], **keys}
    )
    with pytest.raises(SpecError) as caught:
        open_data(settings, folder)
    return [(each.code, each.message, each.help) for each in caught.value.diagnostics]


@pytest.mark.parametrize("keys", [{}, {"missing": "drop"}, {"columns": {"b": {"type": "number"}}}], ids=str)
@pytest.mark.parametrize("seed", range(6))
def test_quotes_change_nothing(tmp_path, seed, keys):
    """Quoted cells are read record by record, and looked at one by one."""
    rng = np.random.default_rng(seed)

    def column(odd):
        return [str(rng.choice(OTHERS if rng.random() < odd else NUMBERS)) for _ in range(400)]

    rows = list(zip(column(0.02), column(0.5), column(0.97), ["yes", "no"] * 200, strict=True))
    plain = "\n".join(["a,b,c,y", *map(",".join, rows)]) + "\n"
    quoted = "\n".join(["a,b,c,y", *(",".join([*row[:3], f'"{row[3]}"']) for row in rows)]) + "\n"
    found = faults(tmp_path, plain, **keys)
    assert len(found) > 1
    assert found == faults(tmp_path, quoted, **keys)
