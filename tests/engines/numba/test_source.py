"""The text of a plan's compiled loops."""

from __future__ import annotations

import pytest

pytest.importorskip("numba")

from specnet.engines.numba.source import loop_name, written

LOOPS = (
    "def {name}(t):\n    pass\n",
    "def {name}_part(t):\n    pass\n\n\n@inner\ndef {name}(t):\n    {name}_part(t)\n",
)


def test_functions_are_named_by_their_text():
    name, source = written(LOOPS)
    first, second = map(loop_name, LOOPS)
    assert source.startswith("from specnet")
    assert f"def {second}_part(t):" in source
    assert source.endswith(
        f"def {name}(number, table):\n"
        f"    if number == 0:\n        {first}(table)\n    elif number == 1:\n        {second}(table)\n"
    )
    assert written(LOOPS[:1])[0] != name
