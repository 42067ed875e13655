"""What a misspelled name was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 80
"""A longer name is no slip of anybody's."""


def folded(name: str) -> str:
    """Return a name without what people vary: capitals, blanks, `-` and `_`; nothing of a monstrous one."""
    return (
        "" if len(name) > LONGEST else "".join(letter for letter in name.casefold() if letter not in "-_ .")
    )


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like a misspelled one, or None where none is likely.

    Likely is what a slip or two makes (letters left out, added, exchanged or transposed), at most one for
    every three letters; capitals, blanks, `-` and `_` do not count.
    """
    word = folded(name)
    best: tuple[int, int, str] | None = None
    for place, candidate in enumerate(known):
        target = folded(candidate)
        limit = max(1, max(len(word), len(target)) // 3)
        if abs(len(word) - len(target)) > limit or not word:
            continue
        slips = distance(word, target)
        # In a short word a single other letter makes another word: `l3` is not `l2`.
        if slips <= limit and 2 * slips < max(len(word), len(target)):
            best = min(best or (slips, place, candidate), (slips, place, candidate))
    return best[2] if best else None


def nearest(name: str, names: Iterable[str], limit: int) -> list[str]:
    """Return the names with the fewest slips, at most `limit`, and with the same digits."""
    word = folded(name)
    slips = {
        n: distance(word, folded(n))
        for n in names
        if abs(len(word) - len(folded(n))) <= limit and len(word) > 2 and not _other_word(word, folded(n))
    }
    fewest = min(slips.values(), default=limit + 1)
    found = [n for n, count in slips.items() if count == fewest <= limit]
    return found if all(digits(n) == digits(name) for n in found) else []


def digits(name: str) -> str:
    """Return the digits of a name, which say what letters do not: `conv4d` is no slip of `conv3d`."""
    return "".join(letter for letter in name if letter.isdigit())


def _other_word(a: str, b: str) -> bool:
    """Return whether words of three letters have different ones: `gru` is another thing than `glu`."""
    return len(a) == len(b) <= 3 and sorted(a) != sorted(b)


def distance(a: str, b: str) -> int:
    """Return how many letters must be left out, added, exchanged or transposed to turn a into b.

    Optimal string alignment (Damerau, 1964; no letter is changed twice).
    """
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
