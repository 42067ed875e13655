"""What is wrong with the references of a document: some findings, and how many more there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from specnet.diagnostics import Diagnostic, KeyPath, Label, Part
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped, listed
from specnet.language.arithmetic import ExpressionError

VARIABLES = "variables"
"""The key of the document's own variables."""

MAX_FAULTS = 200
"""How many findings about references are listed before the rest are counted."""

LABELS = 4
"""Variables of which a finding says where they are set, at most."""

_SEARCHES = 50
"""How often a similar name is looked for, which takes time in a long document."""


class ReferenceFaults:
    """Findings about the references of one document."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self.variables = variables
        self.listed: list[Diagnostic] = []
        self._unlisted = self._searches = 0

    @property
    def findings(self) -> list[Diagnostic]:
        """The findings, the last of which counts those that are not listed."""
        if not self._unlisted:
            return self.listed
        message = f"{self._unlisted} more faulty references and variables are not listed"
        return [*self.listed, Diagnostic("SN200", message)]

    def add(
        self,
        code: str,
        message: str,
        path: KeyPath,
        names: Sequence[str] = (),
        help: str | None = None,
        part: Part = "value",
    ) -> None:
        """Add a finding about a value at a path, and say where the variables that it names are set.

        A value that is part of a variable itself needs no label for this one.
        """
        if len(self.listed) >= MAX_FAULTS:
            self._unlisted += 1
            return
        labels = tuple(
            Label(f"`{clipped(name)}` is set here", (VARIABLES, name))
            for name in names[:LABELS]
            if name in self.variables and path[:2] != (VARIABLES, name)
        )
        self.listed.append(Diagnostic(code, message, path, part, help=help, labels=labels))

    def no_variable(self, name: str) -> ExpressionError:
        """Return the error that there is no variable of a name; the first few times, look for one that is meant."""
        message, known = f"there is no variable `{clipped(name)}`", list(self.variables)
        self._searches += 1
        meant = closest(name, known) if self._searches <= _SEARCHES else None
        if meant is not None:
            return ExpressionError(f"{message}; did you mean `{clipped(meant)}`?")
        there = f"the variables are {listed(known)}" if known else "[variables] sets them: name = value"
        return ExpressionError(message, there)
