from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from specnet.data import DataSource, Sample
from specnet.diagnostics import Diagnostic, KeyPath, Label, Part
from specnet.diagnostics.text import counted, listed
from specnet.language.spec import Spec
from specnet.model.network import Network

Needs = Literal["spec", "network", "data"]
"""What a rule looks at beside the document: nothing, the lowered network, or the data's numbers too."""


@dataclass
class Subject:
    """What rules look at: a valid document, its network where that is known, and its data where they may be read."""

    spec: Spec
    known: Network | None = None
    source: DataSource | None = None

    @property
    def network(self) -> Network:
        """The network; only rules that need one may ask."""
        assert self.known is not None
        return self.known

    @cached_property
    def samples(self) -> dict[str, Sample]:
        """Rows of each split; none of data that are made up or come with specnet."""
        return self.source.samples() if self.source is not None else {}

    @property
    def quotable(self) -> bool:
        """Whether names of columns and classes, and values, may be quoted."""
        return self.source is None or self.source.description.quotable

    def columns(self, names: Sequence[str], limit: int = 5) -> str:
        """Return the names of columns for a sentence; how many they are, where they may not be quoted."""
        return listed(names, limit) if self.quotable else counted(len(names), "column")

    @property
    def offers(self) -> tuple[Needs, ...]:
        """What rules may need here."""
        if self.known is None:
            return ("spec",)
        return ("spec", "network") if self.source is None else ("spec", "network", "data")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule says of one place; the rule's own code is put to it."""

    message: str
    path: KeyPath
    part: Part = "value"
    help: str | None = None
    labels: tuple[Label, ...] = field(default=())


Check = Callable[[Subject], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class LintRule:
    """One thing that is legal and probably a mistake; `specnet.diagnostics.rules` explains it by its code."""

    code: str
    needs: Needs
    check: Check

    def findings(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield the rule's warnings."""
        for found in self.check(subject):
            yield Diagnostic(
                self.code,
                found.message,
                found.path,
                part=found.part,
                severity="warning",
                help=found.help,
                labels=found.labels,
            )


RULES: dict[str, LintRule] = {}
"""The rules of the modules that are imported, by their codes; `every_rule` has all."""


def rule(code: str, needs: Needs = "spec") -> Callable[[Check], Check]:
    """Enter a function as the rule behind a code."""

    def enter(check: Check) -> Check:
        assert code not in RULES, code
        RULES[code] = LintRule(code, needs, check)
        return check

    return enter
