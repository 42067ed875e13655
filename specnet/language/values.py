"""A value that its field does not take."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Any

from specnet.diagnostics import Diagnostic, Edit, Fix, KeyPath
from specnet.diagnostics.spelling import closest
from specnet.language.resolve import ABSENT, Resolved, resolve
from specnet.language.suggestions import certain_kind
from specnet.language.wording import dotted, shown
from specnet.vocabulary.domain import Domain, members
from specnet.vocabulary.kind import Table
from specnet.vocabulary.wording import words

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
"""A number as TOML and JSON both write it."""

CODES = {
    **dict.fromkeys(
        [
            "kind_type",
            "model_type",
            "model_attributes_type",
            "dict_type",
            "tuple_type",
            "list_type",
            "string_type",
            "string_unicode",
            "int_type",
            "int_from_float",
            "int_parsing",
            "float_type",
            "float_parsing",
            "bool_type",
            "bool_parsing",
            "none_required",
        ],
        "SN206",
    ),
    **dict.fromkeys(["literal_error", "enum"], "SN207"),
    **dict.fromkeys(
        [
            "greater_than",
            "greater_than_equal",
            "less_than",
            "less_than_equal",
            "multiple_of",
            "finite_number",
            "int_parsing_size",
        ],
        "SN208",
    ),
    **dict.fromkeys(
        ["too_short", "too_long", "string_too_short", "string_too_long", "string_pattern_mismatch"], "SN209"
    ),
}
"""The code of each of pydantic's errors about a value."""

RANK = {"SN208": 0, "SN209": 1, "SN207": 2, "SN206": 3}
"""Which of a union's errors says most: that of a member that the value would be but for its size."""


def value_fault(model: type[Table], data: dict[str, Any], place: Resolved, error: str) -> Diagnostic:
    """Return the finding about a value that pydantic refuses with an error of `CODES`."""
    code = CODES[error]
    path, value, found = place.path, place.value, place.domains
    if place.union is not None and place.union == path:
        whole = resolve(model, data, path)
        found = whole.domains
    domain = found[0] if len(found) == 1 else Domain("union", members=found) if found else Domain("any")
    if value is ABSENT:
        return Diagnostic(code, f"`{_name(path)}` must be {words(domain)}", path=path)
    message = f"`{_name(path)}` must be {words(domain)}, not {shown(value)}"
    choices = [c for m in members(domain) for c in m.choices if isinstance(c, str)]
    if isinstance(value, str) and choices and not _unquoted(value, {m.form for m in members(domain)}):
        code = "SN207"
        meant = closest(value, choices)
        message += f"; did you mean {shown(meant)}?" if meant else ""
    elif code == "SN207" and domain.form == "union":
        code = "SN206"
    elif _has_size(value, domain, code):
        message += (
            f" of {len(value)}" if isinstance(value, list | tuple) and "array of" not in message else ""
        )
    new = _replacement(value, choices, domain)
    fix = Fix(f"write {new}", (Edit(new, path),)) if new is not None else None
    return Diagnostic(code, message, path=path, help=_help(path, value, domain), fix=fix)


def _replacement(value: Any, choices: Iterable[str], domain: Domain) -> str | None:
    """Return the text of the value that was meant without a doubt: a choice misspelled, a number in quotes."""
    forms = {member.form for member in members(domain)}
    if isinstance(value, float) and value.is_integer() and "int" in forms and abs(value) < 1e15:
        return str(int(value))
    if not isinstance(value, str):
        return None
    meant = certain_kind(value, choices)
    if meant is not None:
        return shown(meant)
    if "text" in forms or "family" in forms or not _NUMBER.fullmatch(value):
        return None
    return value if "float" in forms or ("int" in forms and value.lstrip("-").isdigit()) else None


def version_fault(value: Any) -> Diagnostic:
    """Return the finding about the language's version."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 1:
        message = f"version {shown(value)} of the language is unknown: this specnet reads version 1"
        return Diagnostic("SN201", message, path=("specnet",), help="a newer specnet may read it")
    message = f"`specnet` is the version of the language, which is 1, not {shown(value)}"
    return Diagnostic("SN201", message, path=("specnet",), help="write specnet = 1")


def _has_size(value: Any, domain: Domain, code: str) -> bool:
    return code == "SN209" and domain.form == "array" and isinstance(value, list | tuple)


def _name(path: KeyPath) -> str:
    """Return the last key of a path, with the places of array elements that follow it."""
    start = max((i for i, step in enumerate(path) if isinstance(step, str)), default=0)
    return dotted(path[start:])


def _help(path: KeyPath, value: Any, domain: Domain) -> str | None:
    forms = {member.form for member in members(domain)}
    if isinstance(value, float) and value.is_integer() and "int" in forms:
        return f"write {int(value)}, without a point" if abs(value) < 1e15 else None
    if isinstance(value, str) and forms != {"array"}:
        return _unquoted(value, forms)
    if (
        "text" in forms
        and not forms & {"int", "float"}
        and isinstance(value, int | float)
        and not isinstance(value, bool)
    ):
        return f'strings are written in quotes: "{shown(value)}"'
    key = _name(path)
    if isinstance(value, dict) and "array" in forms and len(path) <= 2:
        return f"each element has a header of its own in two pairs of brackets: [[{dotted(path)}]]"
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        if forms & {"table", "family"}:
            return f"a single table has one pair of brackets: [{dotted(path)}]"
    elif forms == {"array"} and isinstance(value, int | float | str):
        return f"an array of one is written {key} = [{shown(value)}]"
    return None


def _unquoted(value: str, forms: AbstractSet[str]) -> str | None:
    word = value.strip()
    if "bool" in forms and word.lower() in {"true", "false"}:
        return f"write {word.lower()}, without quotes"
    if forms & {"int", "float"}:
        try:
            float(word)
        except ValueError:
            return None
        return f"write {word}, without quotes"
    return None
