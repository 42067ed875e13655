"""Files of text, read by blocks or line by line."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from specnet.data.files import FilePlace
from specnet.data.opening import open_regular
from specnet.data.text.encodings import SAMPLE, found_encoding
from specnet.diagnostics import SpecError

BLOCK = 1 << 20
"""Bytes of a file that are decoded at once."""


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
        r"""Yield its lines, which a line feed alone ends; a carriage return right before it belongs to the end.

        Other characters that end a line elsewhere, such as NEL, are characters like any. Blank lines at the end of
        the file are left out.
        """
        held, number, blank = "", 0, list[TextLine]()
        for text in self._decoded():
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

    def _decoded(self) -> Iterator[str]:
        name = "utf-8-sig" if codecs.lookup(self.encoding).name == "utf-8" else self.encoding
        decoder = codecs.getincrementaldecoder(name)()
        lines = 0
        try:
            with open_regular(self.place.path) as file:
                while data := file.read(BLOCK):
                    yield decoder.decode(data)
                    lines += data.count(b"\n")
                yield decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise self._not_text(error, lines) from None
        except UnicodeError:
            raise self._not_text(None, 0) from None
        except OSError as error:
            raise self.place.error("SN502", f"`{self.place.name}` cannot be read: {error.strerror}") from None

    def _not_text(self, error: UnicodeDecodeError | None, lines: int) -> SpecError:
        """Return what to raise for bytes that are no text; `lines` end before what was decoded last."""
        with open_regular(self.place.path) as file:
            start = file.read(SAMPLE + 1)
        where = ""
        if error is not None and isinstance(error.object, bytes):
            line = lines + error.object[: error.start].count(b"\n") + 1
            where = f": line {line} has the byte 0x{error.object[error.start]:02x}"
        found = found_encoding(start)
        help = f'write `encoding = "{found}"`, which it seems to be' if found else "name its `encoding`"
        return self.place.error(
            "SN503", f"`{self.place.name}` is not text in {self.encoding}{where}", help=help
        )


def _last_word(text: str) -> int:
    """Return where the last run of white space begins that follows a word; 0 where there is none."""
    for i in range(len(text) - 1, 0, -1):
        if text[i].isspace() and not text[i - 1].isspace():
            return i
    return 0
