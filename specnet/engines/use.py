"""Who uses a model at the moment, so that no thread reads parameters while another changes them."""

from __future__ import annotations

from threading import get_ident
from types import TracebackType
from weakref import ref

from specnet.diagnostics import ModelInUseError
from specnet.engines.sharing import Shared


class ModelUse(Shared):
    """The readers of a model, of which there may be many, or the one training that is making steps.

    Nobody waits for anybody: what cannot go on at the same time raises ModelInUseError. References are weak, so that
    a reader or a training that Ctrl-C ends before it can leave does not hold the model for ever.
    """

    def reset(self) -> None:
        """Set it up with nobody who uses the model."""
        super().reset()
        self.readers: dict[int, ref[object]] = {}
        """Those who read at the moment, by their ids, see `enter`."""
        self.stepping: int | None = None
        """The thread that is making steps."""
        self._training: ref[object] | None = None

    @property
    def training(self) -> object | None:
        """The training that the model is in, from its first step to `end_training` or its garbage collection."""
        return None if self._training is None else self._training()

    def reading(self) -> ModelReader:
        """Return a context in which no other thread changes the parameters."""
        return ModelReader(self)

    def check(self) -> None:
        """Raise ModelInUseError while another thread makes steps."""
        if self.stepping is not None and self.stepping != get_ident() and self.training is not None:
            raise ModelInUseError(
                "another thread is training this model: use it between two events of the training, or after it"
            )

    def enter(self, key: int, reader: ref[object]) -> None:
        """Take note of a reader by a key of its own; raise ModelInUseError while another thread makes steps.

        It takes the lock only then. A training says that it makes steps before it looks for readers, and readers look
        for one after they have said that they read, so that one of two sees the other.
        """
        self.readers[key] = reader
        if self.stepping is None:
            return
        try:
            with self.lock:
                self.check()
                # The steps may have begun and ended meanwhile, and `begin_steps` may have forgotten this reader.
                self.readers[key] = reader
        except BaseException:
            self.leave(key)
            raise

    def leave(self, key: int) -> None:
        """Forget a reader."""
        self.readers.pop(key, None)

    def begin_steps(self, training: object) -> None:
        """Let this thread make steps of a training; raise ModelInUseError if the model is used otherwise."""
        with self.lock:
            # No name for the other training: a traceback would keep it alive.
            if self.training is not None and self.training is not training:
                raise ModelInUseError("this model is in another training: end or close that one first")
            if self.training is training and self.stepping not in (None, get_ident()):
                raise ModelInUseError("another thread is training this model")
            before = self._training, self.stepping
            self._training, self.stepping = ref(training), get_ident()
            if any(reader() is not None for reader in list(self.readers.values())):
                self._training, self.stepping = before
                raise ModelInUseError(
                    "another thread is predicting with this model: continue the training once it is done"
                )
            self.readers.clear()

    def end_steps(self, training: object) -> None:
        """Let others read the model, until the next `begin_steps`."""
        with self.lock:
            if self.training is training and self.stepping == get_ident():
                self.stepping = None

    def end_training(self, training: object) -> None:
        """Let others train the model."""
        with self.lock:
            if self.training is training:
                self._training = self.stepping = None


class ModelReader:
    """A context in which one thread reads a model."""

    __slots__ = ("__weakref__", "_use")

    def __init__(self, use: ModelUse) -> None:
        self._use = use

    def __enter__(self) -> None:
        self._use.enter(id(self), ref(self))

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._use.leave(id(self))
