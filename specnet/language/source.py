from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Syntax = Literal["toml", "json"]


@dataclass(frozen=True, slots=True)
class SourceText:
    """The text of one document, and what it is called in diagnostics."""

    text: str
    file: str = "<text>"
    syntax: Syntax = "toml"
    path: Path | None = None
    """Where it was read from, absolute; None for a string that came from elsewhere."""

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the document start from."""
        return self.path.parent if self.path is not None else Path.cwd()

    @property
    def stem(self) -> str:
        """The file's name without its last suffix."""
        # What pathlib calls the stem of `....toml` depends on Python's version.
        name = "spec" if self.path is None else self.path.name
        return name.rpartition(".")[0] or name


def text_source(text: str, file: str = "<text>", path: Path | None = None) -> SourceText:
    """Return a source for a string; its syntax follows the file's suffix, or else its first character."""
    text = text.removeprefix("\ufeff")
    suffix = Path(file).suffix.lower()
    if suffix in {".toml", ".json"}:
        return SourceText(text, file, "json" if suffix == ".json" else "toml", path)
    return SourceText(text, file, "json" if text.lstrip()[:1] == "{" else "toml", path)
