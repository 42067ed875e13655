"""Where results and notes go, and what can be shown there."""

from __future__ import annotations

import json
import sys
from typing import IO, TYPE_CHECKING, Any, cast

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from specnet.diagnostics.segments import Segment

WIDEST = 100
"""Columns beyond which nothing gets better: lines of text and curves stay this narrow."""

DEFAULT = 80
"""Columns where nothing says how many there are."""

STYLES = {
    "error": "bold red",
    "warning": "bold yellow",
    "strong": "bold",
    "location": "",
    "gutter": "blue",
    "source": "",
    "primary": "bold red",
    "secondary": "blue",
    "help": "green",
    "plain": "",
}


class VisibleConsole(Console):
    """Rich's console, on which no name of a file, a column or a class commands the terminal.

    Colours are styles, so that text never holds a command that is meant.
    """

    def print(self, *objects: Any, **settings: Any) -> None:
        """Print texts as `visible` makes them."""
        super().print(*map(_visible, objects), **settings)


def _visible(item: object) -> object:
    from specnet.diagnostics.segments import visible

    if isinstance(item, Text):
        item = item.copy()
        item.plain = visible(item.plain)  # of the same length, so that the styles stay where they are
        return item
    return visible(item) if isinstance(item, str) else item


def results() -> Console:
    """Return standard output, for what was asked for."""
    return _console(sys.stdout)


def notes() -> Console:
    """Return standard error, for progress, notes and findings."""
    return _console(sys.stderr)


def _console(file: IO[str]) -> Console:
    # What a document says is shown as it stands: no markup, no emoji, no colours of Rich's own choice.
    console = VisibleConsole(file=file, markup=False, emoji=False, highlight=False, legacy_windows=False)
    if (
        console.width < 1
    ):  # COLUMNS=0, which some programs set where they do not know; Rich would print nothing
        console.width = DEFAULT
    return console


def plain(console: Console) -> bool:
    """Whether only ASCII can be shown."""
    return console.options.ascii_only


def line(console: Console, *parts: str | tuple[str, str]) -> None:
    """Print one line, however long, of which some parts have styles."""
    from specnet.diagnostics.segments import printable

    shown = (printable(part) if isinstance(part, str) else (printable(part[0]), part[1]) for part in parts)
    console.print(Text.assemble(*shown), soft_wrap=True)


def say(console: Console, text: str, style: str = "") -> None:
    """Print lines, however long: a path must stay whole to be copied.

    What could command the terminal becomes visible, as names of files, columns and classes are anyone's choice.
    """
    from specnet.diagnostics.segments import printable

    console.print(Text("\n".join(map(printable, text.split("\n"))), style), soft_wrap=True)


def failed(message: str, lead: str = "error") -> None:
    """Say on standard error, in one line, why nothing comes of a command."""
    line(notes(), (lead, "bold red"), ": ", message)


def write_json(data: object) -> None:
    """Write results as JSON, with null for numbers that JSON does not have."""
    from specnet.diagnostics.segments import escaped
    from specnet.storage.files import finite

    text = json.dumps(finite(data), indent=2, ensure_ascii=False, allow_nan=False)
    sys.stdout.write(f"{escaped(text)}\n")


def write_data(text: str) -> None:
    """Write what another program may read, as it is, but visibly where a terminal shows it."""
    data_file().write(text)


def data_file() -> IO[str]:
    """Return standard output for data that another program may read; a terminal shows them visibly."""
    return cast("IO[str]", _VisibleFile()) if sys.stdout.isatty() else sys.stdout


class _VisibleFile:
    def write(self, text: str) -> int:
        from specnet.diagnostics.segments import visible

        sys.stdout.write(visible(text.replace("\r\n", "\n")))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for each in lines:
            self.write(each)


def show_segments(console: Console, segments: Iterable[Segment]) -> None:
    """Print the styled pieces of a report; their lines are as wide as they are to be."""
    parts = [(text, STYLES[style]) for text, style in segments]
    console.print(Text.assemble(*parts), end="", soft_wrap=True)
