"""How a table is written as text: what parts cells, which lines are none of it, how the file is compressed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from specnet.data.formats.csv.compression import Compression

WHITESPACE = "whitespace"
"""The delimiter of cells that are separated by one or more blanks or tabs."""

_BLANKS_OR_QUOTED = re.compile(r'("(?:[^"]|"")*(?:"|$))|[ \t]+')
_CLOSING = re.compile(r'(?:[^"]|"")*("?)')


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a document says of the text of its tables."""

    delimiter: str = ","
    encoding: str = "utf-8"
    comment: str | None = None
    """What lines begin with that are left out."""
    skip_rows: int = 0
    """How many lines at the start are left out."""
    compression: Compression = "auto"

    def table_lines(self, lines: Iterable[str]) -> Iterable[str]:
        """Return lines as a reader of CSV takes them.

        Lines that are left out become blank ones, which readers of records leave out, so that lines keep their
        numbers; cells between blanks are parted by tabs.
        """
        if self.comment is None and not self.skip_rows and self.delimiter != WHITESPACE:
            return lines
        return self._prepared(lines)

    @property
    def sign(self) -> str:
        """The character that parts the cells of `table_lines`."""
        return "\t" if self.delimiter == WHITESPACE else self.delimiter

    def _prepared(self, lines: Iterable[str]) -> Iterator[str]:
        opening = re.compile(rf'(?:^|{re.escape(self.sign)})[ \t]*"(?:[^"]|"")*("?)')
        inside = False
        """Whether a quoted cell has begun in a line above."""
        for count, line in enumerate(lines):
            if count < self.skip_rows:
                yield "\n"
                continue
            if not inside and self.comment is not None and line.lstrip().startswith(self.comment):
                yield "\n"
                continue
            whole = self.tabbed(line) if self.delimiter == WHITESPACE and not inside else line
            if inside or '"' in whole:
                inside = _ends_inside(whole, opening, inside=inside)
            yield whole

    @staticmethod
    def tabbed(line: str) -> str:
        """Return a line of cells between blanks with tabs between its cells."""
        if '"' not in line and line.isascii():
            return "\t".join(line.split()) + "\n"
        # str.split() parts text at unbreakable blanks, too.
        return _BLANKS_OR_QUOTED.sub(lambda found: found[1] or "\t", line.strip(" \t\r\n")) + "\n"


def _ends_inside(line: str, opening: re.Pattern[str], *, inside: bool) -> bool:
    """Return whether a line ends inside a quoted cell, by whether it begins there."""
    start = 0
    if inside:
        closed = _CLOSING.match(line)
        if closed is None or not closed[1]:
            return True
        start = closed.end()
    return any(not found[1] for found in opening.finditer(line, start))
