from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from specnet.diagnostics import Diagnostic, KeyPath, Label, Part, SpecError

LIMIT = 20
"""How many findings about data are listed before the rest are counted."""


class Collector:
    """The findings about one document's data, gathered so that a user sees all of them at once."""

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
        """Note one fault; `key` continues the format's key path."""
        self.found += self.error(code, message, *key, part=part, help=help, labels=labels).diagnostics

    def error(
        self,
        code: str,
        message: str,
        *key: str | int,
        part: Part = "value",
        help: str | None = None,
        labels: tuple[Label, ...] = (),
    ) -> SpecError:
        """Return what to raise for one fault, after which the part at hand cannot go on."""
        path = (*self.root, *key)
        return SpecError([Diagnostic(code, message, path=path, part=part, help=help, labels=labels)])

    @contextmanager
    def catch(self) -> Iterator[None]:
        """Take in the faults that the block raises, so that other parts are still checked."""
        try:
            yield
        except SpecError as error:
            self.found.extend(error.diagnostics)

    @contextmanager
    def together(self) -> Iterator[Collector]:
        """Collect the faults of several checks, and raise SpecError with all of them when the block ends.

        The faults are the block's own: what was found before it does not end it.
        """
        inner = Collector(self.root)
        with inner.catch():
            yield inner
        if inner.found:
            raise SpecError(inner.found)

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Raise the faults that the block raises after those found before: the first ones, where they are many."""
        with self.catch():
            yield
        self.check()

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
