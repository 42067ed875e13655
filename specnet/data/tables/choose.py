from __future__ import annotations

from typing import TYPE_CHECKING

from specnet.data.files import Place
from specnet.data.tables.layout import Layout, Resolver, first_record

if TYPE_CHECKING:
    from specnet.data.readers.csv_file import Csv


def choose(reader: Csv, place: Place) -> Layout | None:
    """Return which columns of the training file are used, or note why that cannot be told."""
    resolver = _resolver(reader, place)
    if resolver is None:
        return None
    if reader.header and "header" not in reader.model_fields_set and resolver.suspect():
        return None
    faults = place.site.faults
    before = len(faults.found)
    targets = _targets(reader, resolver)
    categories = frozenset(resolver.many(reader.categories, ("categories",)))
    if reader.features is not None:
        features = resolver.many(reader.features, ("features",))
        for i in sorted(set(features) & set(targets)):
            message = f"column `{resolver.names[i]}` is a target, and cannot be a feature too"
            faults.add("SN510", message, "features")
    else:
        gone = {*targets, *resolver.many(reader.exclude, ("exclude",))}
        features = [i for i in range(len(resolver.names)) if i not in gone]
        if len(faults.found) == before:
            resolver.check_names(features)
    if len(faults.found) == before and not features:
        key = "target" if reader.features is None else "features"
        faults.add("SN510", "no column is left as a feature", key)
    if len(faults.found) > before:
        return None
    return Layout(resolver.names, tuple(features), tuple(targets), categories)


def choose_alike(reader: Csv, place: Place, main: Layout) -> Layout | None:
    """Return which columns of another file the training file uses: by name, if there are names."""
    resolver = _resolver(reader, place)
    if resolver is None:
        return None
    faults = place.site.faults
    if not reader.header:
        if len(resolver.names) == len(main.names):
            return main
        message = f"`{place.name}` has {len(resolver.names)} columns, the training file {len(main.names)}"
        faults.add("SN554", message, *place.key)
        return None
    before = len(faults.found)
    features = [resolver.one(main.names[i], place.key) for i in main.features]
    targets = [resolver.one(main.names[i], place.key) for i in main.targets]
    if len(faults.found) > before:
        return None
    names = {main.names[i] for i in main.categories}
    return Layout(
        resolver.names,
        tuple(i for i in features if i is not None),
        tuple(i for i in targets if i is not None),
        frozenset(i for i, name in enumerate(resolver.names) if name in names),
    )


def _resolver(reader: Csv, place: Place) -> Resolver | None:
    first = first_record(place, reader.dialect)
    return None if first is None else Resolver(first, place, reader.dialect, place.site.faults)


def _targets(reader: Csv, resolver: Resolver) -> list[int]:
    if isinstance(reader.target, tuple):
        if not reader.target:
            resolver.faults.add("SN510", "`target` names no column", "target")
        return resolver.many(reader.target, ("target",))
    place = resolver.one(reader.target, ("target",))
    return [] if place is None else [place]
