"""What a row of the table is: some work, which specnet's engines and their peers do in turn."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

ENGINES = ("numpy", "numba")

PROCESSES = "numpy in processes"
"""The NumPy engine where as many processes as the others have threads train together."""

Peers = dict[str, Callable[[], float]]
"""What each does of the work, by name, and how many seconds it took for a unit of it.

Engines have their own names. What follows a comma in others is a variant, of which the best one counts.
"""


@dataclass(frozen=True)
class Setting:
    """How a case is measured."""

    folder: Path
    """For files."""
    threads: int
    """Of every peer."""
    engines: Collection[str] = ("numpy",)
    quick: bool = False
    """Whether to do as little of the work as shows that it can be done."""
    compiled: bool = False
    """Whether PyTorch's networks are also measured as `torch.compile` makes them."""

    def size(self, whole: int, quick: int) -> int:
        """Return how much of something there is."""
        return quick if self.quick else whole


@dataclass(frozen=True)
class Peer:
    """A peer to compare with, and the ratios that are wanted of the NumPy engine, and of one that an extra brings.

    `{engine}` in a name stands for the engine that is compared.
    """

    name: str
    numpy: float | None = None
    extra: float | None = None
    needs: str = "torch"
    """The package that it needs; empty for none."""

    @property
    def is_installed(self) -> bool:
        """Whether its package is installed."""
        return not self.needs or find_spec(self.needs) is not None

    def wanted(self, engine: str) -> float | None:
        """Return the ratio that is wanted of an engine."""
        return self.numpy if engine in ("numpy", PROCESSES) else self.extra


@dataclass(frozen=True)
class Case:
    """Some work that a table has a row for, or one for each peer."""

    name: str
    work: str
    peers: tuple[Peer, ...]
    prepare: Callable[[Setting], Peers]
    needs: tuple[str, ...] = ()
    """Packages without which there is nothing to measure; those of single peers are theirs."""
    unit: str = "step"
    longer: bool = False
    """Whether to say how many times as long specnet takes, and not how many times as fast it is."""
    rounds: int = 30
    engines: tuple[str, ...] = ("numpy", PROCESSES, "numba")
    notes: dict[str, str] = field(default_factory=dict)
    """What peers have noted besides, by what it is."""

    @property
    def missing(self) -> list[str]:
        """The packages without which no row of it can be measured, of those that are not installed."""
        lacking = [name for name in self.needs if find_spec(name) is None]
        if self.peers and not any(peer.is_installed for peer in self.peers):
            lacking += [peer.needs for peer in self.peers if peer.needs not in lacking]
        return lacking
