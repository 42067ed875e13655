"""Checksums of the files that an experiment reads, computed while it does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, overload

from specnet.data.files import sha256
from specnet.locking import Lock

LARGE = 4 << 20
"""Bytes of a file from which a thread pays."""

Source = tuple[str, str]
"""The name of a file, and its SHA-256."""


class FileDigests(Sequence[Source]):
    """Files that were read, with their SHA-256: who looks at them first waits until all of these are known."""

    def __init__(self, found: Callable[[], tuple[Source, ...]]) -> None:
        self._found: Callable[[], tuple[Source, ...]] | None = found
        self._known: tuple[Source, ...] = ()
        self._lock = Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        """Become a tuple in a copy, and in another process."""
        return tuple, (self._all,)

    @property
    def _all(self) -> tuple[Source, ...]:
        with self._lock:
            if self._found is not None:
                self._known, self._found = self._found(), None
        return self._known

    def __len__(self) -> int:
        return len(self._all)

    @overload
    def __getitem__(self, place: int) -> Source: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Source]: ...

    def __getitem__(self, place: int | slice) -> Source | Sequence[Source]:
        return self._all[place]

    def __eq__(self, other: object) -> bool:
        """Return whether others are the same."""
        return isinstance(other, Sequence) and self._all == tuple(other)

    def __hash__(self) -> int:
        return hash(self._all)


class Digests:
    """The SHA-256 of files by name; those of large ones are computed on a thread, once they are begun or asked for."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        large = (path for path in files.values() if path.is_file() and path.stat().st_size >= LARGE)
        self._large = list(dict.fromkeys(large))
        self._found: dict[Path, str | OSError] = {}
        self._stopped = threading.Event()
        # At the end of the program, nobody waits for it.
        self._thread = threading.Thread(target=self._compute, name="specnet checksums", daemon=True)
        self._begun = not self._large

    def begin(self) -> None:
        """Have those of large files computed."""
        if not self._begun:
            self._begun = True
            self._thread.start()

    def _compute(self) -> None:
        for path in self._large:
            try:
                self._found[path] = sha256(path, self._stopped)
            except OSError as error:
                self._found[path] = error

    def stop(self) -> None:
        """Compute no more of them."""
        self._stopped.set()
        if self._large and self._begun:
            self._thread.join()

    def of(
        self,
        files: Mapping[str, Path],
        known: Mapping[Path, str] = MappingProxyType({}),
        others: Mapping[str, str] = MappingProxyType({}),
    ) -> Sequence[Source]:
        """Return the name and the SHA-256 of each file, in order; some are `known` already.

        Those of `others` that are no files follow.
        """
        self.begin()
        pending = {path for path in files.values() if path in self._large and path not in known}
        now = {path: known.get(path) or sha256(path) for path in files.values() if path not in pending}

        def found() -> tuple[Source, ...]:
            if pending:
                self._thread.join()
            own = ((name, now.get(path) or self._of(path)) for name, path in sorted(files.items()))
            return (*own, *sorted(others.items()))

        return FileDigests(found) if pending else found()

    def _of(self, path: Path) -> str:
        # A process that was forked meanwhile lacks the thread.
        result = self._found.get(path) or sha256(path)
        if isinstance(result, OSError):
            raise result
        return result


@contextmanager
def digesting(files: Mapping[str, Path]) -> Iterator[Digests]:
    """Return what computes the checksums of files: to the end, unless something is raised meanwhile."""
    digests = Digests(files)
    try:
        yield digests
    except BaseException:
        digests.stop()
        raise
