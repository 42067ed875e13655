from __future__ import annotations

from typing import TYPE_CHECKING

from specnet.data.files import FilePlace
from specnet.data.tables.layout import Layout, Resolver, first_record

if TYPE_CHECKING:
    from specnet.data.formats.table import ColumnSettings, Tabular
    from specnet.data.tables.dialect import Dialect


def choose(data_format: Tabular, dialect: Dialect, place: FilePlace) -> Layout | None:
    """Return which columns of the training file are used, or note why that cannot be decided."""
    resolver = _resolver(dialect, place)
    if resolver is None:
        return None
    if not dialect.typed and data_format.guessed_header and resolver.suspect():
        return None
    collector = place.context.collector
    before = len(collector.found)
    targets = _targets(data_format, resolver)
    categories = frozenset(resolver.many(data_format.categories, ("categories",)))
    if data_format.features is not None:
        features = resolver.many(data_format.features, ("features",))
        for i in sorted(set(features) & set(targets)):
            message = f"{place.column(i, resolver.names[i])} is a target, and cannot be a feature too"
            collector.add("SN510", message, "features")
    else:
        dropped = {*targets, *resolver.many(data_format.exclude, ("exclude",))}
        features = [i for i in range(len(resolver.names)) if i not in dropped]
        if len(collector.found) == before:
            resolver.check_names(features)
    named = resolver.settings(data_format.columns)
    if len(collector.found) == before:
        for i, (key, column) in named.items():
            _note_useless(resolver, key, column, i in features, i in targets, i in categories)
    if len(collector.found) == before and not features:
        key = "target" if data_format.features is None else "features"
        collector.add("SN510", "no column is left as a feature", key)
    if len(collector.found) > before:
        return None
    names_only = categories | {i for i, (_, column) in named.items() if column.type == "category"}
    settings, keys = (
        {i: column for i, (_, column) in named.items()},
        {i: key for i, (key, _) in named.items()},
    )
    return Layout(resolver.names, tuple(features), tuple(targets), names_only, settings, keys)


def _note_useless(
    resolver: Resolver, key: str, column: ColumnSettings, feature: bool, target: bool, listed: bool
) -> None:
    """Note what of a column's settings would be ignored."""
    note, path = resolver.collector.add, ("columns", key)
    if not feature and not target:
        message = f"column `{key}` is neither a feature nor a target, so its settings would be ignored"
        note("SN517", message, *path, part="key", help="leave them out, or list the column in `features`")
    if listed and column.type is not None:
        message = f"column `{key}` is listed in `categories` already"
        note("SN517", message, *path, "type", help="list it once")
    if not target:
        return
    for option in ("encode", "scale", "unknown"):
        if getattr(column, option) is not None:
            help = 'a transform with `on = "targets"` scales targets' if option == "scale" else None
            note(
                "SN517",
                f"`{option}` applies to features only, and `{key}` is a target",
                *path,
                option,
                help=help,
            )
    if column.missing is not None and column.missing not in ("refuse", "drop"):
        message = f"a target must have a value: `{key}` cannot be filled in"
        note("SN517", message, *path, "missing", help='`missing = "drop"` leaves such rows out')
    if column.fill is not None:
        message = f"a target must have a value: `{key}` cannot be filled in"
        note("SN517", message, *path, "fill", help='`missing = "drop"` leaves such rows out')


def choose_alike(dialect: Dialect, place: FilePlace, main: Layout) -> Layout | None:
    """Return which columns of another file the training file uses: by name, if there are names."""
    resolver = _resolver(dialect, place)
    if resolver is None:
        return None
    collector = place.context.collector
    if not dialect.header:
        if len(resolver.names) == len(main.names):
            return main
        message = f"`{place.name}` has {len(resolver.names)} columns, the training file {len(main.names)}"
        collector.add("SN554", message, *place.key)
        return None
    before = len(collector.found)
    features = [resolver.one(main.names[i], place.key, of_training=True) for i in main.features]
    targets = [resolver.one(main.names[i], place.key, of_training=True) for i in main.targets]
    if len(collector.found) > before:
        return None
    chosen = tuple(i for i in features if i is not None), tuple(i for i in targets if i is not None)
    there = dict(zip(main.used, (*chosen[0], *chosen[1]), strict=True))
    return Layout(
        resolver.names,
        *chosen,
        frozenset(there[i] for i in main.categories if i in there),
        {there[i]: column for i, column in main.settings.items()},
    )


def _resolver(dialect: Dialect, place: FilePlace) -> Resolver | None:
    first = first_record(place, dialect)
    return None if first is None else Resolver(first, place, dialect, place.context.collector)


def _targets(data_format: Tabular, resolver: Resolver) -> list[int]:
    if data_format.reproduces:
        return []
    if isinstance(data_format.target, tuple):
        if not data_format.target:
            resolver.collector.add("SN510", "`target` names no column", "target")
        return resolver.many(data_format.target, ("target",))
    place = resolver.one(data_format.target, ("target",))
    return [] if place is None else [place]
