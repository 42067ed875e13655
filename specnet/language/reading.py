"""Documents from files."""

from __future__ import annotations

import os
from pathlib import Path

from specnet.data.confine import Confine
from specnet.data.opening import open_given
from specnet.diagnostics import SpecFileError
from specnet.language.other_files import other_file, other_folder
from specnet.language.quoting import refused
from specnet.language.source import SourceText, text_source

MAX_BYTES = 64 * 2**20
"""A larger file is refused unread: a spec is written by hand, and its data lie in files of their own."""


def read(source: str | os.PathLike[str] | SourceText, confine: Confine | None = None) -> SourceText:
    """Return the source that a path names, or that a string is.

    It is text if it holds a line break or begins with `{`, and a path otherwise. Raises SpecFileError
    for what cannot be read, or lies outside of the folder to which a check is confined, and SpecError for a file
    that is not UTF-8.
    """
    if isinstance(source, SourceText):
        if source.path is not None:
            _check_confined(source.file, source.path, confine)
        return source
    if isinstance(source, str) and ("\n" in source or source.lstrip().startswith("{")):
        return text_source(source)
    name = os.fspath(source)
    path = Path(_absolute(name))
    _check_confined(name, path, confine)
    return bytes_source(_read_bytes(name), name, path)


def _absolute(name: str) -> str:
    """Return a document's path so that its folder is the one in which the system finds the document."""
    folder, file = os.path.split(name)
    if os.pardir in folder.split(os.sep):
        # The system follows links before `..`, and abspath() does not.
        return os.path.join(os.path.realpath(folder), file)
    # A link to a document stays: its data lie beside the link.
    return os.path.abspath(name)


def _check_confined(name: str, path: Path, confine: Confine | None) -> None:
    if confine is not None and not (confine.holds(path.parent) and confine.holds(path)):
        raise SpecFileError(f"{name}: is outside {confine.name}, to which this check is confined")


def bytes_source(data: bytes, name: str, path: Path | None = None) -> SourceText:
    """Return a source for a file's bytes, as `read` does for a file's name."""
    if len(data) > MAX_BYTES:
        limit = MAX_BYTES // 2**20
        raise SpecFileError(
            f"{name}: larger than {limit} MiB; a spec names its data instead of containing them"
        )
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        said = other_file(name, data[:16]) or "this is not a text file: it contains null bytes"
        raise SpecFileError(f"{name}: {said}")
    try:
        return text_source(data.decode("utf-8"), name, path)
    except UnicodeDecodeError as error:
        if (other := other_file(name, data[:16])) is not None:
            raise SpecFileError(f"{name}: {other}") from None
        from specnet.language.syntax import encoding_fault

        text = data.decode("utf-8", errors="replace")
        raise refused([encoding_fault(name, data, error)], name, text, path) from None


def _read_bytes(name: str) -> bytes:
    try:
        with open_given(name) as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        if os.path.islink(name):
            raise SpecFileError(f"{name}: this link is broken") from None
        from specnet.language.suggestions import similar_file

        meant = similar_file(name)
        raise SpecFileError(f"{name}: no such file" + (f"; did you mean {meant}?" if meant else "")) from None
    except IsADirectoryError:
        raise SpecFileError(f"{name}: {other_folder(name)}") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SpecFileError(f"{name}: {reason[:1].lower()}{reason[1:]}") from None
