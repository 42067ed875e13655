"""What can be checked of a document with faults all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from specnet.diagnostics import Diagnostic, KeyPath
from specnet.language.recovery import Lost
from specnet.language.sound import INVALID, SoundTable, sound_tables
from specnet.language.spec import Spec
from specnet.language.spec_source import SpecSource
from specnet.language.training import Training
from specnet.vocabulary.activations import ACTIVATIONS
from specnet.vocabulary.domain import Domain, domains, members
from specnet.vocabulary.initializers import INITIALIZERS
from specnet.vocabulary.kind import Table, table_faults
from specnet.vocabulary.layers import Layer
from specnet.vocabulary.regularizers import REGULARIZERS

PLACEHOLDERS: dict[str, Any] = {
    "data": {"type": "inline", "inputs": [[0.0]], "targets": [0.0]},
    "layers": [{"type": "flatten"}],
    "loss": "mse",
}

BATCHED = frozenset({"augmentations", "load", "shuffle_buffer"})
"""Keys of `data` that change neither the rows nor their splits."""

SPLIT = frozenset({"split", "validation", "test"})
"""Keys of `data` that change what the splits are, and not the shape of a row."""


@dataclass(frozen=True, slots=True)
class PartialSpec:
    """What is sound in a document with faults, so that the rest of it can be checked all the same.

    `spec` holds placeholders where something was faulty: only what is said to be sound may be looked at.
    """

    spec: Spec
    layers: int
    """How many layers there are before the first whose shape a fault leaves open."""
    faulty: frozenset[str]
    """The root keys with faults that leave open what the rest of the document means."""
    training: Training | None
    """The training settings, without those that are not valid; None if there is none."""
    data: frozenset[str]
    """The keys of `data` with faults, if these are but of `BATCHED`, `SPLIT` and `transforms`."""
    metrics: tuple[int, ...] | None
    """The indices that the spec's metrics have in the document, if others have faults."""


def partial_spec(
    data: dict[str, Any], found: Iterable[Diagnostic], spec_source: SpecSource, lost: Lost | None = None
) -> PartialSpec | None:
    """Return what is sound in a document's data, given its findings; None where too little is.

    `lost` is what syntax errors leave unknown.
    """
    if lost is not None and () in lost.incomplete:  # any table may have entries that could not be read
        return None
    paths, elsewhere = _faults(found, lost)
    faulty = {str(path[0]) for path in paths if path} | {key for key in PLACEHOLDERS if key not in data}
    tables = sound_tables(Spec, data)
    recovery = _Recovery(tables, paths, elsewhere)
    rest = {key: value for key, value in data.items() if key not in faulty and key in Spec.model_fields}
    layers = recovery.layers(data.get("layers")) if "layers" in faulty else list(rest["layers"])
    if "layers" in faulty and layers and len(layers) == len(data["layers"]):
        faulty -= {"layers"}
    if "inputs" in faulty:  # which layers take by name
        faulty, layers = faulty | {"layers"}, []
    for key in ("loss", "data", "output"):
        value = recovery.replaced(key) if key in faulty else None
        if value is not None:
            rest[key] = value
            faulty -= {key}
    places: tuple[int, ...] | None = None
    if "metrics" in faulty:
        metrics = recovery.metrics()
        rest["metrics"], places = tuple(metrics.values()), tuple(metrics)
    beside = recovery.keys("data") if "data" in rest else frozenset()
    rest |= {key: PLACEHOLDERS[key] for key in PLACEHOLDERS if key in faulty}
    if "outputs" in rest:  # which stand for a loss
        del rest["loss"]
    if layers:
        rest["layers"] = layers
    try:
        spec = Spec.model_validate({**rest, "specnet": 1})
    except ValidationError:
        return None
    spec._source = spec_source  # noqa: SLF001  findings in what is sound have their places in the same text
    training = recovery.training() if "training" in faulty else spec.training
    return PartialSpec(
        spec,
        len(layers),
        frozenset(faulty),
        training,
        beside,
        places,
    )


def _faults(found: Iterable[Diagnostic], lost: Lost | None) -> tuple[list[KeyPath], list[KeyPath]]:
    """Return the places of all faults, and of those that are not in the data: what is lost, or wrong with a flag."""
    errors = [d for d in found if d.severity == "error"]
    # Of layers whose array is not closed, those are sound that come before the lost one at its end.
    unknown = [] if lost is None else [*lost.paths, *(lost.incomplete - {("layers",)})]
    elsewhere = [d.path for d in errors if d.file is not None]
    return [*(d.path for d in errors), *unknown], [*elsewhere, *unknown]


@dataclass(frozen=True, slots=True)
class _Recovery:
    """What stands for the root keys that have faults."""

    tables: Sequence[SoundTable]
    paths: Sequence[KeyPath]
    """The places of all faults."""
    elsewhere: Sequence[KeyPath]
    """Those of them that are not in the data that the tables are made of."""

    def layers(self, given: Any) -> list[Layer]:
        """Return the layers before the first whose shape is open, with defaults for what changes no shape."""
        if not isinstance(given, list | tuple) or any(
            len(path) == 1 for path in self._at(self.elsewhere, "layers")
        ):
            return []
        root = self.tables[-1]
        known = dict(root.elements.get("layers") or enumerate(vars(root.table).get("layers", ())))
        stop = min((int(path[1]) for path in self._at(self.elsewhere, "layers")), default=len(given))
        found: list[Layer] = []
        for place in range(stop):
            layer = self._completed(known.get(place), _keeps_shape)
            if not isinstance(layer, Layer):
                break
            found.append(layer)
        return found

    def replaced(self, key: str) -> Table | None:
        """Return the table of a root key with the defaults of the fields with faults, or None where these matter."""
        table = vars(self.tables[-1].table).get(key)
        if self._at(self.elsewhere, key):
            return None
        if key == "data":
            beside = self.keys(key)
            if beside - (BATCHED | SPLIT | {"transforms"}):
                return None
            return self._completed(table, lambda name, _: name in beside, beside)
        return self._completed(table, lambda *_: True)

    def keys(self, key: str) -> frozenset[str]:
        """Return the fields with faults of a root key."""
        table = vars(self.tables[-1].table).get(key)
        fields = type(table).model_fields if isinstance(table, Table) else {}
        own = {str(path[1]) for path in self._at(self.paths, key) if len(path) > 1 and path[1] in fields}
        return frozenset(own.union(*(sound.invalid for sound in self.tables if sound.path == (key,))))

    def training(self) -> Training | None:
        """Return the training settings, of which reading one that is not valid raises UnsoundError."""
        settings = vars(self.tables[-1].table).get("training")
        if not isinstance(settings, Training) or self._at(self.elsewhere, "training"):
            return None
        inconsistent = {
            str(s.path[1])
            for s in self.tables
            if s.path[:1] == ("training",) and len(s.path) > 1 and any(table_faults(s.table, s.elements))
        }
        made = settings.model_copy()
        for name in inconsistent:
            vars(made).pop(name, None)
        return made

    def _at(self, paths: Iterable[KeyPath], key: str) -> list[KeyPath]:
        return [path for path in paths if path[:1] == (key,)]

    def metrics(self) -> dict[int, Any]:
        """Return the metrics without faults by their indices."""
        root = self.tables[-1]
        known = root.elements.get("metrics") or enumerate(vars(root.table).get("metrics") or ())
        faulty = {path[1] for path in self._at(self.paths, "metrics") if len(path) > 1}
        return {place: metric for place, metric in known if place not in faulty}

    def _completed(
        self, value: Any, may_default: Callable[[str, Domain], bool], instead: frozenset[str] = frozenset()
    ) -> Table | None:
        """Return a table with defaults for its fields without a value and those of `instead`.

        It is None if one of these may not be left open.
        """
        if not isinstance(value, Table):
            return None
        made = value.model_copy()
        for name, domain in domains(type(value)).items():
            inner = (
                self._inner(vars(value).get(name, INVALID), may_default) if name not in instead else INVALID
            )
            if inner is INVALID:
                info = type(value).model_fields[name]
                if info.is_required() or not may_default(name, domain):
                    return None
                inner = info.get_default(call_default_factory=True, validated_data={})
            vars(made)[name] = inner
        return None if any(table_faults(made)) else made

    def _inner(self, value: Any, may_default: Callable[[str, Domain], bool]) -> Any:
        if isinstance(value, Table):
            return self._completed(value, may_default) or INVALID
        if isinstance(value, tuple) and any(isinstance(each, Table) for each in value):
            inner = [self._inner(each, may_default) for each in value]
            return INVALID if INVALID in inner else tuple(inner)
        return value


def _keeps_shape(_: str, domain: Domain) -> bool:
    """Return whether a field cannot change the shape of what a layer gives: a real number, or initial values."""
    families = (ACTIVATIONS, INITIALIZERS, REGULARIZERS)
    return all(m.form == "float" or any(m.family is family for family in families) for m in members(domain))
