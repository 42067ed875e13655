"""Calibrations that the validation split is too small for."""

from __future__ import annotations

from collections.abc import Iterator

from specnet.lint.rule import Finding, Subject, rule
from specnet.model.calibrators import calibratable

ENOUGH_ROWS = 1000
"""Validation rows from which on isotonic regression does well (Niculescu-Mizil and Caruana, 2005)."""


@rule("SN731", "network")
def isotonic_on_few_rows(subject: Subject) -> Iterator[Finding]:
    """Isotonic regression fitted to few rows."""
    rows = subject.network.signature.rows.get("validation")
    if subject.spec.output.calibration != "isotonic" or rows is None or not calibratable(subject.network):
        return
    if rows < ENOUGH_ROWS:
        yield Finding(
            f"isotonic calibration needs about {ENOUGH_ROWS:,} validation rows, and there are {rows:,}",
            ("output", "calibration"),
            help='calibration = "temperature", which fits one number',
        )
