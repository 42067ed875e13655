"""What was probably meant."""

from __future__ import annotations

import os
from collections.abc import Iterable

from specnet.language.foreign import KEYS, KINDS, folded


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
        if slips <= limit and (2 * slips < max(len(word), len(target))):
            best = min(best or (slips, place, candidate), (slips, place, candidate))
    return best[2] if best else None


def meant_key(name: str, known: Iterable[str]) -> str | None:
    """Return the field that a key probably means: by its spelling, or as other libraries call it."""
    names = list(known)
    exact = next((n for n in names if folded(n) == folded(name)), None)
    foreign = next((n for n in KEYS.get(folded(name), ()) if n in names), None)
    return exact or foreign or closest(name, names)


def meant_kind(name: str, family: str, known: Iterable[str]) -> str | None:
    """Return the kind of a family that a name probably means: by its spelling, or as others call it."""
    names = list(known)
    return sure_kind(name, family, names) or closest(name, names)


def sure_kind(name: str, family: str, known: Iterable[str]) -> str | None:
    """Return the kind of a family that a name is but for capitals and the like, or that others call so."""
    names = list(known)
    exact = next((n for n in names if folded(n) == folded(name)), None)
    return exact or next((n for n in KINDS.get(family, {}).get(folded(name), ()) if n in names), None)


def certain_key(name: str, known: Iterable[str]) -> str | None:
    """Return the field that a key is a slip of, if no other is as near and no digit differs.

    What another library calls it does not count: there, it may mean something a little different.
    """
    names = list(known)
    exact = [n for n in names if folded(n) == folded(name)]
    return _only(exact) or _only(_nearest(name, names, max(1, len(name) // 4)))


def certain_kind(name: str, known: Iterable[str]) -> str | None:
    """Return the kind that a name is a slip of: one letter too many, too few or wrong, or two exchanged.

    Nothing else may come as near, and the digits must agree, and in a short name the ends: `prelu`, `adamw`
    and `conv3d` are kinds of their own elsewhere.
    """
    names = list(known)
    exact = [n for n in names if folded(n) == folded(name)]
    return _only(exact) or _only([n for n in _nearest(name, names, 1) if _slip(folded(name), folded(n))])


def _slip(word: str, meant: str) -> bool:
    return len(word) >= 8 or (word[0], word[-1]) == (meant[0], meant[-1]) or sorted(word) == sorted(meant)


def _nearest(name: str, names: Iterable[str], limit: int) -> list[str]:
    """Return the names with the fewest slips, at most `limit`, and with the same digits."""
    word = folded(name)
    slips = {
        n: distance(word, folded(n))
        for n in names
        if abs(len(word) - len(folded(n))) <= limit and len(word) > 2
    }
    fewest = min(slips.values(), default=limit + 1)
    found = [n for n, count in slips.items() if count == fewest <= limit]
    return found if all(_digits(n) == _digits(name) for n in found) else []


def _only(names: list[str]) -> str | None:
    return names[0] if len(names) == 1 else None


def _digits(name: str) -> list[str]:
    return [letter for letter in name if letter.isdigit()]


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


def similar_file(name: str) -> str | None:
    """Return the document beside an absent file whose name is most like it."""
    folder, base = os.path.split(name)
    try:
        with os.scandir(folder or ".") as entries:
            names = sorted(entry.name for entry in entries if entry.name.endswith((".toml", ".json")))
    except (OSError, ValueError):
        return None
    if base in {n.rsplit(".", 1)[0] for n in names}:
        return os.path.join(folder, next(n for n in names if n.rsplit(".", 1)[0] == base))  # noqa: PTH118
    match = closest(base, names)
    return os.path.join(folder, match) if match else None  # noqa: PTH118  as the user writes it
