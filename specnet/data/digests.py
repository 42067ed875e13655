"""Checksums of the files that an experiment reads, computed while it does."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from specnet.data.files import sha256

if TYPE_CHECKING:
    from concurrent.futures import Future

LARGE = 4 << 20
"""Bytes of a file from which a thread pays."""


class Digests:
    """The SHA-256 of files by name; those of large ones are computed on a thread meanwhile."""

    def __init__(self, begun: Mapping[Path, Future[str]]) -> None:
        self._begun = begun

    def of(
        self, files: Mapping[str, Path], known: Mapping[Path, str] = MappingProxyType({})
    ) -> tuple[tuple[str, str], ...]:
        """Return the name and the SHA-256 of each file, in order; some are `known` already."""
        return tuple((name, known.get(path) or self._of(path)) for name, path in sorted(files.items()))

    def _of(self, path: Path) -> str:
        begun = self._begun.get(path)
        return sha256(path) if begun is None else begun.result()


@contextmanager
def digesting(files: Mapping[str, Path]) -> Iterator[Digests]:
    """Have the checksums of files computed, until they are no longer wanted."""
    large = [path for path in files.values() if path.is_file() and path.stat().st_size >= LARGE]
    if not large:
        yield Digests({})
        return
    from concurrent.futures import ThreadPoolExecutor

    stopped = threading.Event()
    with ThreadPoolExecutor(1) as thread:
        try:
            yield Digests({path: thread.submit(sha256, path, stopped) for path in dict.fromkeys(large)})
        finally:
            stopped.set()
            thread.shutdown(cancel_futures=True)
