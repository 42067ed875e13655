from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

from specnet.storage.files import finite, write_bytes, writing
from specnet.training.events import EpochEnded, Event, Span
from specnet.training.history import train_figures

SECONDS = 1.0
"""How long a line may wait before it is in the file."""


class MetricsLog:
    """The file `metrics.jsonl` while it grows: a line an epoch, each in the file after a second at most."""

    def __init__(
        self, path: Path, clock: Callable[[], float] = monotonic, before: Iterable[dict[str, Any]] = ()
    ) -> None:
        """Begin the file with the epochs that are done already, whatever it holds now."""
        self._path, self._clock = path, clock
        text = "".join(_line(row) for row in before).encode()
        write_bytes(path, text)
        with writing(path):
            self._file = path.open("a", encoding="utf-8", newline="\n")
        self._flushed = clock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with writing(self._path):
            self._file.close()

    def add(self, event: Event | Span) -> None:
        """Append what an event reports of ended epochs, and bring waiting lines to the file in time."""
        now = self._clock()
        with writing(self._path):
            if isinstance(event, EpochEnded):
                self._file.write(line(event))
            elif isinstance(event, Span):
                self._file.writelines(lines(event))
            if now - self._flushed >= SECONDS:
                self._file.flush()
                self._flushed = now


def line(event: EpochEnded) -> str:
    """Return an epoch as a line of JSON."""
    row: dict[str, Any] = {
        "epoch": event.epoch,
        "step": event.step,
        "learning_rate": event.learning_rate,
        "seconds": event.seconds,
        "train": train_figures(event.loss, event.train),
    }
    if event.validation is not None:
        row["validation"] = dict(event.validation)
    return _line(row)


def lines(span: Span) -> Iterator[str]:
    """Give each epoch of a span as a line of JSON."""
    # Written out, since a small model ends many epochs in the time that `json` takes for the line of one.
    rate, epoch, step = f'"learning_rate": {span.learning_rate!r}, "seconds": ', span.epoch, span.step
    for number, (loss, seconds) in enumerate(zip(span.losses, span.times, strict=True)):
        value = repr(loss) if loss - loss == 0.0 else "null"
        start = f'{{"epoch": {epoch + number}, "step": {step + number}, {rate}{seconds:.6f}'
        yield f'{start}, "train": {{"loss": {value}}}}}\n'


def _line(row: dict[str, Any]) -> str:
    return json.dumps(finite({**row, "seconds": round(row["seconds"], 6)}), ensure_ascii=False) + "\n"
