"""Plain tables: a head, a rule, and rows, in the columns that a terminal or a pipe has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from specnet.diagnostics.segments import printable, wrapped

LEFT = "<"
GAP = 2
"""Blanks between columns."""


@dataclass(slots=True)
class TextTable:
    """Heads, rows of as many cells, and where on the way the rows are set apart."""

    heads: Sequence[str]
    sides: str
    """For each column whether it is flush left (`<`) or right (`>`)."""
    rows: list[Sequence[str]] = field(default_factory=list)
    titles: dict[int, str] = field(default_factory=dict)
    """What stands above a row, by its number."""

    @property
    def widths(self) -> list[int]:
        """The columns of a terminal that each column takes."""
        columns = zip(self.heads, *self.rows, strict=True)
        return [max(cell_len(printable(cell)) for cell in cells) for cells in columns]

    @property
    def width(self) -> int:
        """The columns of a terminal that the whole takes."""
        return sum(self.widths) + GAP * len(self.heads) - 1

    def lines(self, rule: str = "─") -> list[Text]:
        """Return the table in lines, without blanks at their ends."""
        widths = self.widths
        made = []
        if any(self.heads):
            made.append(Text(self._line(self.heads, widths), "bold"))
            made.append(Text(" " + rule * (self.width - 1), "dim"))
        for number, row in enumerate(self.rows):
            if number in self.titles:
                made.append(Text(f" {printable(self.titles[number])}", "cyan"))
            made.append(Text(self._line(row, widths)))
        return made

    def show(self, console: Console) -> None:
        """Print the table, its lines whole even where they are wider than the terminal."""
        rule = "-" if console.options.ascii_only else "─"
        for line in self.lines(rule):
            console.print(line, soft_wrap=True)

    def _line(self, cells: Sequence[str], widths: Sequence[int]) -> str:
        parts = []
        for text, side, width in zip(cells, self.sides, widths, strict=True):
            cell = printable(text)
            blanks = " " * (width - cell_len(cell))
            parts.append(cell + blanks if side == LEFT else blanks + cell)
        return f" {(' ' * GAP).join(parts)}".rstrip()


def section(console: Console, title: str) -> None:
    """Begin a part of the output with its name."""
    console.print()
    for line in wrapped(printable(title), console.width - 2):
        console.print(Text(f" {line}", "bold cyan"), soft_wrap=True)


def paragraph(console: Console, lead: str, style: str, text: str, width: int) -> None:
    """Print a lead and a string, in lines that are indented like the first."""
    first, *rest = wrapped(f"{printable(lead)}  {printable(text)}", width - 2)
    line = Text(f" {first}")
    line.stylize(style, 1, 1 + len(lead))
    console.print(line, soft_wrap=True)
    for other in rest:
        console.print(Text(f" {other}"), soft_wrap=True)
