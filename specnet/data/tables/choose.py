"""Which columns of the training file, and of files beside it, are features and targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specnet.data.tables.layout import Layout, Resolver

if TYPE_CHECKING:
    from collections.abc import Collection

    from specnet.data.collector import Collector
    from specnet.data.tables.column_settings import ColumnSettings
    from specnet.data.tables.plan import TablePlan
    from specnet.data.tables.settings import TableSettings
    from specnet.data.tables.table import DataTable


def choose(settings: TableSettings, table: DataTable) -> Layout:
    """Return which columns of the training file are used; raises SpecError with every name that is wrong."""
    resolver = Resolver(table)
    if settings.guessed_header and not table.parser.typed:
        resolver.check_header()
    with resolver.collector.together() as faults:
        targets = _targets(settings, resolver, faults)
        weights = _weights(settings, resolver, targets, faults)
        ids = _ids(settings, resolver, faults)
        _check_apart(faults, table, ids, targets, ("a target", "identify rows too"), "id")
        categories = frozenset(resolver.many(settings.categories, ("categories",), faults))
        _check_apart(
            faults, table, categories, weights, ("the weight, a number", "be a category"), "categories"
        )
        split = _split_columns(settings, resolver, targets, faults)
        if settings.features is not None:
            features = resolver.many(settings.features, ("features",), faults)
            for used, role in ((targets, "a target"), (weights, "the weight"), (ids, "an `id`")):
                _check_apart(faults, table, features, used, (role, "be a feature too"), "features")
        else:
            unused = resolver.many(settings.exclude, ("exclude",), faults)
            dropped = {*targets, *weights, *ids, *split.values(), *unused}
            features = [i for i in range(table.width) if i not in dropped]
            if not faults.found:
                resolver.check_names(features, faults)
        named = resolver.settings(settings.columns, faults)
    with resolver.collector.together() as faults:
        for i, (key, column) in named.items():
            _check_use(faults, key, column, i in features, i in targets, i in categories)
    if not features:
        key = "target" if settings.features is None else "features"
        raise resolver.collector.error("SN510", "no column is left as a feature", key)
    names_only = categories | {i for i, (_, column) in named.items() if column.type == "category"}
    of_columns = {i: column for i, (_, column) in named.items()}
    keys = {i: key for i, (key, _) in named.items()}
    return Layout(table.names, tuple(features), tuple(targets), weights, names_only, of_columns, keys, split)


def _check_apart(
    faults: Collector,
    table: DataTable,
    chosen: Collection[int],
    used: Collection[int],
    words: tuple[str, str],
    key: str,
) -> None:
    """Report columns that a key chooses and that are used for something else; `words` say for what, and the key's."""
    role, use = words
    for i in sorted({*chosen} & {*used}):
        which = table.place.column(i, table.names[i])
        faults.add("SN510", f"{which} is {role}, and cannot {use}", key)


def _weights(
    settings: TableSettings, resolver: Resolver, targets: list[int], faults: Collector
) -> tuple[int, ...]:
    if settings.weight is None:
        return ()
    weights: list[int] = []
    with faults.catch():
        place = resolver.one(settings.weight, ("weight",))
        if place in targets:
            which = resolver.place.column(place, resolver.names[place])
            raise faults.error("SN510", f"{which} is a target, and cannot be the weight too", "weight")
        weights.append(place)
    return tuple(weights)


def _split_columns(
    settings: TableSettings, resolver: Resolver, targets: list[int], faults: Collector
) -> dict[str, int]:
    """Return the columns by which rows are split, by the key that names them."""
    split: dict[str, int] = {}
    for key, name in settings.split.keys.items() if settings.split is not None else ():
        with faults.catch():
            place = resolver.one(name, ("split", key))
            if place in targets:
                which = resolver.place.column(place, resolver.names[place])
                raise faults.error("SN510", f"{which} is a target: rows are not split by it", "split", key)
            split[key] = place
    return split


def _targets(settings: TableSettings, resolver: Resolver, faults: Collector) -> list[int]:
    if settings.reproduces:
        return []
    if isinstance(settings.target, tuple):
        if not settings.target:
            faults.add("SN510", "`target` names no column", "target")
        return resolver.many(settings.target, ("target",), faults)
    targets: list[int] = []
    with faults.catch():
        targets.append(resolver.one(settings.target, ("target",)))
    return targets


def _ids(settings: TableSettings, resolver: Resolver, faults: Collector) -> list[int]:
    if isinstance(settings.id, tuple):
        return resolver.many(settings.id, ("id",), faults)
    found: list[int] = []
    if settings.id is not None:
        with faults.catch():
            found.append(resolver.one(settings.id, ("id",)))
    return found


def _check_use(
    faults: Collector, key: str, column: ColumnSettings, feature: bool, target: bool, listed: bool
) -> None:
    """Add to `faults` what of a column's settings would be ignored."""
    path = ("columns", key)
    if not feature and not target:
        message = f"column `{key}` is neither a feature nor a target, so its settings would be ignored"
        faults.add(
            "SN517", message, *path, part="key", help="leave them out, or list the column in `features`"
        )
    if listed and column.type is not None:
        message = f"column `{key}` is listed in `categories` already"
        faults.add("SN517", message, *path, "type", help="list it once")
    if not target:
        return
    if column.type == "date":
        message = f"`{key}` is a target, and a date can be a feature only"
        faults.add("SN517", message, *path, "type", help="make a number of it, such as the days since a date")
    if column.type == "text":
        message = f"`{key}` is a target, and a text column can be a feature only"
        cure = 'leave `type` out, or write `type = "category"`, where the cells are names of classes'
        faults.add("SN517", message, *path, "type", help=cure)
    for option in ("encode", "scale", "unknown"):
        if getattr(column, option) is not None:
            help = 'a transform with `on = "targets"` scales targets' if option == "scale" else None
            message = f"`{option}` applies to features only, and `{key}` is a target"
            faults.add("SN517", message, *path, option, help=help)
    unfit = {"missing": column.missing not in (None, "refuse", "drop"), "fill": column.fill is not None}
    for option in (option for option, found in unfit.items() if found):
        message = f"a target must have a value: `{key}` cannot be filled in"
        faults.add("SN517", message, *path, option, help='`missing = "drop"` leaves such rows out')


def choose_alike(table: DataTable, main: Layout) -> Layout:
    """Return which columns of another file the training file uses: by name, if there are names."""
    place = table.place
    if not table.header:
        if table.width == len(main.names):
            return main
        message = f"`{place.name}` has {table.width} columns, the training file {len(main.names)}"
        raise place.error("SN554", message)
    used = Resolver(table).all([main.names[i] for i in main.used])
    there = dict(zip(main.used, used, strict=True))
    features, targets, weights = _cut(used, len(main.features), len(main.targets))
    return Layout(
        table.names,
        features,
        targets,
        weights,
        frozenset(there[i] for i in main.categories if i in there),
        {there[i]: column for i, column in main.settings.items()},
    )


def choose_by_plan(plan: TablePlan, table: DataTable, *, labelled: bool) -> Layout:
    """Return which columns of a file a stored plan takes, with its targets if the rows are `labelled`.

    They are found by name, if there are names; else by position, as in the training file or as the features alone.
    """
    count, width = len(plan.features), table.width
    columns = plan.used if labelled else tuple(plan.features)
    if table.header:
        used = Resolver(table).all([column.name for column in columns])
    elif width == plan.width:
        used = tuple(column.place for column in columns)
    elif labelled:
        message = f"`{table.place.name}` has {width} columns, and the training file {plan.width}"
        raise table.place.error("SN554", message)
    elif width == count:
        used = tuple(range(count))
    else:
        message = (
            f"`{table.place.name}` has {width} columns; the model takes {count}, "
            f"or the {plan.width} of its training file"
        )
        raise table.place.error("SN554", message)
    return Layout(table.names, *_cut(used, count, len(plan.targets)))


def _cut(
    used: tuple[int, ...], features: int, targets: int
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Return used columns as features, targets and weights."""
    return used[:features], used[features : features + targets], used[features + targets :]
