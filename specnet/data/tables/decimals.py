"""Decimal numbers in bytes, many at once: the same bits as `float` gives.

Eight digits are read as one word of 64 bits and summed in three multiplications (Lemire, 2018, "Quickly parsing eight
digits"). The quotient of the digits and a power of ten is then rounded as Clinger (1990) and Dekker (1971) show; what
these do not decide is left to `float`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places = NDArray[np.intp]
    Array = NDArray[np.uint64]

PADDING = 24
"""Bytes that must come before the first cell, since words are read backwards from the end of a run of digits."""

WORD = 8
"""Bytes of a word."""

DIGITS = 19
"""The most digits whose number is sure to fit into 64 bits."""

_ALL = (1 << 64) - 1
_ZEROS = 0x3030303030303030
_KEPT = np.array([_ALL << 8 * (8 - digits) & _ALL for digits in range(9)], np.uint64)
"""The bytes of a word that are digits of a run, by how many digits it has."""
_TENS = np.array([10**n for n in range(DIGITS + 1)], np.uint64)
_POWERS = 10.0 ** np.arange(DIGITS + 1)
_SPLITTER = 2.0**27 + 1.0
_HIGH = _POWERS * _SPLITTER - (_POWERS * _SPLITTER - _POWERS)
_LOW = _POWERS - _HIGH
"""The powers as sums of two numbers whose products are exact."""
_DOUBT = 2.0**-40
"""A bound, with much to spare, of the relative error of what corrects a quotient."""


def decimals(
    data: bytes, starts: Places, ends: Places, points: Places
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the numbers of cells of bytes, and which cells must be read in another way.

    `points` are the places of the decimal signs, and below `starts` in cells without one. A cell is read here if it is
    a sign, if any, and at most 19 digits around the decimal sign; blanks before it are ignored.
    """
    content = np.frombuffer(data, np.uint8)
    starts = _without_blanks(content, starts, ends)
    points = np.where(points < starts, ends, points)
    first = content.take(starts, mode="clip")
    negative = first == ord("-")
    starts += negative | (first == ord("+"))
    before = points - starts
    behind = ends - points
    behind -= 1
    np.maximum(behind, 0, out=behind)
    digits = before + behind
    if int((ends - starts).max(initial=0)) <= WORD:
        number, odd = _short(ByteWords(data), ends, points, behind, digits)
    else:
        number, odd = _long(ByteWords(data), ends, points, before, behind)
    odd |= (digits < 1) | (before < 0)
    if odd.any():
        number[odd] = 0
    values = _quotients(number, behind, odd)
    signs = negative.astype(np.uint64)
    signs <<= np.uint64(63)
    bits = values.view(np.uint64)
    bits |= signs
    return values, odd


class ByteWords:
    """Eight bytes before any place, as words: two neighbours of those that bytes make in order hold them.

    NumPy would copy the words that begin at each byte to take some of them, since they lie across each other.
    """

    def __init__(self, data: bytes) -> None:
        self._all: Array = np.frombuffer(data + b"\0" * (-len(data) % WORD), "<u8")

    def before(self, ends: Places) -> Array:
        """Return the eight bytes before each place."""
        places = ends - WORD
        bits = (places & (WORD - 1)).astype(np.uint64)
        bits <<= np.uint64(3)
        places >>= 3
        words = self._all.take(places, mode="clip")
        words >>= bits
        places += 1
        np.subtract(np.uint64(8 * WORD), bits, out=bits)
        more = self._all.take(places, mode="clip")
        more <<= bits  # by 64 bits nothing is left
        words |= more
        return words


def words_before(data: bytes, ends: Places, sizes: Places) -> Array:
    """Return up to eight bytes before `ends` as words; the bytes before those are zeros."""
    words = ByteWords(data).before(ends)
    words &= _KEPT.take(sizes, mode="clip")
    return words


def _without_blanks(content: NDArray[np.uint8], starts: Places, ends: Places) -> Places:
    starts = starts.copy()
    blank = content.take(starts, mode="clip") == ord(" ")
    while blank.any():
        starts += blank
        blank = (content.take(starts, mode="clip") == ord(" ")) & (starts < ends)
    return starts


def _short(
    words: ByteWords, ends: Places, points: Places, behind: Places, digits: Places
) -> tuple[Array, NDArray[np.bool_]]:
    """Return the digits of cells of up to eight bytes as numbers, and which have other letters."""
    word = words.before(ends)
    word ^= np.uint64(_ZEROS)
    kept = _KEPT.take(behind, mode="clip")
    fraction = word & kept
    # The digits in front of the point move to where it is.
    shifts = (points < ends).astype(np.uint64)
    shifts <<= np.uint64(3)
    word <<= shifts
    kept ^= _KEPT.take(digits, mode="clip")
    word &= kept
    word |= fraction
    number, wrong = _summed(word)
    return number, wrong != 0


def _long(
    words: ByteWords, ends: Places, points: Places, before: Places, behind: Places
) -> tuple[Array, NDArray[np.bool_]]:
    """Return the digits of cells as numbers, and which have other letters, or more digits than fit."""
    number, wrong = _run(words, points, before)
    _add_longer(words, points, before, number, wrong)
    whole = number == 0
    number *= _TENS.take(behind, mode="clip")
    fraction, faulty = _run(words, ends, behind)
    _add_longer(words, ends, behind, fraction, faulty)
    number += fraction
    wrong |= faulty
    odd = wrong != 0
    # Without zeros in front of the point, the digits behind it alone must fit.
    odd |= (before + behind > DIGITS) & ~(whole & (before <= DIGITS) & (behind <= DIGITS))
    return number, odd


def _run(words: ByteWords, ends: Places, digits: Places) -> tuple[Array, Array]:
    """Return the numbers of up to eight digits before `ends`, and words that are not zero where there are others."""
    word = words.before(ends)
    word ^= np.uint64(_ZEROS)
    word &= _KEPT.take(digits, mode="clip")
    return _summed(word)


def _summed(word: Array) -> tuple[Array, Array]:
    """Return the numbers of words of digits from 0 to 9, and words that are not zero where there is another byte."""
    wrong = word + np.uint64(0x0606060606060606)
    wrong |= word
    wrong &= np.uint64(0xF0F0F0F0F0F0F0F0)
    for factor, shift, kept in (
        (2561, 8, 0x00FF00FF00FF00FF),
        (6553601, 16, 0x0000FFFF0000FFFF),
        (42949672960001, 32, _ALL),
    ):
        word *= np.uint64(factor)
        word >>= np.uint64(shift)
        word &= np.uint64(kept)
    return word, wrong


def _add_longer(words: ByteWords, ends: Places, digits: Places, number: Array, wrong: Array) -> None:
    """Add the digits before the last eight, up to 24, where any number has so many."""
    longest = int(digits.max(initial=0))
    for done in (8, 16):
        if longest > done:
            more, faulty = _run(words, ends - done, digits - done)
            number += more * np.uint64(10**done)
            wrong |= faulty


def _quotients(number: Array, behind: Places, odd: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return numbers over powers of ten, rounded once; those in doubt are added to `odd`."""
    powers = _POWERS.take(behind, mode="clip")
    if int(number.max(initial=0)) < 1 << 53:
        # Both are exact, so their quotient is rounded once (Clinger, 1990).
        exact: NDArray[np.float64] = number.view(np.int64) / powers
        return exact
    high = number.astype(np.float64)
    low = (number - high.astype(np.uint64)).view(np.int64).astype(np.float64)
    quotient = high / powers
    # The remainder is exact, since products of the halves of two numbers are (Dekker, 1971).
    product: Any = quotient * _SPLITTER
    upper = product - (product - quotient)
    lower = quotient - upper
    powers_high, powers_low = _HIGH.take(behind, mode="clip"), _LOW.take(behind, mode="clip")
    product = quotient * powers
    error = ((upper * powers_high - product) + upper * powers_low + lower * powers_high) + lower * powers_low
    correction = (((high - product) - error) + low) / powers
    rounded: NDArray[np.float64] = quotient + correction * (1.0 - _DOUBT)
    odd |= rounded != quotient + correction * (1.0 + _DOUBT)
    return rounded
