"""Figures of models of tables, kept in a file of JSON to which several processes may add."""

from __future__ import annotations

import fcntl
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple


class Key(NamedTuple):
    """What was measured: a model on a table, of whose rows some were held out by a seed."""

    table: str
    split: int
    model: str


@dataclass(frozen=True)
class Figure:
    """What was found."""

    table: str
    split: int
    model: str
    score: float
    """The accuracy on the rows held out, or the root mean squared error."""
    rows: int
    """Rows that were learnt from."""
    seconds: float
    cpu: float
    """Processor seconds."""
    mib: float
    """The most memory that the process held, with its libraries."""

    @property
    def key(self) -> Key:
        return Key(self.table, self.split, self.model)


class Store:
    """A file of figures, and of the versions of what they were measured with."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.versions: dict[str, dict[str, str]] = {}
        """The versions of libraries, by model."""
        self.figures: dict[Key, Figure] = {}
        self._read()

    def __contains__(self, key: Key) -> bool:
        return key in self.figures

    def add(self, figure: Figure, versions: dict[str, str]) -> None:
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._read()
            self.figures[figure.key] = figure
            self.versions[figure.model] = versions
            self._write()

    def _read(self) -> None:
        if self.path.exists():
            kept = json.loads(self.path.read_text(encoding="utf-8"))
            self.versions = kept["versions"]
            found = (Figure(**figure) for figure in kept["figures"])
            self.figures = {figure.key: figure for figure in found}

    def _write(self) -> None:
        head = json.dumps(dict(sorted(self.versions.items())), indent=1)
        lines = ",\n".join(json.dumps(asdict(self.figures[key])) for key in sorted(self.figures))
        new = self.path.with_suffix(".new")
        new.write_text(f'{{"versions": {head},\n"figures": [\n{lines}\n]}}\n', encoding="utf-8")
        new.replace(self.path)
