from __future__ import annotations

import json
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from specnet.data.confine import Confine
from specnet.diagnostics import SpecFileError
from specnet.language.quoting import refused

MAX_BYTES = 64 * 2**20
"""A larger file is refused unread: a spec is written by hand, and its data lie in files of their own."""

MAX_DEPTH = 100
"""How deep arrays and tables may nest, far from what the interpreter's stack bears."""

_LONG_KEY = re.compile(
    rf"""(?:^|[\[{{,])[ \t]*+((?:(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{MAX_DEPTH}}})""",
    re.MULTILINE,
)

HALF_LETTER = re.compile(r"\\u[dD][89a-fA-F]")
"""An escape for half of a letter beyond U+FFFF, which means nothing without the other half."""

Syntax = Literal["toml", "json"]


@dataclass(frozen=True, slots=True)
class SourceText:
    """The text of one document, and what it is called in diagnostics."""

    text: str
    file: str = "<text>"
    syntax: Syntax = "toml"
    path: Path | None = None
    """Where it was read from, absolute; None for a string that came from elsewhere."""

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the document start from."""
        return self.path.parent if self.path is not None else Path.cwd()

    @property
    def stem(self) -> str:
        """The file's name without its last suffix."""
        return self.path.stem if self.path is not None else "spec"

    def parse(self) -> dict[str, Any]:
        """Return the document's data; raises SpecError where the text is not what its syntax allows."""
        try:
            self.text.encode()
        except UnicodeEncodeError as error:
            from specnet.language.syntax import letter_fault

            shown = self.text.encode(errors="replace").decode()
            raise refused([letter_fault(self, error)], self.file, shown, self.path) from None
        try:
            data = _load_toml(self.text) if self.syntax == "toml" else _load_json(self.text)
        except (ValueError, RecursionError) as error:
            # tomllib and json raise ValueError's children for syntax, and ValueError for overlong numbers.
            from specnet.language.syntax import syntax_faults

            raise refused(syntax_faults(self, error), self.file, self.text, self.path) from None
        if not isinstance(data, dict) or not data or _too_deep(data):
            from specnet.language.syntax import content_faults

            raise refused(content_faults(self, data), self.file, self.text, self.path)
        return data


class JsonExtensionError(ValueError):
    """Python's reader met what is not valid JSON: NaN, an infinity, a key given twice, or half of a letter."""


def text_source(text: str, file: str = "<text>", path: Path | None = None) -> SourceText:
    """Return a source for a string; its syntax follows the file's suffix, or else its first character."""
    text = text.removeprefix("\ufeff")
    suffix = Path(file).suffix.lower()
    if suffix in {".toml", ".json"}:
        return SourceText(text, file, "json" if suffix == ".json" else "toml", path)
    return SourceText(text, file, "json" if text.lstrip()[:1] == "{" else "toml", path)


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
    # resolve() would follow links to another folder.
    path = Path(os.path.abspath(name))
    _check_confined(name, path, confine)
    return bytes_source(_read_bytes(name), name, path)


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
        raise SpecFileError(f"{name}: this is not a text file: it contains null bytes")
    try:
        return text_source(data.decode("utf-8"), name, path)
    except UnicodeDecodeError as error:
        from specnet.language.syntax import encoding_fault

        text = data.decode("utf-8", errors="replace")
        raise refused([encoding_fault(name, data, error)], name, text, path) from None


def _read_bytes(name: str) -> bytes:
    try:
        with open(name, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        if os.path.islink(name):
            raise SpecFileError(f"{name}: this link is broken") from None
        from specnet.language.suggestions import similar_file

        meant = similar_file(name)
        raise SpecFileError(f"{name}: no such file" + (f"; did you mean {meant}?" if meant else "")) from None
    except IsADirectoryError:
        raise SpecFileError(f"{name}: this is a folder, not a file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SpecFileError(f"{name}: {reason[:1].lower()}{reason[1:]}") from None


class NestingError(ValueError):
    """A key has more parts than tables may nest deep."""

    def __init__(self, place: int) -> None:
        self.place = place
        super().__init__(f"at {place}")


def _load_toml(text: str) -> dict[str, Any]:
    # tomllib takes memory with the square of a key's parts, and would take all there is.
    found = _LONG_KEY.search(text) if text.count(".") >= MAX_DEPTH else None
    if found is not None:
        raise NestingError(found.start(1))
    return tomllib.loads(text)


def _load_json(text: str) -> Any:
    data = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    if HALF_LETTER.search(text) is not None:
        try:
            json.dumps(data, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise JsonExtensionError from None
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise JsonExtensionError
    return table


def _refuse(word: str) -> Any:
    raise JsonExtensionError(word)


def _too_deep(data: Any) -> bool:
    level: list[Any] = [data]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
