"""The rules as pages for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from specnet.diagnostics.rules.rule import FIX, Rule
from specnet.diagnostics.segments import Segment, Style, printable, wrapped

_HEAD = """\
# Rules

Each finding of `specnet validate` has a code, which stays the same from version to version. Its first digit is
the phase that finds it. `specnet rule CODE` prints one of these rules, and `specnet rule --all --output
markdown` prints this page.

An example is an excerpt of a document; the rest of the document is valid.
"""
_STYLES: dict[str, Style] = {"Wrong": "error", "Right": "help"}


def page(rules: Iterable[Rule]) -> str:
    """Return a page of all rules in Markdown, in their order, by phase."""
    parts = [_HEAD]
    phase = ""
    for rule in rules:
        if rule.phase != phase:
            phase = rule.phase
            parts.append(f"## {rule.code[:3]}xx: {phase}\n")
        parts += [f"### {rule.code}: {rule.title}\n", rule.markdown]
    return "\n".join(parts)


def explained(rule: Rule, width: int) -> Iterator[Segment]:
    """Yield a rule in styled pieces, in lines of at most `width` columns but for its examples."""
    yield f"{rule.severity}[{rule.code}]", rule.severity
    first, *rest = wrapped(f": {rule.title}", width - len(rule.severity) - 7)
    for line in (first, *rest):
        yield f"{line}\n", "strong"
    yield "\n", "plain"
    if rule.fixable:
        yield f"{FIX}\n\n", "help"
    for line in wrapped(rule.text, width):
        yield f"{line}\n", "plain"
    for example in rule.examples:
        label = example.label.strip("`")
        yield f"\n{label}:\n\n", _STYLES.get(label, "location")
        for line in example.shown(width - 5).rstrip("\n").split("\n"):
            yield f"    {printable(line)}".rstrip() + "\n", "source"
