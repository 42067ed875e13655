"""The kinds from outside of specnet that a run uses, and the plugins that it names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specnet.language.named_plugins import UsedKind, names_of, owner_of, used_kinds
from specnet.language.plugins import loaded_plugins, normalized
from specnet.language.spec import Spec
from specnet.vocabulary.kind import Table
from specnet.vocabulary.metrics import METRICS


def registered_kinds(spec: Spec) -> list[dict[str, str | None]]:
    """Return what `resolved.json` records of a spec's registered kinds: which class each is, and of which package."""
    found = {used.kind: used for table in (spec, *_default_metrics(spec)) for used in used_kinds(table)}
    return [_record(used, spec) for used in found.values()]


def missing_plugins(stored: dict[str, Any]) -> list[str]:
    """Return the plugins that a stored run names and this process has not imported."""
    return [name for _, name in names_of(stored.get("spec")) if normalized(name) not in loaded_plugins()]


def _default_metrics(spec: Spec) -> Iterator[Table]:
    """Yield the metrics that losses choose where the document names none."""
    for output in [spec] if spec.outputs is None else spec.outputs.values():
        if output.metrics is None:
            yield from map(METRICS.validate, output.loss.default_metrics)


def _record(used: UsedKind, spec: Spec) -> dict[str, str | None]:
    plugin = owner_of(used, {"plugins": spec.plugins})
    name, version = _distribution(used.kind.__module__) if plugin is None else (plugin.name, plugin.version)
    return {
        "family": used.family.name,
        "type": used.type,
        "module": used.kind.__module__,
        "qualname": used.kind.__qualname__,
        "distribution": name,
        "version": version,
    }


def _distribution(module: str) -> tuple[str, str] | tuple[None, None]:
    """Return the installed distribution that a module belongs to, and its version; None for one of no or several."""
    from importlib.metadata import packages_distributions, version

    names = sorted(set(packages_distributions().get(module.partition(".")[0], ())))
    return (names[0], version(names[0])) if len(names) == 1 else (None, None)
