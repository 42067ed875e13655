"""Write the pages that a script makes, or check that they are what it would write."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]


def is_check(arguments: list[str], usage: str | None) -> bool | None:
    """Return whether pages are only to be checked; None, and print the usage, where the arguments are others."""
    if arguments in ([], ["--check"]):
        return bool(arguments)
    print(usage, file=sys.stderr)
    return None


def update(pages: Iterable[tuple[Path, str]], *, check: bool, script: str) -> int:
    """Write each page whose text is no longer what is made; with `check`, print how they differ instead.

    Returns the exit code: 1 where a checked page is out of date.
    """
    stale = False
    for path, made in pages:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        name = str(path.relative_to(ROOT))
        if made == before:
            continue
        if check:
            stale = True
            lines = (before.splitlines(), made.splitlines())
            print(*difflib.unified_diff(*lines, name, "as made now", lineterm=""), sep="\n")
        else:
            path.write_text(made, encoding="utf-8")
            print(f"{name}: written")
    if stale:
        print(f"The pages are out of date: run `python docs/{script}`.")
    return int(stale)
