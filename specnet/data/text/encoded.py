from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from specnet.data.text.tokenizer import Codec, Decoder, Normalization, Tokenizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ESCAPE = re.compile(r"\\(?:\\|x([0-9a-f]{2})|u([0-9a-f]{8}))")


class Byte(Tokenizer):
    """One token for each byte of the text in UTF-8: 256 tokens, which express every text."""

    type: Literal["byte"] = "byte"
    normalization: Normalization = "none"
    """The Unicode normalization form of the text before it is cut; by default it is left as it is, so that the tokens
    are the bytes of the file."""

    complete: ClassVar[bool] = True
    unit: ClassVar[str] = "byte"

    def learn(self, texts: Iterable[str], special: int) -> tuple[str, ...]:
        """Return all bytes, whatever the texts hold."""
        return tuple(shown(bytes([i])) for i in range(256))

    def codec(self, tokens: Sequence[str]) -> ByteCodec:
        """Return what encodes and decodes with all bytes."""
        return ByteCodec()


class ByteCodec(Codec):
    """Bytes, which are their own indices."""

    def encode(self, text: str) -> NDArray[np.int64]:
        """Return the bytes of a text."""
        import numpy as np

        return np.frombuffer(utf8(text), np.uint8).astype(np.int64)

    def outside(self, text: str) -> list[str]:
        """Return nothing: every byte has a token."""
        return []

    def decoder(self) -> BytesDecoder:
        """Return what makes text of bytes."""
        return BytesDecoder([bytes([i]) for i in range(256)])


class BytesDecoder(Decoder):
    """Tokens that are bytes, of which some may make one character."""

    def __init__(self, tokens: Sequence[bytes]) -> None:
        self._tokens = tokens
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, index: int) -> str:
        """Return the characters that a token completes."""
        return self._decoder.decode(self._tokens[index])

    def unknown(self) -> str:
        """Return nothing: every byte is known."""
        return ""

    def finish(self) -> str:
        """Return what stands for bytes that never became a character."""
        return self._decoder.decode(b"", final=True)


def utf8(text: str) -> bytes:
    """Return a text in UTF-8, a replacement character for what is no text."""
    return text.encode("utf-8", "replace")


def shown(data: bytes) -> str:
    r"""Return bytes as text that can be read, and read back by `read_back`.

    They are the characters that they encode, but `\x0a` for a byte that is no character or no printable one of
    ASCII, `\u00000085` for another character that is not printable, and `\\` for a backslash.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(f"\\x{byte:02x}" if not 31 < byte < 127 else _letter(chr(byte)) for byte in data)
    return "".join(map(_letter, text))


def _letter(letter: str) -> str:
    if letter == "\\":
        return "\\\\"
    if letter.isprintable():
        return letter
    return f"\\x{ord(letter):02x}" if letter.isascii() else f"\\u{ord(letter):08x}"


def read_back(text: str) -> bytes:
    """Return the bytes of which `shown` made a text."""
    found, end = b"", 0
    for match in _ESCAPE.finditer(text):
        found += text[end : match.start()].encode()
        if match[1]:
            found += bytes.fromhex(match[1])
        else:
            found += chr(int(match[2], 16)).encode() if match[2] else b"\\"
        end = match.end()
    return found + text[end:].encode()
