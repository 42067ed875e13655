from __future__ import annotations

from specnet.diagnostics import RunError
from specnet.diagnostics.text import listed


class OutsideVocabularyError(RunError):
    """Text has characters or words that a vocabulary has no tokens for, not even an unknown one."""

    help = "`unknown = true` in `tokens` gives it a token for them"

    def __init__(self, outside: list[str], unit: str) -> None:
        shown = listed([repr(each)[1:-1] for each in outside])
        super().__init__(f"the text has {unit}s that the vocabulary lacks: {shown}")
