"""What a field takes, in words."""

from __future__ import annotations

import json

from specnet.diagnostics.text import article, joined, plural
from specnet.vocabulary.domain import Domain

_NOUNS = {
    "any": ("anything", "values"),
    "bool": ("true or false", "true or false"),
    "int": ("a whole number", "whole numbers"),
    "float": ("a number", "numbers"),
    "text": ("a string", "strings"),
    "table": ("a table", "tables"),
    "map": ("a table", "tables"),
    "array": ("an array", "arrays"),
}


def words(domain: Domain) -> str:
    """Return what a field takes, such as `a whole number above 0 or "full"`."""
    if domain.words is not None:
        return domain.words
    if domain.form == "union":
        parts = [words(member) for member in domain.members]
        comma = "," * any("," in part or " or " in part for part in parts[:-1])
        return f"{', '.join(parts[:-1])}{comma} or {parts[-1]}"
    if domain.form == "choice":
        names = [json.dumps(choice, ensure_ascii=False) for choice in domain.choices]
        return joined(names, "or")
    if domain.form == "family" and domain.family is not None:
        return f"{article(domain.family.name)}: its name, or a table with `type`"
    if domain.form == "array":
        return _array(domain)
    return _NOUNS[domain.form][0] + _limits(domain)


def _array(domain: Domain) -> str:
    count = ""
    if domain.min_length is not None and domain.min_length == domain.max_length:
        count = f"{domain.min_length} "
    elif domain.min_length is not None:
        count = f"at least {domain.min_length} " if domain.min_length > 1 else "one or more "
    item = domain.items or (domain.members[0] if len(set(domain.members)) == 1 else None)
    return f"an array of {count}{_plural(item) if item else 'values'}"


def _plural(domain: Domain) -> str:
    if domain.form in {"union", "choice"}:
        return f"values, each {words(domain)}"
    if domain.form == "family" and domain.family is not None:
        return plural(domain.family.name)
    return _NOUNS[domain.form][1] + (_limits(domain) if domain.form != "array" else "")


def _limits(domain: Domain) -> str:
    if domain.form == "text":
        if domain.pattern is not None:
            return f" that matches {domain.pattern}"
        if domain.min_length == domain.max_length == 1:
            return " of one character"
        return " that is not empty" if domain.min_length else ""
    if domain.form not in {"int", "float"}:
        return ""
    low = _number(" above ", domain.gt) or _number(" of at least ", domain.ge)
    high = _number("below ", domain.lt) or _number("at most ", domain.le)
    both = f" from {_number('', domain.ge)} to " if domain.ge is not None and high else f"{low} and "
    if domain.ge is not None and domain.le is not None:
        return f" from {_number('', domain.ge)} to {_number('', domain.le)}"
    if low and high:
        return both + high
    return low or (f" {high}" if high else "")


def _number(lead: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{lead}{int(value) if value == int(value) and abs(value) < 1e15 else value}"
