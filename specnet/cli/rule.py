from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from specnet.cli.guard import MISUSED
from specnet.cli.options import Page, argument, choice

if TYPE_CHECKING:
    from specnet.diagnostics.rules import Rule


def rule(
    code: Annotated[str | None, argument("CODE", help="The code of a rule, such as SN204.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Show all rules.")] = False,
    output: Annotated[Page, choice("--output", kinds=Page, help="The output format.")] = Page.TEXT,
) -> int:
    """Explain the code of a finding.

    A wrong and a right example illustrate it.
    """
    from specnet.diagnostics.rules import RULES

    if (code is None) != every:
        raise typer.BadParameter("give a code, such as SN204, or --all", param_hint="CODE")
    if code is None:
        return _print(list(RULES.values()), output, whole=True)
    asked = RULES.get(code.strip().upper())
    if asked is None:
        from specnet.cli.terminal import failed

        failed(f"there is no rule {code}; {_help(code)}")
        return MISUSED
    return _print([asked], output, whole=False)


def _help(name: str) -> str:
    """Say which code may have been meant, or what there is."""
    from specnet.diagnostics.rules import DIGITS, RULES, meant_code

    digits = "".join(letter for letter in name if letter.isdigit())
    meant = meant_code(name, RULES)
    if meant is not None:
        return f"did you mean {meant}?"
    return _range(digits, list(RULES)) if len(digits) == DIGITS else "`specnet rule --all` lists all of them"


def _range(digits: str, codes: Sequence[str]) -> str:
    """Say between which codes of its phase a code would be; where there is no such phase, which phases there are."""
    phase = [code for code in codes if code.startswith(f"SN{digits[0]}")]
    if not phase:
        phases = sorted({code[2] for code in codes})
        return f"codes begin with SN{phases[0]} to SN{phases[-1]}; `specnet rule --all` lists all of them"
    return (
        f"those of its phase are between {phase[0]} and {phase[-1]}; `specnet rule --all` lists all of them"
    )


def _print(rules: Sequence[Rule], style: Page, *, whole: bool) -> int:
    if style is Page.JSON:
        listed = [_as_dict(rule) for rule in rules]
        sys.stdout.write(json.dumps(listed if whole else listed[0], indent=2) + "\n")
    elif style is Page.MARKDOWN:
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
    from specnet.cli.terminal import line, results, say

    console = results()
    phase = ""
    for rule in rules:
        if rule.phase != phase:
            if phase:
                console.print()
            phase = rule.phase
            line(console, (phase, "bold cyan"), (f"  {rule.code[:3]}xx", "dim"))
        line(console, "  ", (rule.code, "bold"), f"  {rule.title}")
    console.print()
    say(console, "specnet rule CODE explains one of them.", "dim")


def _as_dict(rule: Rule) -> dict[str, object]:
    names = ("code", "title", "fixable", "text", "wrong", "right", "syntax", "files", "severity", "phase")
    return {name: getattr(rule, name) for name in names}
