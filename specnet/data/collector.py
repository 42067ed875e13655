from __future__ import annotations

from specnet.diagnostics import Diagnostic, KeyPath, Label, Part, SpecError

LIMIT = 20
"""How many findings about data are listed before the rest are counted."""


class Collector:
    """The findings about one reader's data, gathered so that a user sees all of them at once."""

    def __init__(self, root: KeyPath) -> None:
        self.root = root
        self.found: list[Diagnostic] = []

    def add(
        self,
        code: str,
        message: str,
        *key: str | int,
        part: Part = "value",
        help: str | None = None,
        labels: tuple[Label, ...] = (),
    ) -> None:
        """Note one fault; `key` continues the reader's key path."""
        self.found.append(
            Diagnostic(code, message, path=(*self.root, *key), part=part, help=help, labels=labels)
        )

    def check(self) -> None:
        """Raise SpecError with everything that was found, if anything was."""
        if not self.found:
            return
        shown = self.found[:LIMIT]
        rest = len(self.found) - LIMIT
        if rest > 0:
            shown.append(
                Diagnostic("SN500", f"{rest} more errors in the data are not listed", path=self.root)
            )
        raise SpecError(shown)
