"""The short form of the fuzzers and killers; `python -m tests.hostile --hours 1` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile import cases
from tests.hostile.cases import run_cases

COUNTS = {"documents": 60, "files": 60, "kills": 4}


@pytest.mark.parametrize("kind", COUNTS)
def test_a_few_cases(kind: str, tmp_path: Path) -> None:
    if kind == "files":
        pytest.importorskip("pyarrow")
    run_cases(kind, range(COUNTS[kind]), tmp_path)


def test_a_failure_says_how_to_repeat_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(seed: int, _: Path) -> None:
        raise KeyError(seed)

    monkeypatch.setitem(cases.KINDS, "files", fail)
    with pytest.raises(
        AssertionError, match=r"KeyError: 7\nto repeat it: .* --kind files --seed 7 --cases 1"
    ):
        run_cases("files", [7], tmp_path)
