"""How the numbers of a table seem to be written, judged by its cells."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

from specnet.data.tables.numbers import BLANKS, PLAIN, NumberFormat

LOOKED_AT = 500
"""Different cells of a column that are looked at."""

NEARLY_ALL = 0.9
"""The share of cells that must be numbers for a column to be one of numbers."""

PAIRS = ((".", None), (",", None), (".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'"))
"""Decimal and thousands separators that occur, the more frequent ones first."""

SIGNS = frozenset("%\u2030\u00b0")
"""Signs beside those of currencies that stand at numbers."""

_AFFIXED = re.compile(
    rf"[+-]?[{BLANKS}]*([^\w\s.,'+-]|[A-Z]{{3}}(?= ))?[{BLANKS}]*[+-]?[0-9][0-9.,'\u2019{BLANKS}]*?"
    rf"[{BLANKS}]*([^\w\s.,'+-]{{1,2}}|[a-zA-Z]{{2,4}}|(?<= )[a-zA-Z])?"
)
_GROUPS = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+")


def likely_format(columns: Iterable[Collection[str]], delimiter: str = ",") -> NumberFormat:
    """Return the format in which the most columns hold numbers: the plain one, unless more do in another."""
    samples = [texts for column in columns if (texts := _with_digits(column))]
    best, most = PLAIN, sum(_fits(texts, PLAIN) for texts in samples)
    if most == len(samples):
        return PLAIN
    strip = tuple(dict.fromkeys(sign for texts in samples for sign in _signs(texts)))
    for decimal, thousands in PAIRS:
        form = NumberFormat(decimal, thousands, strip)
        count = sum(_fits(texts, form) for texts in samples)
        if count > most or (count == most and _rather(form, best, samples, delimiter)):
            best, most = form, count
    return _without_idle(best, samples)


def other_format(texts: Collection[str], current: NumberFormat, delimiter: str = ",") -> NumberFormat | None:
    """Return a format in which nearly all of these cells are numbers, where they are none in the current one."""
    if not texts or _fits(list(islice(texts, LOOKED_AT)), current):
        return None
    found = likely_format([texts], delimiter)
    sample = list(islice(texts, LOOKED_AT))
    return found if not found.plain and _fits(sample, found) else None


def format_help(texts: Collection[str], current: NumberFormat, delimiter: str = ",") -> str | None:
    """Return how a document says that these cells are numbers, where they are in another format."""
    found = other_format(texts, current, delimiter)
    return None if found is None else f"write {keys_of(found, current)}, if these are numbers"


def keys_of(form: NumberFormat, current: NumberFormat = PLAIN) -> str:
    """Return the keys of a document that say a format, as far as they differ from the current ones."""
    keys = []
    if form.decimal != current.decimal:
        keys.append(f'decimal = "{form.decimal}"')
    if form.thousands != current.thousands and form.thousands is not None:
        keys.append(f'thousands = "{form.thousands}"')
    if set(form.strip) - set(current.strip):
        listed = ", ".join(f'"{sign}"' for sign in dict.fromkeys((*current.strip, *form.strip)))
        keys.append(f"strip = [{listed}]")
    return " and ".join(f"`{key}`" for key in keys)


def _with_digits(column: Collection[str]) -> list[str]:
    """Return different cells that have digits; nothing where most have none."""
    texts = list(islice((text for text in column if text), LOOKED_AT))
    there = [text for text in texts if any(map(str.isdigit, text))]
    return there if 2 * len(there) >= len(texts) else []


def _fits(texts: Sequence[str], form: NumberFormat) -> bool:
    return sum(form.value(text) is not None for text in texts) >= NEARLY_ALL * len(texts)


def _signs(texts: Sequence[str]) -> Iterator[str]:
    """Yield what stands before or after numbers: signs of currencies, percent signs, and units that all have."""
    found: Counter[str] = Counter()
    for text in texts:
        match = _AFFIXED.fullmatch(text.strip())
        if match is not None:
            found.update({affix for affix in match.groups() if affix})
    for affix, count in found.items():
        sign = all(c in SIGNS or unicodedata.category(c) == "Sc" for c in affix)
        if sign or (affix.isalpha() and count >= NEARLY_ALL * len(texts)):
            yield affix


def _rather(form: NumberFormat, best: NumberFormat, samples: list[list[str]], delimiter: str) -> bool:
    """Return whether commas are rather thousands separators, where they could be decimal ones, too: `1,234`."""
    if best.decimal != "," or best.thousands is not None or (form.decimal, form.thousands) != (".", ","):
        return False
    commas = [text for texts in samples for text in texts if "," in text and _fits(texts, best)]
    return delimiter != ";" and all(_GROUPS.search(text) for text in commas)


def _without_idle(form: NumberFormat, samples: list[list[str]]) -> NumberFormat:
    """Return a format without the signs that no column of numbers has."""
    numbers = [text for texts in samples if _fits(texts, form) for text in texts]
    strip = tuple(sign for sign in form.strip if any(sign in text for text in numbers))
    return NumberFormat(form.decimal, form.thousands, strip)
