"""Where results and notes go, and what can be shown there."""

from __future__ import annotations

import json
import sys
from typing import IO, TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from specnet.diagnostics.segments import Segment

WIDEST = 100
"""Columns beyond which nothing gets better: lines of text and curves stay this narrow."""

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


class PipeConsole(Console):
    """Rich's console, which leaves a closed pipe to whoever runs the command."""

    def on_broken_pipe(self) -> None:
        """Pass the error on; Rich would end the process."""
        raise BrokenPipeError


def results() -> Console:
    """Return standard output, for what was asked for."""
    return _console(sys.stdout)


def notes() -> Console:
    """Return standard error, for progress, notes and findings."""
    return _console(sys.stderr)


def _console(file: IO[str]) -> Console:
    # What a document says is shown as it stands: no markup, no emoji, no colours of Rich's own choice.
    return PipeConsole(file=file, markup=False, emoji=False, highlight=False, legacy_windows=False)


def plain(console: Console) -> bool:
    """Whether only ASCII can be shown."""
    return console.options.ascii_only


def line(console: Console, *parts: str | tuple[str, str]) -> None:
    """Print one line, however long, of which some parts have styles."""
    console.print(Text.assemble(*parts), soft_wrap=True)


def say(console: Console, text: str, style: str = "") -> None:
    """Print lines, however long: a path must stay whole to be copied.

    What could command the terminal becomes visible, as names of files, columns and classes are anyone's choice.
    """
    from specnet.diagnostics.segments import printable

    console.print(Text("\n".join(map(printable, text.split("\n"))), style), soft_wrap=True)


def failed(message: str, lead: str = "error") -> None:
    """Say on standard error, in one line, why nothing comes of a command."""
    from specnet.diagnostics.segments import printable

    line(notes(), (lead, "bold red"), ": ", printable(message))


def write_json(data: object) -> None:
    """Write results as JSON, with null for numbers that JSON does not have."""
    from specnet.storage.files import finite

    text = json.dumps(finite(data), indent=2, ensure_ascii=False, allow_nan=False)
    sys.stdout.write(f"{text}\n")


def show_segments(console: Console, segments: Iterable[Segment]) -> None:
    """Print the styled pieces of a report; their lines are as wide as they are to be."""
    parts = [(text, STYLES[style]) for text, style in segments]
    console.print(Text.assemble(*parts), end="", soft_wrap=True)
