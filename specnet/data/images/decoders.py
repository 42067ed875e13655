"""Processes that decode images ahead of time, as seen by the one that needs them.

Pillow holds the interpreter's lock for most of the decoding of a small image, so threads are of no use. Pixels come
through pipes: they are a small part of the work, a pipe is there on every system, needs no room anywhere, and shows
either side at once that the other is gone. Processes are started as programs of their own, neither by forking, which
threads and matrix libraries do not survive, nor by `multiprocessing`, which runs the caller's main module again.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import warnings
import weakref
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from specnet.data.images.decoder import LENGTH, READY, DecodeAnswer, DecodeRequest
from specnet.diagnostics import RunError
from specnet.diagnostics.text import how_ended
from specnet.installation import is_python, python_command, python_path, working_folder
from specnet.locking import Lock
from specnet.passes.cores import share

if TYPE_CHECKING:
    from specnet.data.images.frame import ImageFrame

COMMAND = "from specnet.data.images.decoder import main; main()"

GRACE = 2.0
"""Seconds that a process is given to end by itself; it takes some milliseconds."""


class GoneError(Exception):
    """There are no processes, or none any more: whoever needs images has to decode them."""


class Ahead:
    """Images that a process has been asked for."""

    def __init__(self, worker: _Decoder, count: int, size: int) -> None:
        self.worker = worker
        self.left = count
        """How many images have not been received yet."""
        self.size = size
        """Bytes of an image."""
        self.wanted = True
        self.answer: DecodeAnswer | None = None
        """What is said of all of them; None until it has been received."""
        self.kept: memoryview | None = None
        """The pixels of those that are left, where they had to make way for other images."""


class _Decoder:
    """A process, and what it has been asked for, in order."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process, self.ready = process, False
        self.asked: deque[Ahead] = deque()


class Decoders:
    """Processes that decode images for all data sets of this one; whoever is asked for least is asked next."""

    def __init__(self, count: int) -> None:
        """Start so many processes; raise GoneError where none can be started."""
        self._lock, self._owner = Lock(), os.getpid()
        self._workers: list[_Decoder] = []
        self.close = weakref.finalize(self, _end, self._workers, self._owner)
        try:
            for _ in range(count):
                self._workers.append(_Decoder(_started()))
        except (OSError, ValueError):
            self._give_up()

    @property
    def count(self) -> int:
        """How many processes there are."""
        return len(self._workers)

    @property
    def usable(self) -> bool:
        """Whether there are processes, and it is this one that has started them and not one that it was forked from."""
        return self.close.alive and self._owner == os.getpid()

    def ask(self, frame: ImageFrame, paths: list[str], *, sums: bool) -> Ahead:
        """Have images decoded, and with `sums` their files' SHA-256 computed.

        Raises GoneError where there are no processes any more.
        """
        from PIL import Image, ImageFile

        truncated, most = ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS
        request = DecodeRequest(frame, working_folder(), paths, truncated, most, sums)
        height, width, channels = frame.shape
        if not self.usable:
            raise GoneError
        with self._lock:
            if not self.usable:
                raise GoneError
            worker = min(self._workers, key=lambda each: len(each.asked))
            ahead = Ahead(worker, len(paths), height * width * channels)
            try:
                while worker.asked and not worker.asked[0].wanted:
                    self._pass(worker)
                worker.asked.append(ahead)
                self._send(worker, request)
            except BaseException:
                self.close()  # half a request may have been sent, or half an answer received
                raise
        return ahead

    def receive(self, ahead: Ahead, out: memoryview) -> DecodeAnswer:
        """Put the next images into `out`, and return what is said of all that were asked for together.

        Raises GoneError where there are no processes any more, RunError where one has been killed, and what the
        decoding raised.
        """
        if not self.usable:
            raise GoneError
        with self._lock:
            if not self.usable:
                raise GoneError
            try:
                self._begin(ahead)
                if ahead.kept is not None:
                    out[:], ahead.kept = ahead.kept[: len(out)], ahead.kept[len(out) :]
                else:
                    self._fill(ahead.worker, out)
            except BaseException:
                # What comes next from a pipe is known only as long as nothing has kept it from being read.
                self.close()
                raise
            ahead.left -= len(out) // ahead.size
            if not ahead.left and ahead.kept is None:
                ahead.worker.asked.popleft()
            assert ahead.answer is not None
            return ahead.answer

    def _begin(self, ahead: Ahead) -> None:
        """Receive what is said of some images, once all that was asked for before has been received."""
        while ahead.kept is None and ahead.worker.asked[0] is not ahead:
            self._pass(ahead.worker)
        self._hear(ahead)

    def _pass(self, worker: _Decoder) -> None:
        """Receive what a process has been asked for first, and keep it if it is wanted."""
        first = worker.asked[0]
        self._hear(first)
        room = memoryview(bytearray(first.left * first.size))
        self._fill(worker, room)
        if first.wanted:
            first.kept = room
        worker.asked.popleft()

    def _send(self, worker: _Decoder, request: DecodeRequest) -> None:
        pipe = worker.process.stdin
        assert pipe is not None
        try:
            # Between two processes of one program: nothing of it is ever stored.
            pickle.dump(request, pipe)
            pipe.flush()
        except OSError:
            self._lost(worker)

    def _hear(self, ahead: Ahead) -> None:
        if ahead.answer is not None:
            return
        worker = ahead.worker
        pipe = worker.process.stdout
        assert pipe is not None
        if not worker.ready:
            if pipe.read(len(READY)) != READY:
                self._give_up()
            worker.ready = True
        head = pipe.read(LENGTH)
        told = pipe.read(int.from_bytes(head)) if len(head) == LENGTH else b""
        if len(told) < int.from_bytes(head) or not told:
            self._lost(worker)
        answer: DecodeAnswer = pickle.loads(told)  # noqa: S301  from a process that this one started
        for text, category in answer.warnings:
            warnings.warn(text, category, stacklevel=2)
        if answer.failure is not None:
            raise answer.failure
        ahead.answer = answer

    def _fill(self, worker: _Decoder, out: memoryview) -> None:
        pipe = worker.process.stdout
        assert pipe is not None
        if pipe.readinto(out) < len(out):  # type: ignore[attr-defined]
            self._lost(worker)

    def _lost(self, worker: _Decoder) -> NoReturn:
        """Say why a process is gone; one that has never been ready cannot decode here."""
        if not worker.ready:
            self._give_up()
        with suppress(subprocess.TimeoutExpired):
            worker.process.wait(GRACE)
        code = worker.process.returncode
        self.close()
        why = how_ended(code or 0)
        raise RunError(f"a process that decodes images {why}; resume a training from its latest checkpoint")

    def _give_up(self) -> NoReturn:
        global _possible  # noqa: PLW0603
        _possible = False
        self.close()
        raise GoneError


_possible = True
"""Whether processes can be started, as far as is known."""

_shared: weakref.ref[Decoders] | None = None
_sharing = Lock()


def decoders() -> Decoders | None:
    """Return the processes that decode images, started if there are none: one for each core; None where that is one.

    They end once nothing refers to them, with this process at the latest.
    """
    global _shared  # noqa: PLW0603
    with _sharing:
        there = None if _shared is None else _shared()
        if there is not None and there.usable:
            return there
        count = share()
        if count < 2 or not _possible or not is_python():
            return None
        try:
            there = Decoders(count)
        except GoneError:
            return None
        _shared = weakref.ref(there)
        return there


def _started() -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603  nothing in it comes from a user
        python_command(COMMAND),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": python_path()},
    )


def _end(workers: list[_Decoder], owner: int) -> None:
    """End processes; in one that was forked from their owner, only give up the pipes to them."""
    own = os.getpid() == owner
    for worker in workers:
        for pipe in (worker.process.stdin, worker.process.stdout):
            with suppress(OSError, ValueError):
                # What is in a buffer when a process is forked is not its own to send, nor is the buffer's lock.
                (pipe if own else pipe.raw).close()  # type: ignore[union-attr]
    for worker in workers:
        if not own:
            worker.process.returncode = 0  # it is no child of this one, which need not wait for it
            continue
        try:
            worker.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            worker.process.wait()


def _forked() -> None:
    """Give up, in a process that has just been forked, the pipes to processes that are not its own."""
    global _shared, _sharing
    there = None if _shared is None else _shared()
    if there is not None:
        there.close()
    _shared, _sharing = None, Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
