from __future__ import annotations

from collections.abc import Iterable

from specnet.diagnostics.diagnostic import Diagnostic


class SpecnetError(Exception):
    """Base of all errors that specnet raises on purpose."""


class SpecError(SpecnetError):
    """A document, or the data that it names, has errors; `diagnostics` contains all of them."""

    def __init__(self, diagnostics: Iterable[Diagnostic], sources: dict[str, str] | None = None) -> None:
        self.diagnostics = tuple(diagnostics)
        """All findings."""
        self.sources = dict(sources or {})
        """The text of each file that a finding names, for code frames."""
        super().__init__("\n".join(map(str, self.diagnostics)))


class SpecFileError(SpecnetError):
    """A file cannot be read at all: it is missing, a folder, not text, or not permitted."""


class RunError(SpecnetError):
    """A run could not continue: its numbers diverged, its directory is not writable, its archive is damaged."""


class ModelInUseError(SpecnetError, RuntimeError):
    """A model cannot be trained while another thread uses it, or used while another thread trains it.

    Nothing is lost: the same call can be repeated once the other thread is done.
    """
