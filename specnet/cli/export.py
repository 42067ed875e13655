from __future__ import annotations

import sys
from pathlib import Path

from specnet.cli.terminal import notes, say
from specnet.diagnostics import SpecFileError
from specnet.runs.exports.exporting import WRITERS, Exported, numpy_program, write_numpy


def export(source: str, to: str, *, training: bool, out: str | None) -> int:
    """Write a run in another format, or print it as a program; return the exit code."""
    if not Path(source).exists():
        raise SpecFileError(f"{source}: no such file or directory")
    found = Exported.of(Path(source))
    if not found.trained and not training:
        say(
            notes(),
            f"{source} is a document: it has not been trained, and the parameters are the initial ones",
        )
    if out is None:
        sys.stdout.write(numpy_program(found, training=training, beside=None).text)
        return 0
    path = Path(out)
    if to == "numpy":
        written = write_numpy(path, found, training=training)
    else:
        WRITERS[to](path, found)
        written = [path]
    for each in written:
        sys.stdout.write(f"{each}\n")
    return 0
