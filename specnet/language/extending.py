"""Reading the documents that a document extends, within bounds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from specnet.data.access import Access, lies_in, project_of
from specnet.data.confine import Confine
from specnet.data.opening import NotRegularError, open_regular
from specnet.diagnostics import Diagnostic, SpecError, SpecFileError
from specnet.diagnostics.text import clipped, escape_help
from specnet.language.extended import SUFFIXES, Inherited, extended_names
from specnet.language.parsing import parse_leniently
from specnet.language.quoting import may_show, withheld_because
from specnet.language.reading import bytes_source
from specnet.language.source import SourceText
from specnet.language.spec_source import SpecSource, WrittenPart

MAX_DOCUMENTS = 16
"""How many documents one document may extend, directly or through others; one that is extended twice counts twice."""

MAX_BYTES = 4 * 2**20
"""How large these may be together."""


def read_extended(data: dict[str, Any], source: SourceText | None, confine: Confine | None) -> Inherited:
    """Return the documents that a document extends, and those that these extend."""
    return _ExtendedReader(source, confine).read(data)


class _RefusedError(Exception):
    """A document cannot be extended: the message, and what helps."""

    def __init__(self, message: str, help: str | None = None, code: str = "SN230") -> None:
        self.message, self.help, self.code = message, help, code
        super().__init__(message)


class _ExtendedReader:
    def __init__(self, source: SourceText | None, confine: Confine | None) -> None:
        self._source = source
        self._folder = Path.cwd() if source is None else source.folder
        self._access = Access(self._folder, confine)
        self._found = Inherited()
        self._bytes = 0
        self._open: list[tuple[str, str]] = []
        """The documents that are being read, each extended by the one before it: real path and name."""

    def read(self, data: dict[str, Any]) -> Inherited:
        source = self._source or SourceText("", "the document")
        self._open.append(("" if source.path is None else os.path.realpath(source.path), source.file))
        self._read_all(data, source, self._folder, Path(source.file).parent)
        return self._found

    def _read_all(self, data: dict[str, Any], source: SourceText, folder: Path, shown_folder: Path) -> None:
        """Read what one document extends."""
        for place, text in extended_names(data):
            try:
                self._read(text, folder, shown_folder)
            except _RefusedError as refused:
                finding = Diagnostic(refused.code, refused.message, place, help=refused.help)
                if len(self._open) > 1:
                    (finding,) = SpecSource(source).place([finding])
                    self._found.texts[source.file] = source.text
                self._found.faults.append(finding)
                self._found.is_whole = False
            except SpecError as error:  # it is no TOML or JSON at all
                self._found.faults += error.diagnostics
                self._found.texts |= error.sources
                self._found.is_whole = False

    def _read(self, text: str, folder: Path, shown_folder: Path) -> None:
        source = self._opened(text, folder, shown_folder)
        real = os.path.realpath(source.path or "")
        if any(real == path for path, _ in self._open):
            chain = " -> ".join(
                clipped(name, 60) for name in [*(name for _, name in self._open), source.file]
            )
            raise _RefusedError(f"`{clipped(text)}` leads back to a document that extends it: {chain}")
        result = parse_leniently(source)
        if "specnet" not in result.data and not (may_show(source.path) or self._is_near(source)):
            message = f"`{clipped(text)}` has no key `specnet`: it is not a specnet document"
            raise _RefusedError(message, withheld_because(source.path))
        if result.faults:
            self._found.faults += result.faults
            self._found.texts[source.file] = source.text
        if result.lost is not None:
            self._found.lost.append(result.lost)
        self._open.append((real, source.file))
        self._read_all(result.data, source, source.folder, Path(source.file).parent)
        self._open.pop()
        self._found.parts.append(WrittenPart(source, result.data))

    def _is_near(self, source: SourceText) -> bool:
        return source.path is not None and lies_in(source.path, project_of(self._folder))

    def _opened(self, text: str, folder: Path, shown_folder: Path) -> SourceText:
        shown = clipped(text, 80)
        if "${" in text:
            raise _RefusedError(f"`{shown}` has a reference in it, and is read before variables are known")
        if "\0" in text or not text.lower().endswith(SUFFIXES):
            raise _RefusedError(f"`{shown}` is not a document", "documents are .toml and .json files")
        if len(self._found.parts) + len(self._open) > MAX_DOCUMENTS:
            raise _RefusedError(f"more than {MAX_DOCUMENTS} documents would be extended with this one")
        refusal = self._access.refusal(text, folder)
        if refusal is not None:
            raise _RefusedError(refusal.message, refusal.help, refusal.code)
        path = _absolute(folder, text)
        content = self._content(path, text)
        self._bytes += len(content)
        if self._bytes > MAX_BYTES:
            limit = MAX_BYTES // 2**20
            raise _RefusedError(f"the documents that are extended are larger than {limit} MB together")
        name = text if Path(text).is_absolute() else os.path.normpath(shown_folder / text)
        try:
            return bytes_source(content, name, path)
        except SpecFileError as error:
            raise _RefusedError(str(error)) from None

    def _content(self, path: Path, text: str) -> bytes:
        shown = clipped(text, 80)
        try:
            with open_regular(path) as file:
                return file.read(MAX_BYTES - self._bytes + 1)
        except FileNotFoundError:
            from specnet.language.suggestions import similar_file

            meant = similar_file(str(path)) if self._access.quotes(path.parent) else None
            folder = Path(text).parent
            help = "a relative path starts from the folder of the document that names it"
            if meant is not None:
                help = f"did you mean `{folder / Path(meant).name}`?"
            help = escape_help(text) or help
            raise _RefusedError(f"there is no file `{shown}`", help) from None
        except IsADirectoryError:
            raise _RefusedError(f"`{shown}` is a folder, not a document") from None
        except NotRegularError:
            raise _RefusedError(f"`{shown}` is not a regular file") from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise _RefusedError(f"`{shown}` cannot be read: {reason[:1].lower()}{reason[1:]}") from None


def _absolute(folder: Path, text: str) -> Path:
    """Return the path of a document so that its folder is the one in which the system finds it."""
    if os.pardir in Path(text).parts:
        # The system follows links before `..`, and abspath() does not.
        return Path(os.path.realpath((folder / text).parent)) / Path(text).name
    return Path(os.path.abspath(folder / text))  # noqa: PTH100  links stay
