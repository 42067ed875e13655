"""How many rows each class has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from specnet.diagnostics import KeyPath, Part
from specnet.diagnostics.text import clipped, listed
from specnet.lint.rule import Finding, Subject, rule

RATIO = 10
"""How many times more rows a class may have than another without being weighed."""


@rule("SN746", "data")
def imbalance(subject: Subject) -> Iterator[Finding]:
    """Classes of which one is so rare that a model may pass it over."""
    spec = subject.spec
    counts = _counts(subject)
    known = [count for count in counts if count]
    if not known or spec.loss.for_rare or spec.loss.targets not in ("classes", "binary"):
        return
    if getattr(spec.loss, "class_weights", None) or getattr(spec.loss, "positive_weight", 1.0) != 1.0:
        return
    rare, common = min(known), max(known)
    if common <= RATIO * rare:
        return
    names = subject.network.signature.classes or tuple(map(str, range(len(counts))))
    total = len(counts)
    if spec.loss.type == "cross_entropy":
        weights = ", ".join(f"{sum(counts) / (total * count):.3g}" for count in known)
        short = total <= 10 and len(known) == total
        help: str | None = f"class_weights = [{weights}]" if short else 'class_weights = "balanced"'
    elif spec.loss.type == "binary_cross_entropy" and total == 2:
        help = f"positive_weight = {counts[0] / counts[1]:.3g}"
    else:
        help = None
    one, other = (f"class `{clipped(names[counts.index(count)])}`" for count in (common, rare))
    if not subject.quotable:
        one, other = "one class", "another"
    yield Finding(
        f"{one} has {common} rows and {other.removeprefix('class ')} {rare}: a model does well by never naming the "
        "rare one",
        ("loss",),
        "type",
        help,
    )


@rule("SN748", "data")
def absent_classes(subject: Subject) -> Iterator[Finding]:
    """Class indices below the largest that no row has."""
    counts = _counts(subject)
    if subject.spec.loss.targets != "classes" or not counts or len(counts) > 1000:
        return
    absent = [str(index) for index, count in enumerate(counts) if not count]
    if not absent:
        return
    from_one = absent[0] == "0" and all(counts[1:])
    why = "labels seem to start from 1" if from_one else "classes are the whole numbers from 0 up"
    noun = "class" if len(absent) == 1 else "classes"
    yield Finding(
        f"no row is of {noun} {listed(absent, 5)}: {why}",
        *_where(subject),
        help="make the labels start from 0, or categories of them" if from_one else None,
    )


def _counts(subject: Subject) -> Sequence[int]:
    """Return the rows of each class, or nothing where the targets are no classes."""
    if subject.source is None or not subject.network.signature.integers:
        return ()
    return subject.source.description.per_class or ()


def _where(subject: Subject) -> tuple[KeyPath, Part]:
    fields = subject.spec.data.model_fields_set
    key = next((key for key in ("target", "targets") if key in fields), None)
    if key is None:
        return ("data",), "type"
    return ("data", key), "value" if isinstance(getattr(subject.spec.data, key), str | int) else "key"
