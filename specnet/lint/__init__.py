"""What is legal and probably a mistake: rules over a valid document, each a warning that can be ignored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module

from specnet.diagnostics import Diagnostic
from specnet.lint.rule import RULES, LintRule, Subject

__all__ = ["FAMILIES", "LintRule", "Subject", "every_rule", "lint"]


def _has_layers(subject: Subject) -> bool:
    return bool(subject.spec.layers)


def _compares_numbers(subject: Subject) -> bool:
    return "network" in subject.offers and subject.spec.loss.targets == "real"


def _rate_changes(subject: Subject) -> bool:
    return "network" in subject.offers and subject.spec.training.schedule.type != "constant"


def _sets_rate(subject: Subject) -> bool:
    return "learning_rate" in subject.spec.training.optimizer.model_fields_set


def _has_lengths(subject: Subject) -> bool:
    keys = {"batch_size", "accumulate", "early_stopping", "validate_every"}
    if keys & subject.spec.training.model_fields_set or subject.spec.loss.reduction == "sum":
        return True
    return "network" in subject.offers and any(x.type == "batch_norm" for x in subject.network.layers)


def _has_rows(subject: Subject) -> bool:
    return "data" in subject.offers and bool(subject.samples)


def _may_repeat(subject: Subject) -> bool:
    if "data" not in subject.offers:
        return False
    same = any(subject.spec.data.same_rows(split) is not None for split in ("validation", "test"))
    return same or bool(subject.samples)


def _is_calibrated(subject: Subject) -> bool:
    return "network" in subject.offers and subject.spec.output.calibration is not None


def _has_classes(subject: Subject) -> bool:
    return subject.source is not None and bool(subject.source.description.per_class)


FAMILIES: dict[str, Callable[[Subject], bool]] = {
    "outputs": _has_layers,
    "stacking": _has_layers,
    "targets": _compares_numbers,
    "schedules": _rate_changes,
    "rates": _sets_rate,
    "lengths": _has_lengths,
    "scales": _has_rows,
    "columns": _has_rows,
    "cells": _has_rows,
    "texts": _has_rows,
    "repeats": _may_repeat,
    "calibrations": _is_calibrated,
    "classes": _has_classes,
}
"""The modules of rules, and what a document needs to have for a rule of each to find something.

A run asks the rules too, so a module that has nothing to say is not imported."""


def lint(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the warnings of all rules that what is known of a document allows to ask.

    Raises SpecError where the data turn out to be damaged when rows are read.
    """
    offers = subject.offers
    for family, applies in FAMILIES.items():
        if applies(subject):
            for rule in _rules(family):
                if rule.needs in offers:
                    yield from rule.findings(subject)


def every_rule() -> dict[str, LintRule]:
    """Return all rules by their codes."""
    return {rule.code: rule for family in FAMILIES for rule in _rules(family)}


def _rules(family: str) -> list[LintRule]:
    """Return the rules of a module, which enters them when it is imported."""
    module = import_module(f"{__name__}.{family}").__name__
    return [rule for rule in list(RULES.values()) if rule.check.__module__ == module]
