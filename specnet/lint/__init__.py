"""What is legal and probably a mistake: rules over a valid document, each a warning that can be ignored."""

from __future__ import annotations

from collections.abc import Iterator

from specnet.diagnostics import Diagnostic
from specnet.lint import (
    classes,
    columns,
    lengths,
    outputs,
    rates,
    repeats,
    scales,
    schedules,
    stacking,
    targets,
)
from specnet.lint.rule import RULES, LintRule, Subject

__all__ = ["FAMILIES", "RULES", "LintRule", "Subject", "lint"]

FAMILIES = (outputs, stacking, targets, schedules, rates, lengths, scales, columns, repeats, classes)
"""The modules of rules; importing one enters its rules."""


def lint(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the warnings of all rules that what is known of a document allows to ask.

    Raises SpecError where the data turn out to be damaged when rows are read.
    """
    offers = subject.offers
    for rule in RULES.values():
        if rule.needs in offers:
            yield from rule.findings(subject)
