from __future__ import annotations

from collections.abc import Iterable, Sequence

from specnet.diagnostics import Diagnostic, KeyPath, Label, Part, SpecError

LIMIT = 20
"""How many findings about data are listed before the rest are counted."""


class Faults:
    """The findings about one reader's data, gathered so that a user sees all of them at once."""

    def __init__(self, root: KeyPath) -> None:
        self.root = root
        self.found: list[Diagnostic] = []

    def add(
        self,
        code: str,
        message: str,
        *key: str | int,
        part: Part = "value",
        help: str | None = None,  # noqa: A002 - a diagnostic's own word
        labels: tuple[Label, ...] = (),
    ) -> None:
        """Note one fault; `key` continues the reader's key path."""
        self.found.append(
            Diagnostic(code, message, path=(*self.root, *key), part=part, help=help, labels=labels)
        )

    def check(self) -> None:
        """Raise SpecError with everything that was found, if anything was."""
        if not self.found:
            return
        shown = self.found[:LIMIT]
        rest = len(self.found) - LIMIT
        if rest > 0:
            shown.append(
                Diagnostic("SN500", f"{rest} more errors in the data are not listed", path=self.root)
            )
        raise SpecError(shown)


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return which known name was probably meant, if any is close."""
    import difflib

    folded = {candidate.casefold(): candidate for candidate in known}
    match = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return folded[match[0]] if match else None


def listed(names: Sequence[str], limit: int = 10) -> str:
    """Return names in code marks, each as `clipped`, separated by commas, the last ones counted if there are many."""
    shown = ", ".join(f"`{clipped(name)}`" for name in names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown


def counted(number: int, noun: str) -> str:
    """Return `1 row`, `2 rows`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def clipped(text: str, width: int = 40) -> str:
    """Return a cell's text in a form that fits in a sentence: control characters escaped, long text cut."""
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[: width + 1])
    return plain if len(plain) <= width else plain[:width] + "…"


def sized(number: int) -> str:
    """Return a number of bytes as `1.5 GiB`; in whole numbers throughout, as it may be more than a float holds."""
    units = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
    power = min(max(number.bit_length() - 1, 0) // 10, len(units) - 1)
    tenths = number * 10 >> 10 * power
    if tenths >= 10**6:
        return "over 100 000 EiB"
    return f"{number} bytes" if power == 0 else f"{tenths // 10}.{tenths % 10} {units[power]}"
