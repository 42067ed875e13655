"""Files of text, read by blocks or line by line."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, NamedTuple

from specnet.data.files import FilePlace
from specnet.data.opening import open_regular
from specnet.data.text.encodings import likely_encoding
from specnet.diagnostics import SpecError

BLOCK = 1 << 20
"""Bytes of a file that are decoded at once."""


UNKNOWN = "name its `encoding`; latin-1 reads every byte as a character"
"""What helps where an encoding cannot be found."""


class NotTextError(Exception):
    """Bytes that are not text in an encoding; the message says where."""


class TextLine(NamedTuple):
    """One line of a file, without its end."""

    number: int
    """Its place in the file, from 1."""
    text: str


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file of text in an encoding; a byte order mark of UTF-8 at its beginning is no part of it."""

    place: FilePlace
    encoding: str

    def blocks(self) -> Iterator[str]:
        """Yield its text in pieces, none of which ends within a word, a run of white space or a composed character.

        So pieces can be normalised and cut into tokens one by one. Raises SpecError where the file is no text.
        """
        held = ""
        for text in self._decoded():
            held += text
            end = _last_word(held)
            if end:
                yield held[:end]
                held = held[end:]
        if held:
            yield held

    def lines(self) -> Iterator[TextLine]:
        """Yield its lines, see `lines_in`."""
        return lines_in(self._decoded())

    def _decoded(self) -> Iterator[str]:
        place = self.place
        try:
            with open_regular(place.path) as file:
                yield from decoded(file, self.encoding)
        except NotTextError as error:
            raise self._not_text(str(error)) from None
        except OSError as error:
            raise place.error("SN502", f"`{place.name}` cannot be read: {error.strerror}") from None

    def _not_text(self, why: str) -> SpecError:
        with open_regular(self.place.path) as file:
            found = likely_encoding(file, self.encoding)
        help = f'write `encoding = "{found}"`, which it seems to be' if found else UNKNOWN
        return self.place.error("SN503", f"`{self.place.name}` is {why}", help=help)


def decoded(file: IO[bytes], encoding: str) -> Iterator[str]:
    """Yield the text of a file in pieces; raise NotTextError where it has bytes that are not text."""
    name = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    decoder = codecs.getincrementaldecoder(name)()
    lines = 0
    try:
        while data := file.read(BLOCK):
            yield decoder.decode(data)
            lines += data.count(b"\n")
        yield decoder.decode(b"", final=True)
    except UnicodeError as error:
        where = ""
        if isinstance(error, UnicodeDecodeError):
            line = lines + error.object[: error.start].count(b"\n") + 1
            where = f": line {line} has the byte 0x{error.object[error.start]:02x}"
        raise NotTextError(f"not text in {encoding}{where}") from None


def lines_in(pieces: Iterable[str]) -> Iterator[TextLine]:
    """Yield the lines of text in pieces, which a line feed alone ends; a carriage return before it is part of the end.

    Other characters that end a line elsewhere, such as NEL, are characters like any. Blank lines at the end of the text
    are left out.
    """
    held, number, blank = "", 0, list[TextLine]()
    for text in pieces:
        *whole, held = (held + text).split("\n")
        for line in whole:
            number += 1
            found = TextLine(number, line.removesuffix("\r"))
            blank.append(found)
            if found.text and not found.text.isspace():
                yield from blank
                blank.clear()
    if held and not held.isspace():
        yield from blank
        yield TextLine(number + 1, held.removesuffix("\r"))


def _last_word(text: str) -> int:
    """Return where the last run of white space begins that follows a word; 0 where there is none."""
    for i in range(len(text) - 1, 0, -1):
        if text[i].isspace() and not text[i - 1].isspace():
            return i
    return 0
