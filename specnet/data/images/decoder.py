"""A process that decodes images for another one: it is sent paths, and answers with pixels.

It imports neither NumPy nor most of the package, so it is there in a twentieth of a second.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import warnings
from math import prod
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from specnet.data.images.header import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from specnet.data.images.frame import ImageFrame

T = TypeVar("T")

READY = b"specnet decodes\n"
"""What a process answers first, once it can decode; whatever else it says, it is none of ours."""

LENGTH = 8
"""Bytes of the length that an answer begins with."""


class DecodeRequest(NamedTuple):
    """Images to be decoded."""

    frame: ImageFrame
    folder: str
    """Where relative paths start."""
    paths: list[str]
    truncated: bool
    """Whether Pillow takes truncated images: a program can tell it to."""
    most: int | None
    """The pixels above which Pillow warns of an image, likewise."""
    sums: bool
    """Whether the SHA-256 of each file is wanted."""


class DecodeAnswer(NamedTuple):
    """What is said of images whose pixels follow, one after the other; of one that is damaged, zeros."""

    faults: list[tuple[int, str, str | None]]
    """Which images are damaged, each with what ails it, and what helps."""
    warnings: list[tuple[str, type[Warning]]]
    sums: bytes
    """The SHA-256 of each file, one after the other, if they are wanted; zeros for one that is damaged."""
    failure: Exception | None
    """What ended the decoding; then no pixels follow."""


def answer(request: DecodeRequest) -> tuple[DecodeAnswer, list[bytes]]:
    """Return what is said of some images, and their pixels."""
    from PIL import Image, ImageFile

    from specnet.data.images.decoding import decode

    ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS = request.truncated, request.most
    faults: list[tuple[int, str, str | None]] = []
    pixels: list[bytes] = []
    sums: list[bytes] | None = [] if request.sums else None
    failure: Exception | None = None
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for number, path in enumerate(request.paths):
            try:
                place = os.path.join(request.folder, path)  # noqa: PTH118  strings are sent
                pixels.append(decode(place, request.frame, sums))
            except ImageError as damage:
                faults.append((number, str(damage), damage.help))
                if sums is not None:
                    sums[number:] = [bytes(32)]
                pixels.append(bytes(prod(request.frame.shape)))
            except Exception as error:  # noqa: BLE001  (it is raised by the process that asked)
                failure, pixels = error, []
                break
    warned = [(str(each.message), each.category) for each in told]
    return DecodeAnswer(faults, warned, b"".join(sums or ()), failure), pixels


def main() -> None:
    """Answer the requests on standard input, until it is closed."""
    # Ctrl-C in a terminal, and what ends a whole group of processes, reach every process: the one that started this
    # one decides.
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    import PIL.ImageOps  # noqa: F401  before it says that it is ready

    requests: SimpleQueue[DecodeRequest] = SimpleQueue()
    answers: SimpleQueue[list[bytes]] = SimpleQueue()
    answers.put([READY])
    # Requests are read while images are decoded, so that whoever sends them never waits, and an end is noticed at
    # once; answers are written meanwhile, so that the next images are not waiting for the last ones to be fetched.
    threading.Thread(target=_until_closed, args=(_read, requests), daemon=True).start()
    threading.Thread(target=_until_closed, args=(_write, answers), daemon=True).start()
    while True:
        told, pixels = answer(requests.get())
        head = pickle.dumps(told)
        answers.put([len(head).to_bytes(LENGTH), head, *pixels])


def _read(requests: SimpleQueue[DecodeRequest]) -> None:
    while True:
        requests.put(pickle.load(sys.stdin.buffer))  # noqa: S301  from the process that started this one


def _write(answers: SimpleQueue[list[bytes]]) -> None:
    pipe = sys.stdout.fileno()
    while True:
        # All at once: each call hands the interpreter over to the thread that decodes, and waits to have it back.
        left = memoryview(b"".join(answers.get()))
        while left:
            left = left[os.write(pipe, left) :]


def _until_closed(work: Callable[[SimpleQueue[T]], None], queue: SimpleQueue[T]) -> None:
    """Do some work until the other process is gone, or wants no more; then end this one, whatever else it does."""
    try:
        work(queue)
    except (EOFError, OSError):
        os._exit(0)
    finally:
        os._exit(1)
