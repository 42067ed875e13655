"""The text encoding of a file that does not say it.

The rule, in this order:

1. A byte order mark decides: UTF-8, UTF-16 or UTF-32.
2. Bytes with zeros are UTF-16 where they are lines of text in one of its two orders; other text that is valid UTF-8
   is UTF-8.
3. Of the encodings of Korean, Japanese and Chinese, only one in which the whole sample is valid text and nearly all
   characters are common ones is possible: Hangul syllables of KS X 1001, kana and kanji of JIS level 1, hanzi of
   GB 2312 or Big5 level 1. With fewer than `ENOUGH` different characters, or two such encodings, it remains open.
4. Text whose bytes beyond ASCII are letters of one Western European language, without runs of them, is latin-1,
   or cp1252 if it has the punctuation of that encoding.
5. Anything else remains open, such as Cyrillic, Greek or Polish: bytes do not tell these encodings apart.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import IO

from pydantic_core import PydanticCustomError

from specnet.vocabulary.kind import fault

ENOUGH = 8
"""Different characters beyond ASCII that are needed to tell encodings of East Asia apart."""

SAMPLE = 1 << 20
"""Bytes of a file that are looked at."""

COMMON = 0.9
"""The share of different characters that are common ones, from which on an encoding is possible."""

UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""The byte order marks of UTF-16."""

DECODED = 30
"""Letters of a file that a message shows in each encoding."""

OTHERS = ("cp1252", "cp1250", "cp1251", "cp1254", "cp1253", "cp874", "cp1255", "cp1256", "koi8-r")
"""Encodings of one byte a character that a file may have, too."""

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def is_text_encoding(name: str) -> bool:
    """Return whether Python knows an encoding of text by a name, and can decode a file of it piece by piece."""
    if not name.isascii():  # which Python 3.15 deprecates
        return False
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError):
        return False
    return bool(codec._is_text_encoding) and codec.incrementaldecoder is not None  # noqa: SLF001 - as open() asks


def encoding_faults(name: str) -> Iterator[PydanticCustomError]:
    """Yield a fault where the key `encoding` of a document does not name such an encoding."""
    if not is_text_encoding(name):
        message = f"`{name}` is not a text encoding that Python knows, such as utf-8 or latin-1"
        yield fault(message, key="encoding")


def found_encoding(data: bytes) -> str | None:
    """Return the encoding of the beginning of a file, by the rule above; None where it remains open."""
    for mark, name in MARKS:
        if data.startswith(mark):
            return name
    sample = data[:SAMPLE]
    if b"\0" in sample:
        return _utf16(sample)
    if _valid(sample, "utf-8", cut=len(data) > SAMPLE):
        return "utf-8"
    fitting = [name for name in EAST_ASIAN if _fits(sample, name, cut=len(data) > SAMPLE)]
    if len(fitting) == 1:
        return fitting[0]
    return _western(sample) if not fitting else None


def likely_encoding(file: IO[bytes], current: str) -> str | None:
    """Return the encoding of a file that is not text in the `current` one, by the rule above.

    The sample is the first piece that has bytes which are not: all before it may be ASCII.
    """
    decoder = codecs.getincrementaldecoder(current)()
    is_first = True
    while piece := file.read(SAMPLE + 1):
        try:
            decoder.decode(piece)
        except UnicodeError:
            # Any but the first one may begin within a character.
            found = found_encoding(piece if is_first else piece[piece.find(b"\n") + 1 :])
            known = found is not None and codecs.lookup(found) != codecs.lookup(current)
            return found if known else None
        is_first = False
    return None


def possible_encodings(data: bytes) -> list[str]:
    """Return encodings in which the beginning of a file is valid text, the likelier ones first."""
    sample, cut = data[:SAMPLE], len(data) > SAMPLE
    valid = [name for name in (*EAST_ASIAN, *OTHERS) if _valid(sample, name, cut=cut)]
    fitting = [name for name in valid if name in EAST_ASIAN and _fits(sample, name, cut=cut, enough=1)]
    others = [name for name in valid if name in OTHERS]
    return [*fitting, *others, *(name for name in valid if name not in (*fitting, *others))]


def shown_in(data: bytes, name: str) -> str:
    """Return the beginning of the first line with more than ASCII, as it reads in an encoding."""
    line = next((line for line in data.splitlines() if not line.isascii()), b"")
    return "".join(c if c.isprintable() else "?" for c in line.decode(name, errors="replace")[:DECODED])


def _valid(sample: bytes, name: str, *, cut: bool) -> bool:
    try:
        codecs.getincrementaldecoder(name)().decode(sample, final=not cut)
    except UnicodeDecodeError:
        return False
    return True


def _utf16(sample: bytes) -> str | None:
    """Return the UTF-16 of text without a mark: the order of bytes in which it has lines, and no control characters."""
    found = []
    for name in ("utf-16-le", "utf-16-be"):
        try:
            text = codecs.getincrementaldecoder(name)().decode(sample, final=False)
        except UnicodeDecodeError:
            continue
        lines = text.replace("\r", "\n").replace("\t", " ").split("\n")
        if len(lines) > 1 and all(line.isprintable() for line in lines):
            found.append(name)
    return found[0] if len(found) == 1 else None


def _fits(sample: bytes, name: str, *, cut: bool, enough: int = ENOUGH) -> bool:
    """Return whether a sample is valid text in an encoding of East Asia, nearly all of it common characters."""
    try:
        text = codecs.getincrementaldecoder(name)().decode(sample, final=not cut)
    except UnicodeDecodeError:
        return False
    different = {letter for letter in text if letter > "\x7f" and letter.isalpha()}
    if len(different) < enough:
        return False
    codes = [code for letter in different if (code := _encoded(letter, name))]
    return EAST_ASIAN[name](different, codes)


def _encoded(letter: str, name: str) -> bytes:
    try:
        return letter.encode(name)
    except UnicodeEncodeError:
        return b""


def _share(codes: list[bytes], low: int, high: int, trail: int = 0xA1) -> float:
    """Return the share of characters of two bytes, the first within a range and the second from `trail` on."""
    there = [code for code in codes if len(code) == 2 and low <= code[0] <= high and code[1] >= trail]
    return len(there) / max(1, len(codes))


def _kana(letters: set[str]) -> int:
    return sum("\u3041" <= letter <= "\u30fe" for letter in letters)


def _korean(_: set[str], codes: list[bytes]) -> bool:
    return _share(codes, 0xB0, 0xC8) >= COMMON


def _shift_jis(letters: set[str], codes: list[bytes]) -> bool:
    kanji = _share(codes, 0x88, 0x97, 0x40) * len(codes)
    return (_kana(letters) + kanji) / len(letters) >= COMMON


def _euc_jp(letters: set[str], codes: list[bytes]) -> bool:
    kanji = _share(codes, 0xB0, 0xCF) * len(codes)
    return _kana(letters) >= 2 and (_kana(letters) + kanji) / len(letters) >= COMMON


def _simplified(letters: set[str], codes: list[bytes]) -> bool:
    # The last fifth of the common hanzi is beyond the syllables of Korean and the common kanji of Japanese.
    beyond = _share(codes, 0xD0, 0xD7)
    return _kana(letters) < 2 and beyond >= 0.1 and _share(codes, 0xB0, 0xD7) >= COMMON


def _traditional(letters: set[str], codes: list[bytes]) -> bool:
    # Its second bytes are ASCII letters, too, which those of the others rarely are.
    low = sum(len(code) == 2 and code[1] < 0x7F for code in codes)
    return low >= 0.1 * len(codes) and _share(codes, 0xA4, 0xC6, 0x40) >= COMMON and not _kana(letters)


EAST_ASIAN: dict[str, Callable[[set[str], list[bytes]], bool]] = {
    "cp949": _korean,
    "cp932": _shift_jis,
    "euc_jp": _euc_jp,
    "gb18030": _simplified,
    "big5": _traditional,
}
"""For each encoding whether characters and their codes are those of a usual text; cp949 and gb18030 include EUC-KR and
GB 2312, and cp932 is Shift-JIS as Windows writes it."""


PUNCTUATION = frozenset(b"\x80\x85\x91\x92\x93\x94\x95\x96\x97\x99")
"""What cp1252 has beyond latin-1 and texts use: the sign of the euro, quotes, dashes, dots."""

SIGNS, IN_WORDS = (
    frozenset("\xa3\xa7\xa9\xae\xb1\xd7"),
    frozenset("\xa0\xa1\xaa\xab\xb0\xb2\xb3\xb5\xb7\xba\xbb\xbf"),
)
"""Signs that have no letters after them, and those that have."""

_RUN = re.compile(rb"[\xc0-\xff]{3}")
"""What words of Western European languages do not have."""

ALPHABETS = tuple(
    frozenset(letters + letters.upper().replace("SS", ""))
    for letters in (
        "äöüßéèà", "àâæçéèêëîïôùûüÿñ", "áéíñóúüçï", "áâãàçéêíóôõúüñ", "àèéìíîòóùú", "æøåéèóòôüäöà", "åäöéüàæø",
        "áàâäçéèêëíïîóôöúûü", "àçèéíïòóúüñ",
    )
)  # fmt: skip
"""The letters beyond ASCII of German, French, Spanish, Portuguese, Italian, Danish and Norwegian, Swedish and Finnish,
Dutch, and Catalan."""


def _western(sample: bytes) -> str | None:
    high = [byte for byte in sample if byte > 0x7F]
    odd = any(chr(a) in SIGNS and chr(b).isalpha() for a, b in pairwise(sample))
    letters = {chr(byte) for byte in high if byte not in PUNCTUATION} - SIGNS - IN_WORDS
    if odd or _RUN.search(sample) or not any(letters <= alphabet for alphabet in ALPHABETS):
        return None
    return "cp1252" if PUNCTUATION & set(high) else "latin-1"
