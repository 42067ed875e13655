from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Code:
    """The rule behind a code.

    `wrong` and `right` are pieces of a document: what they leave out is as in any sound one. An empty
    `wrong` belongs to what no piece of a document shows, such as a file's encoding.
    """

    code: str
    title: str
    text: str
    """One paragraph: what is found, and why it is refused."""
    wrong: str = ""
    right: str = ""
    syntax: Literal["toml", "json", "flag"] = "toml"
    """Whether the examples are TOML, JSON, or what follows `--set`."""
    files: tuple[tuple[str, str], ...] = ()
    """The data files that the examples name, and what they hold."""
