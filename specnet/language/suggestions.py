"""What a key or a kind was probably meant to be."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from specnet.diagnostics import Diagnostic, Edit, Fix, KeyPath
from specnet.diagnostics.spelling import closest, digits, folded, nearest
from specnet.diagnostics.text import clipped
from specnet.language.foreign import KEYS, KINDS


def meant_key(name: str, known: Iterable[str]) -> str | None:
    """Return the field that a key probably means: by its spelling, or as other libraries call it."""
    names = list(known)
    exact = next((n for n in names if folded(n) == folded(name)), None)
    foreign = next((n for n in KEYS.get(folded(name), ()) if n in names), None)
    return exact or foreign or closest(name, _same_digits(name, names))


def meant_kind(name: str, family: str, known: Iterable[str]) -> str | None:
    """Return the kind of a family that a name probably means: by its spelling, or as others call it."""
    names = list(known)
    return sure_kind(name, family, names) or closest(name, _same_digits(name, names))


def sure_kind(name: str, family: str, known: Iterable[str]) -> str | None:
    """Return the kind of a family that a name is but for capitals and the like, or that others call so."""
    names = list(known)
    exact = next((n for n in names if folded(n) == folded(name)), None)
    return exact or next((n for n in KINDS.get(family, {}).get(folded(name), ()) if n in names), None)


def of_other_digits(name: str, known: Iterable[str]) -> list[str]:
    """Return the names that differ from one in their digits alone: `conv1d`, `conv2d` and `conv3d` of `conv4d`."""
    word, given = _without_digits(name), digits(name)
    if not given or len(word) < 3:
        return []
    return [n for n in known if word == _without_digits(n) and digits(n) not in ("", given)]


def _without_digits(name: str) -> str:
    return "".join(letter for letter in folded(name) if not letter.isdigit())


def _same_digits(name: str, names: Iterable[str]) -> list[str]:
    """Return the names whose digits are those of another; all of them where that has none, as they may be left out."""
    given = digits(name)
    return [n for n in names if not given or digits(n) in ("", given)]


def certain_key(name: str, known: Iterable[str]) -> str | None:
    """Return the field that a key is a slip of, if no other is as near and no digit differs.

    What another library calls it does not count: there, it may mean something a little different.
    """
    names = list(known)
    exact = [n for n in names if folded(n) == folded(name)]
    return _only(exact) or _only(nearest(name, names, max(1, len(name) // 4)))


def certain_kind(name: str, known: Iterable[str]) -> str | None:
    """Return the kind that a name is a slip of: one letter too many, too few or wrong, or two exchanged.

    Nothing else may come as near, and the digits must agree, and in a short name the ends: `conv4d`
    and `adamx` may be kinds of their own elsewhere.
    """
    names = list(known)
    exact = [n for n in names if folded(n) == folded(name)]
    return _only(exact) or _only([n for n in nearest(name, names, 1) if _slip(folded(name), folded(n))])


def _slip(word: str, meant: str) -> bool:
    return len(word) >= 8 or (word[0], word[-1]) == (meant[0], meant[-1]) or sorted(word) == sorted(meant)


def _only(names: list[str]) -> str | None:
    return names[0] if len(names) == 1 else None


def rewritten(meant: str, path: KeyPath) -> Fix:
    """Return the fix that writes a name at a place."""
    return Fix(f'write "{meant}"', (Edit(f'"{meant}"', path),))


def unknown_name(
    code: str, message: str, name: str, known: Sequence[str], path: KeyPath, help: str
) -> Diagnostic:
    """Return the finding about a name that there is not, with the one that was meant, and a fix where that is sure."""
    meant = closest(name, known)
    fix = rewritten(meant, path) if meant is not None and meant == certain_kind(name, known) else None
    message += f"; did you mean `{clipped(meant)}`?" if meant else ""
    return Diagnostic(code, message, path, help=help, fix=fix)


def similar_file(name: str) -> str | None:
    """Return the document beside an absent file whose name is most like it."""
    folder, base = os.path.split(name)
    try:
        with os.scandir(folder or ".") as entries:
            names = sorted(entry.name for entry in entries if entry.name.endswith((".toml", ".json")))
    except (OSError, ValueError):
        return None
    if base in {n.rsplit(".", 1)[0] for n in names}:
        return os.path.join(folder, next(n for n in names if n.rsplit(".", 1)[0] == base))
    match = closest(base, names)
    return os.path.join(folder, match) if match else None
