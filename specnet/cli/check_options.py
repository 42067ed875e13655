"""How documents are checked: the options of `validate`, and where a document comes from."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from specnet.cli.formats import ReportOutput

if TYPE_CHECKING:
    from specnet.data.confine import Confine
    from specnet.diagnostics import Report, Severity
    from specnet.language import SourceText


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """How documents are checked, and what becomes of the findings."""

    overrides: Sequence[str] = ()
    outputs: Sequence[ReportOutput] = (ReportOutput("full"),)
    fail_on: Severity = "error"
    data: bool = True
    statistics: bool = False
    fix: bool = False
    diff: bool = False
    stdin_filename: str | None = None
    specs_only: bool = False
    ignore: Sequence[str] = ()
    environment: bool = True
    """Whether paths may name environment variables."""
    confine: Confine | None = None
    """The folder that neither documents nor what they name may lie outside of."""
    plugins: bool = False
    """Whether a confined check imports plugins."""

    def check(self, source: SourceText) -> Report:
        """Return what is wrong with one document."""
        from specnet import api

        within = None if self.confine is None else self.confine.name
        return api.validate(
            source,
            self.overrides,
            data=self.data,
            ignore=self.ignore,
            confine=within,
            plugins=self.plugins,
            environment=self.environment,
        )


def read_document(file: str, options: CheckOptions) -> SourceText:
    """Return the source of a document, or of standard input."""
    from specnet.cli.documents import STDIN
    from specnet.language import read

    return _stdin(options.stdin_filename) if file == STDIN else read(Path(file), options.confine)


def _stdin(filename: str | None) -> SourceText:
    from specnet.diagnostics import SpecFileError
    from specnet.language.reading import MAX_BYTES, bytes_source

    if sys.stdin is None:
        raise SpecFileError("-: there is no standard input")
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    path = None if filename is None else Path(os.path.abspath(filename))  # noqa: PTH100  links stay
    return bytes_source(data, filename or "<stdin>", path)
