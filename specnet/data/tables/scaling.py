from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from specnet.data.transform import Transform
from specnet.data.transforms.statistics import MinMax, Standardize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from specnet.data.lowered import Fitted, State
    from specnet.data.tables.plan import TablePlan
    from specnet.graph.graph import Value

    Array = NDArray[Any]


class ColumnScale(Transform):
    """What the `scale` of columns comes to: y = (x - center) / span for each element of an input.

    It runs before the transforms of the document, which do not name it: it is made from the columns.
    """

    type: Literal["column_scale"]
    """Always given, unlike that of kinds that a document can choose."""
    kind: Literal["standardize", "minmax"]
    """How its elements are scaled."""
    elements: tuple[int, ...]
    """The places of the elements that are scaled; the others stay as they are."""
    width: int
    """How many elements there are."""
    order_kept: ClassVar[bool] = True

    @property
    def columns(self) -> tuple[int, ...]:
        """Its elements: those of a block that lies in columns are looked at one by one."""
        return self.elements

    def fit_blocks(self, blocks: Iterable[Array]) -> State:
        """Return `center` and `span`, one of each for every element: 0 and 1 of those that are not scaled.

        The blocks have all elements, or those alone that are scaled.
        """
        import numpy as np

        statistics = Standardize() if self.kind == "standardize" else MinMax()
        chosen = list(self.elements)
        own = (block if block.shape[1] == len(chosen) else block[:, chosen] for block in blocks)
        state = statistics.fit_blocks(own)
        center, span = np.zeros(self.width), np.ones(self.width)
        names = ("mean", "std") if self.kind == "standardize" else ("min", "span")
        center[chosen], span[chosen] = state[names[0]], state[names[1]]
        return {"center": center, "span": span}

    def lower(self, x: Value, fitted: Fitted) -> Value:
        """Append (x - center) / span."""
        return (x - fitted["center"]) / fitted["span"]

    def lower_inverse(self, y: Value, fitted: Fitted) -> Value:
        """Append y · span + center."""
        return y * fitted["span"] + fitted["center"]


def column_scales(plan: TablePlan) -> list[Transform]:
    """Return the steps that the `scale` of a table's columns comes to, one for each way to scale."""
    starts = zip(plan.features, plan.column_slices, strict=True)
    scaled = [
        (column.scale, element)
        for column, part in starts
        if column.scale != "none"
        for element in range(part.start, part.start + part.width)
    ]
    width = sum(column.width for column in plan.features)
    steps: list[Transform] = []
    for kind in ("standardize", "minmax"):
        elements = tuple(start for scale, start in scaled if scale == kind)
        if elements:
            steps.append(
                ColumnScale.model_validate(
                    {"type": "column_scale", "kind": kind, "elements": elements, "width": width}
                )
            )
    return steps
