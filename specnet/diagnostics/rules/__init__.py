"""What each code means, why it matters, and an example of it: a Markdown file a rule, read when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable

from specnet.diagnostics.rules.rule import PHASES, RULES, Rule
from specnet.diagnostics.spelling import closest

__all__ = ["DIGITS", "PHASES", "RULES", "Rule", "meant_code"]

DIGITS = 3
"""How many digits a code has."""


def meant_code(name: str, codes: Iterable[str]) -> str | None:
    """Return the code that a misspelled one probably means; other digits are another code, and no slip."""
    known = list(codes)
    digits = "".join(letter for letter in name if letter.isdigit())
    if len(digits) == DIGITS or not digits:
        return f"SN{digits}" if f"SN{digits}" in known else None
    return closest(name, known)
