"""What one process of a machine has made, for all of them, in memory that they share.

Arrays travel as the buffers of a pickle (PEP 574): the first process copies them into a file without a name, and all
of them, the first one too, map that file. It lies in memory where the system has such files (Linux), on the disk if it
is large, and is gone once no process uses it any more.
"""

from __future__ import annotations

import json
import mmap
import os
import pickle
import secrets
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

from specnet.data.files import memory
from specnet.data.tables.column_store import RESERVE, large_folder
from specnet.data.text.token_array import SHARE
from specnet.diagnostics import RunError
from specnet.diagnostics.text import sized
from specnet.training.distributed import agreed

if TYPE_CHECKING:
    from specnet.engines.ranks import Ranks

T = TypeVar("T")

LARGE = 1 << 12
"""Bytes from which an array is shared; each process has smaller ones for itself."""

ALIGNED = 64
"""Bytes of whose multiples an array begins at one, as NumPy's own do for the widest vector instructions."""


def shared(machine: Ranks, held: list[T]) -> T | None:
    """Return what the first of some processes of one machine holds, in each of them, with its large arrays held once.

    These cannot be written to. All processes of the machine call it; `held` is that one thing in the first process, and
    is emptied. Where it contains what is known to one process alone, such as a class that was defined in a function,
    the first process gets it back, and the others None; so does one that cannot open what the first one has, as in a
    container of its own. Raises RunError where there is no memory for it.
    """
    if machine.size == 1:
        return held.pop()
    with ExitStack() as stack:
        file = agreed(machine, lambda: written(held[0], stack) if held else None)
        layout = json.loads(machine.exchange(json.dumps(file).encode())[0])
        if layout is None:
            return held.pop() if held else None
        # The first process has its own, and open files of it, until all have what is shared.
        found: T | None = agreed(machine, lambda: mapped(*layout))
        held.clear()
        return found


def sharing(machine: Ranks, held: list[T]) -> Callable[[], T | None]:
    """Share what one process holds; return what gives each of them its result, or raises what all of them know of.

    Another fault is raised at once: the others may wait for a message about what is shared, and for no other.
    """
    found: T | None = None
    fault: BaseException | None = None
    try:
        found = shared(machine, held)
    except BaseException as raised:
        if not machine.together:
            raise
        fault = raised

    def result() -> T | None:
        if fault is not None:
            raise fault
        return found

    return result


def written(what: object, stack: ExitStack) -> tuple[str, str, list[int]] | None:
    """Put something into a file; return its path, what it begins with, and the lengths of the pickle and the arrays.

    The file is there until the stack is left. Returns None for what cannot be pickled; raises RunError where there is
    no room.
    """
    buffers: list[memoryview] = []

    def apart(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes < LARGE:
            return True
        buffers.append(raw)
        return False

    try:
        plain = pickle.dumps(what, protocol=5, buffer_callback=apart)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None
    parts = [memoryview(plain), *buffers]
    size, mark = sum(part.nbytes for part in parts), secrets.token_hex(ALIGNED // 2)
    try:
        file, path = _file(size, stack)
        file.write(mark.encode())
        for part in parts:
            file.write(part)
            file.write(bytes(-part.nbytes % ALIGNED))
        file.flush()
    except OSError as error:
        raise RunError(
            f"the processes of this machine cannot share {sized(size)} of data: {error}"
        ) from error
    return path, mark, [part.nbytes for part in parts]


def _file(size: int, stack: ExitStack) -> tuple[IO[bytes], str]:
    """Return a file that is open until the stack is left, and where other processes find it."""
    large = size > (memory() or 1 << 33) // SHARE
    if not large and hasattr(os, "memfd_create"):
        with suppress(OSError):  # where it is forbidden, it lies on the disk
            handle = os.memfd_create("specnet-data", os.MFD_CLOEXEC)
            return stack.enter_context(os.fdopen(handle, "wb")), _path(handle)
    folder = large_folder()
    if shutil.disk_usage(folder).free - size < RESERVE:
        raise OSError(f"{folder} is nearly full")
    if Path("/proc/self/fd").is_dir():
        unnamed = stack.enter_context(tempfile.TemporaryFile(dir=folder))  # noqa: SIM115
        return unnamed, _path(unnamed.fileno())
    named = stack.enter_context(tempfile.NamedTemporaryFile(dir=folder))  # noqa: SIM115
    return cast("IO[bytes]", named), named.name


def _path(handle: int) -> str:
    """Return where other processes find a file that this one has open."""
    return f"/proc/{os.getpid()}/fd/{handle}"


def mapped(path: str, mark: str, sizes: list[int]) -> Any:
    """Return what lies in a file; None where another file, or none, has this path here."""
    try:
        with Path(path).open("rb") as file:
            whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError):
        return None
    if whole[:ALIGNED] != mark.encode():
        return None
    parts, start = [], ALIGNED
    for size in sizes:
        parts.append(whole[start : start + size])
        start += size + -size % ALIGNED
    return pickle.loads(parts[0], buffers=parts[1:])  # noqa: S301  from a process of the same training
