from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Literal

from specnet.cli.guard import MISUSED
from specnet.diagnostics.rules import RULES, Rule

Style = Literal["text", "json", "markdown"]


def rule(name: str | None, style: Style) -> int:
    """Print what a code means, or, without one, all codes; return the exit code."""
    if name is None:
        return _print(list(RULES.values()), style, whole=True)
    asked = RULES.get(name.strip().upper())
    if asked is None:
        from specnet.cli.terminal import failed

        failed(f"there is no rule {name}; {_help(name)}")
        return MISUSED
    return _print([asked], style, whole=False)


def _help(name: str) -> str:
    from specnet.diagnostics.spelling import closest

    digits = "".join(letter for letter in name if letter.isdigit())
    meant = f"SN{digits}" if f"SN{digits}" in RULES else closest(name, RULES)
    return f"did you mean {meant}?" if meant else "`specnet rule --all` lists all of them"


def _print(rules: Sequence[Rule], style: Style, *, whole: bool) -> int:
    if style == "json":
        listed = [_as_dict(rule) for rule in rules]
        sys.stdout.write(json.dumps(listed if whole else listed[0], indent=2) + "\n")
    elif style == "markdown":
        from specnet.diagnostics.rules.page import page

        head = f"# {rules[0].code}: {rules[0].title}\n\n"
        sys.stdout.write(page(rules) if whole else head + rules[0].markdown)
    elif whole:
        _list(rules)
    else:
        from specnet.cli.terminal import WIDEST, results, show_segments
        from specnet.diagnostics.rules.page import explained

        console = results()
        show_segments(console, explained(rules[0], min(console.width, WIDEST)))
    return 0


def _list(rules: Sequence[Rule]) -> None:
    from rich.text import Text

    from specnet.cli.terminal import results, say

    console = results()
    phase = ""
    for rule in rules:
        if rule.phase != phase:
            if phase:
                console.print()
            phase = rule.phase
            head = Text.assemble((phase, "bold cyan"), (f"  {rule.code[:3]}xx", "dim"))
            console.print(head, soft_wrap=True)
        console.print(Text.assemble("  ", (rule.code, "bold"), f"  {rule.title}"), soft_wrap=True)
    console.print()
    say(console, "specnet rule CODE explains one of them.", "dim")


def _as_dict(rule: Rule) -> dict[str, object]:
    names = ("code", "title", "fixable", "text", "wrong", "right", "syntax", "files", "severity", "phase")
    return {name: getattr(rule, name) for name in names}
