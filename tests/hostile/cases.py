"""The kinds of cases, each determined by a seed, and what is said of one that fails."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.hostile import documents, files, kills

KINDS: dict[str, Callable[[int, Path], None]] = {
    "documents": documents.case,
    "files": files.case,
    "kills": kills.case,
}


def run_cases(kind: str, seeds: Iterable[int], folder: Path | None = None) -> None:
    """Run cases; fail with the command that repeats the one that does not hold."""
    with tempfile.TemporaryDirectory() as temporary:
        for seed in seeds:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    KINDS[kind](seed, folder or Path(temporary))
            except Exception as error:
                again = f"python -m tests.hostile --kind {kind} --seed {seed} --cases 1"
                raise AssertionError(f"{type(error).__name__}: {error}\nto repeat it: {again}") from error
