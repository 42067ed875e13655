"""How numbers are written in the cells of a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

BLANKS = " \u00a0\u2009\u202f"
"""The blanks that may stand between digits, and between a number and a sign: thin and unbreakable ones, too."""

VARIANTS = {" ": BLANKS, "'": "'\u2019"}
"""The characters that a thousands separator stands for, beside itself."""

_NOT_FINITE = re.compile(r"[+-]?(?:inf|infinity|nan)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """The decimal sign, the thousands separator and the signs before and after the numbers of a table."""

    decimal: str = "."
    thousands: str | None = None
    strip: tuple[str, ...] = ()
    """Strings before or after a number that are no part of it, such as `$` and `%`."""
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_pattern", re.compile(self.pattern))

    @property
    def plain(self) -> bool:
        """Whether numbers are written as Python writes them."""
        return self.decimal == "." and self.thousands is None and not self.strip

    @property
    def separators(self) -> str:
        """The characters that separate thousands."""
        return VARIANTS.get(self.thousands, self.thousands) if self.thousands is not None else ""

    @property
    def pattern(self) -> str:
        """A regular expression for finite numbers; its groups are two signs, the digits before and from the point on.

        Groups of digits have three, or in front of these two, as in 12,34,567.
        """
        separator = f"[{re.escape(self.separators)}]" if self.separators else ""
        grouped = f"[0-9]{{1,3}}(?:{separator}[0-9]{{2,3}})*{separator}[0-9]{{3}}|" if separator else ""
        point = re.escape(self.decimal)
        longest_first = sorted(self.strip, key=len, reverse=True)
        sign = f"(?:{'|'.join(map(re.escape, longest_first))})?[{BLANKS}]*" if self.strip else ""
        behind = f"[{BLANKS}]*{sign}" if self.strip else ""
        return (
            f"([+-]?)[{BLANKS}]*{sign}([+-]?)({grouped}[0-9]*)(?:{point}([0-9]*))?([eE][+-]?[0-9]+)?{behind}"
        )

    def as_python(self, text: str) -> str | None:
        """Return the number that a string spells as `float` takes it; None where it spells none."""
        if self.plain:
            return None if "_" in text or not text.isascii() else text
        found = self._pattern.fullmatch(text.strip())
        if found is None:
            return text if _NOT_FINITE.fullmatch(text.strip()) else None
        first, second, whole, fraction, exponent = found.groups(default="")
        if (first and second) or not (whole or fraction):
            return None
        for separator in self.separators:
            whole = whole.replace(separator, "")
        return f"{first}{second}{whole}.{fraction}{exponent}"

    def rewritten(self, cells: Sequence[str]) -> list[str] | None:
        """Return cells as `float` takes them, or refuses them, if none has a sign whose place must be looked at.

        That is quick, for columns of numbers without thousands separators. None where a look at each cell is needed.
        """
        whole = "\n".join(cells)
        if any(sign in whole for sign in self.separators) or (self.decimal != "." and "." in whole):
            return None
        found = whole.replace(self.decimal, ".").split("\n")
        return found if len(found) == len(cells) else None

    def value(self, text: str) -> float | None:
        """Return the number that a string spells, infinities and NaN among them; None if it spells none."""
        python = self.as_python(text)
        try:
            return None if python is None else float(python)
        except ValueError:
            return None


PLAIN = NumberFormat()
"""Numbers as Python writes them."""


def number(text: str) -> float | None:
    """Return the decimal number that a string spells in the plain format; None if it spells none."""
    return PLAIN.value(text)
