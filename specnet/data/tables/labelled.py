from __future__ import annotations

from typing import TYPE_CHECKING

from specnet.data.files import FilePlace
from specnet.data.new_rows import LabelledRows
from specnet.data.tables.columns import TableRows, targets
from specnet.data.tables.explain import explain
from specnet.data.tables.layout import Layout, Resolver, first_record
from specnet.data.tables.rules import known_rules
from specnet.data.tables.scan import scan

if TYPE_CHECKING:
    from specnet.data.formats.table import Tabular
    from specnet.data.tables.dialect import Dialect
    from specnet.data.tables.plan import TablePlan


def labelled_rows(
    plan: TablePlan, data_format: Tabular, dialect: Dialect, place: FilePlace
) -> LabelledRows | None:
    """Return the rows of a file that has the features and the targets, and its targets; note what is wrong.

    The targets are None where they are the inputs. Columns are found as in the training file: by name where there
    is a header, else by place. Rows that the training file would have dropped, for a column without a value, are
    dropped here, too.
    """
    collector = place.context.collector
    first = first_record(place, dialect)
    if first is None:
        return None
    resolver = Resolver(first, place, dialect, collector)
    before = len(collector.found)
    columns = (*plan.features, *plan.targets)
    places: list[int | None]
    if dialect.header:
        places = [resolver.one(column.name, ()) for column in columns]
    elif len(first) != plan.width:
        message = f"`{place.name}` has {len(first)} columns, and the training file {plan.width}"
        collector.add("SN554", message)
        return None
    else:
        places = [column.place for column in columns]
    if len(collector.found) > before:
        return None
    used = tuple(i for i in places if i is not None)
    count = len(plan.features)
    layout = Layout(resolver.names, used[:count], used[count:], frozenset())
    rules = known_rules(dict(zip(used, columns, strict=True)), drop=True)
    found = scan(place, dialect, layout, rules)
    if found is None:
        return None
    if found.faulty or not rules.optional.issuperset(found.missing):
        explain(place, dialect, layout, rules)
        return None
    if not found.rows:
        collector.add("SN506", f"`{place.name}` has no rows of data")
        return None
    if not plan.targets:
        return LabelledRows(TableRows(plan, [found.columns[i].values for i in layout.features]), None)
    aimed = [found.columns[i] for i in layout.targets]
    single = not isinstance(data_format.target, tuple)
    rows = TableRows(plan, [found.columns[i].values for i in layout.features])
    return LabelledRows(rows, targets(aimed, integers=single and plan.targets[0].text, single=single))
