from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

from specnet.data.files import Place
from specnet.data.tables.columns import TableRows, targets
from specnet.data.tables.explain import explain
from specnet.data.tables.layout import Layout, Resolver, first_record
from specnet.data.tables.scan import Column, Rules, scan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.readers.csv_file import Csv
    from specnet.data.signature import Signature


def labelled_rows(
    plan: dict[str, Any], reader: Csv, signature: Signature, place: Place
) -> tuple[TableRows, NDArray[Any]] | None:
    """Return the rows of a file that has the features and the targets, and its targets; note what is wrong.

    Columns are found as in the training file: by name where there is a header, else by place. A reader that
    drops rows without a value drops them here, too.
    """
    dialect, faults = reader.dialect, place.site.faults
    first = first_record(place, dialect)
    if first is None:
        return None
    resolver = Resolver(first, place, dialect, faults)
    before = len(faults.found)
    if reader.header:
        features = [resolver.one(name, ()) for name in plan["names"]]
    elif len(first) != plan["width"]:
        message = f"`{place.name}` has {len(first)} columns, and the training file {plan['width']}"
        faults.add("SN554", message)
        return None
    else:
        features = list(plan["places"])
    wanted = reader.target if isinstance(reader.target, tuple) else (reader.target,)
    aims = [resolver.one(ref, ()) for ref in wanted]
    if len(faults.found) > before:
        return None
    used = tuple(i for i in features if i is not None)
    aimed = tuple(i for i in aims if i is not None)
    only = {i for i, names_only in zip(used, plan["names_only"], strict=True) if names_only}
    text = signature.target_kind == "class" and signature.classes is not None
    layout = Layout(resolver.names, used, aimed, frozenset(only | (set(aimed) if text else set())))
    columns = zip(used, plan["names"], plan["kinds"], plan["categories"], strict=True)
    known = {i: Column(name, kind, array("d"), tuple(names)) for i, name, kind, names in columns}
    kind, names = ("text", signature.classes or ()) if text else ("number", ())
    known |= {i: Column(resolver.names[i], kind, array("d"), names) for i in aimed}  # type: ignore[arg-type]
    drop = reader.missing == "drop"
    optional = frozenset(layout.used if drop else used if plan["fill"] is not None else ())
    rules = Rules(known, drop=drop, zeros=reader.unknown == "zeros", optional=optional)
    found = scan(place, dialect, layout, rules)
    if found is None:
        return None
    if found.faulty or not optional.issuperset(found.missing):
        explain(place, dialect, layout, rules)
        return None
    if not found.rows:
        faults.add("SN506", f"`{place.name}` has no rows of data")
        return None
    aimed_columns = [found.columns[i] for i in aimed]
    single = not isinstance(reader.target, tuple)
    rows = TableRows(plan, [found.columns[i].values for i in used])
    return rows, targets(aimed_columns, integers=text, single=single)
