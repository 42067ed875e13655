"""How names, counts and amounts stand in a sentence."""

from __future__ import annotations

import signal
from collections.abc import Sequence


def clipped(text: str, width: int = 40) -> str:
    """Return a string in a form that fits in a sentence: what does not print is escaped, what is long is cut."""
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[: width + 1])
    return plain if len(plain) <= width else f"{plain[:width]}…"


def escape_help(path: str) -> str | None:
    r"""Return help for a path with a character that an escape sequence stands for, as in `"C:\temp"`, or None."""
    if not set(path) & set("\b\t\n\f\r"):
        return None
    return (
        "in double quotes, a backslash starts an escape sequence: "
        "write the path in single quotes (TOML), or with `/`"
    )


def listed(names: Sequence[str], limit: int = 10, mark: str = "`") -> str:
    """Return names in code marks, each as `clipped`, separated by commas, the last ones counted if there are many.

    A name that is empty is `(no name)`: the first column of a table may be without one.
    """
    shown = ", ".join(f"{mark}{clipped(name)}{mark}" if name else "(no name)" for name in names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown


def joined(items: Sequence[str], word: str = "and") -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    *maximum, last = items
    return f"{', '.join(maximum)} {word} {last}" if maximum else last


def plural(noun: str, count: float = 2) -> str:
    """Return a noun as it follows a count."""
    if count == 1:
        return noun
    return f"{noun}es" if noun.endswith(("s", "tch")) else f"{noun}s"


def counted(count: float, noun: str) -> str:
    """Return `1 row`, `20,000 rows`, `2.5 epochs`."""
    return f"{fraction(count)} {plural(noun, count)}"


def fraction(count: float) -> str:
    """Return a count that may have a fraction, as `3` or `2.33`."""
    whole = int(count)
    return f"{whole:,}" if whole == count else f"{count:,.2f}"


def article(noun: str) -> str:
    """Return a noun with `a` or `an` before it."""
    return f"an {noun}" if noun[:1] in "aeiou" else f"a {noun}"


def sized(count: int) -> str:
    """Return a number of bytes as `96 B`, `1.5 KiB`, `12.0 MiB`; in integers, as it may be more than a float holds."""
    if count < 1024:
        return f"{count} B"
    units = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
    rounded = ((count * 20 + 1024**power) // (2 * 1024**power) for power in range(1, len(units) + 1))
    tenths, unit = next(
        (t, unit) for t, unit in zip(rounded, units, strict=True) if t < 10_240 or unit == "EiB"
    )
    return "over 100,000 EiB" if tenths >= 10**6 else f"{tenths // 10:,}.{tenths % 10} {unit}"


def how_ended(code: int) -> str:
    """Return how a process has ended, by what the system says of it: "was ended by SIGKILL", for example."""
    if code >= 0:
        return f"ended with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    memory = ", as the system does where memory runs out" if name == "SIGKILL" else ""
    return f"was ended by {name}{memory}"
