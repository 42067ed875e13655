"""The transforms of a document, once it is known which elements of an example its columns are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from specnet.data.signature import ColumnSlice, DataDescription
from specnet.data.transforms import Transform
from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped, listed

if TYPE_CHECKING:
    from specnet.data.collector import Collector
    from specnet.data.tables.plan import TablePlan


class ResolvedTransforms(NamedTuple):
    """Transforms of inputs and of targets, and what the columns of the inputs are after them."""

    transforms: tuple[Transform, ...]
    """Each at its place in the document's list; one that is on a list of columns is a ColumnTransform."""
    column_slices: tuple[ColumnSlice, ...] | None


def resolve(
    transforms: tuple[Transform, ...], raw: DataDescription, plan: TablePlan | None, collector: Collector
) -> ResolvedTransforms:
    """Return transforms that are on columns as transforms of these columns' elements; note what doesn't fit."""
    slices = raw.column_slices
    if slices is None and raw.features is not None:
        slices = tuple(ColumnSlice(name, i, 1, "number") for i, name in enumerate(raw.features))
    resolved = []
    for place, transform in enumerate(transforms):
        if isinstance(transform.on, str):
            resolved.append(transform)
            texts = [part.name for part in slices or () if part.kind == "tokens"]
            if transform.on == "inputs" and texts:
                which = f"`{clipped(texts[0])}`" if raw.quotable else "a text column"
                message = f"`{transform.type}` would change the tokens of {which}"
                help = "list columns of numbers in `on`; `scale` in [data] scales numbers alone"
                key = "on" if "on" in transform.model_fields_set else "type"
                collector.add("SN560", message, "transforms", place, key, help=help)
            continue
        columns = _Columns(transform, place, slices, plan, collector, quotable=raw.quotable)
        found = columns.resolved()
        resolved.append(transform if found is None else found)
        if found is not None and found.on == "inputs" and slices is not None:
            slices = _after(transform, slices)
    return ResolvedTransforms(tuple(resolved), raw.column_slices if slices is None else slices)


class _Columns:
    """The columns that one transform lists."""

    def __init__(
        self,
        transform: Transform,
        place: int,
        slices: tuple[ColumnSlice, ...] | None,
        plan: TablePlan | None,
        collector: Collector,
        *,
        quotable: bool,
    ) -> None:
        self.transform, self.place, self.collector, self.quotable = transform, place, collector, quotable
        self.features = {part.name: part for part in slices or () if not part.shape}
        self.width = sum(part.width for part in slices or ())
        self.targets = [] if plan is None else [column.name for column in plan.targets]
        self.text = set() if plan is None else {column.name for column in plan.targets if column.coded}

    def resolved(self) -> Transform | None:
        """Return the transform of the elements of its columns; None where something was noted."""
        names = self.transform.on
        assert not isinstance(names, str)
        if not self.features:
            self._note(
                "SN560", "`on` lists columns, and these data have none", help='write "inputs" or "targets"'
            )
            return None
        sound = [self._is_sound(i, name) for i, name in enumerate(names)]
        if not all(sound):
            return None
        of_targets = [name in self.targets for name in names]
        if any(of_targets) and not all(of_targets):
            name = names[of_targets.index(True)]
            message = f"`{clipped(name)}` is a target, and others in the list are features"
            self._note("SN560", message, of_targets.index(True), help="write a transform for each")
            return None
        on: Literal["inputs", "targets"] = "targets" if of_targets[0] else "inputs"
        if of_targets[0] and len(self.targets) == 1:
            return self.transform.model_copy(update={"on": on})
        if not self._keeps_columns(len(names)):
            return None
        from specnet.data.transforms.columns import column_transform

        if of_targets[0]:
            places = {name: self.targets.index(name) for name in names}
            return column_transform(self.transform, on, places, len(self.targets))
        places = {name: self.features[name].start for name in names}
        return column_transform(self.transform, on, places, self.width)

    def _is_sound(self, i: int, name: str) -> bool:
        """Return whether a name is that of a column of numbers; note it if not."""
        kind = self.transform.type
        if name in self.features:
            part = self.features[name]
            if part.kind == "number" or (part.kind == "index" and kind == "one_hot"):
                return True
            what = {"boolean": "yes and no", "date": "dates", "tokens": "text"}.get(part.kind, "categories")
            self._note("SN560", f"`{clipped(name)}` holds {what}, and `{kind}` takes a column of numbers", i)
            return False
        if name in self.targets:
            if name in self.text:
                self._note("SN560", f"`{clipped(name)}` holds classes, and `{kind}` takes numbers", i)
            return name not in self.text
        known = [*self.features, *self.targets]
        near = closest(name, known) if self.quotable else None
        there = f"there are {listed(known)}" if self.quotable else None
        help = f"did you mean `{clipped(near)}`?" if near else there
        self._note("SN509", f"no column that is used is called `{clipped(name)}`", i, help=help)
        return False

    def _keeps_columns(self, count: int) -> bool:
        shape = self.transform.output_shape((count,)) if self.transform.type != "reshape" else ()
        if self.transform.type == "flatten" or shape[:1] != (count,):
            message = (
                f"`{self.transform.type}` changes the shape of a whole example, and not of single columns"
            )
            self._note("SN560", message, help='write "inputs" or "targets"')
            return False
        return True

    def _note(self, code: str, message: str, *key: int, help: str | None = None) -> None:
        self.collector.add(code, message, "transforms", self.place, "on", *key, help=help)


def _after(transform: Transform, slices: tuple[ColumnSlice, ...]) -> tuple[ColumnSlice, ...]:
    """Return the columns after a transform of some of them."""
    made, start = [], 0
    for part in slices:
        if part.name in transform.on:
            kind, width, categories = transform.becomes
            own = part._replace(kind=kind, width=width, categories=categories, whole=kind != "number")
        else:
            own = part
        made.append(own._replace(start=start))
        start += own.width
    return tuple(made)
