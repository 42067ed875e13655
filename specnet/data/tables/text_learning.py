"""What text columns learn from the training rows: their vocabulary, and how long texts are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from specnet.data.tables.column_settings import NOTHING_SAID
from specnet.data.tables.rules import known_format
from specnet.data.tables.texts import TextEncoding
from specnet.diagnostics.text import clipped

if TYPE_CHECKING:
    from specnet.data.collector import Collector
    from specnet.data.rows import Chosen
    from specnet.data.tables.layout import Layout
    from specnet.data.tables.plan import TablePlan
    from specnet.data.tables.scan import Scan
    from specnet.data.tables.stream_rows import StreamedTable


@dataclass(frozen=True, slots=True)
class HeldTexts:
    """The text columns of a file that was read."""

    layout: Layout
    found: Scan
    chosen: Chosen
    """The training rows; None for all."""

    def of(self, feature: int) -> Iterable[str]:
        """Return the training texts of a column, which is named by its place among the features."""
        column = self.found.columns[self.layout.features[feature]]
        codes = column.values if self.chosen is None else column.values[self.chosen]
        return [column.categories[code] for code in codes[codes >= 0]]


@dataclass(frozen=True, slots=True)
class StreamedTexts:
    """The text columns of a file that stays where it is, which is read through for each of them."""

    table: StreamedTable
    rows: int
    chosen: Chosen
    """The training rows; None for all."""

    def of(self, feature: int) -> Iterable[str]:
        """Return the training texts of a column, which can be iterated over several times."""
        return _Pass(self, feature)

    def read(self, feature: int) -> Iterator[str]:
        """Yield the training texts of a column."""
        import numpy as np

        wanted = np.ones(self.rows, np.bool_)
        if self.chosen is not None:
            wanted[:] = False
            wanted[self.chosen] = True
        form, parser = known_format(self.table.plan.features[feature]), self.table.table.parser
        start = 0
        for count, cells in self.table.cells():
            for chosen, cell in zip(wanted[start : start + count].tolist(), cells[feature], strict=True):
                text = form.text(parser, cell) if chosen else None
                if text is not None:
                    yield text
            start += count


@dataclass(frozen=True, slots=True)
class _Pass:
    texts: StreamedTexts
    feature: int

    def __iter__(self) -> Iterator[str]:
        return self.texts.read(self.feature)


def learn_texts(
    plan: TablePlan, layout: Layout, texts: HeldTexts | StreamedTexts, collector: Collector
) -> None:
    """Give each text column of a plan its encoding, and note columns without a single token."""
    for feature, (column, place) in enumerate(zip(plan.features, layout.features, strict=True)):
        if column.type != "text":
            continue
        settings = layout.settings.get(place, NOTHING_SAID)
        column.texts = TextEncoding.learn(
            texts.of(feature),
            settings.tokenizer,
            length=settings.length,
            truncate=settings.truncate or "end",
            missing=settings.fill if isinstance(settings.fill, str) else "",
        )
        if not column.texts.telling:
            which = f"column `{clipped(column.name)}`"
            message = (
                f"{which} has no token in the training split: its cells are empty, or `min_count` is too high"
            )
            key = layout.keys[place]
            collector.add("SN511", message, "columns", key, part="key", help="leave it out with `exclude`")
