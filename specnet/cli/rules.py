from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Literal

from specnet.cli.guard import MISUSED
from specnet.diagnostics.codes import CODES, PHASES, Code

Style = Literal["text", "json", "markdown"]


def rule(name: str | None, style: Style) -> int:
    """Print what a code means, or, without one, all codes; return the exit code."""
    if name is None:
        return _print(list(CODES.values()), style, whole=True)
    code = CODES.get(name.strip().upper())
    if code is None:
        from specnet.cli.terminal import failed

        failed(f"there is no rule {name}; {_cure(name)}")
        return MISUSED
    return _print([code], style, whole=False)


def _cure(name: str) -> str:
    from specnet.language.suggestions import closest

    digits = "".join(letter for letter in name if letter.isdigit())
    meant = f"SN{digits}" if f"SN{digits}" in CODES else closest(name, CODES)
    return f"did you mean {meant}?" if meant else "`specnet rule --all` lists all of them"


def _print(codes: Sequence[Code], style: Style, *, whole: bool) -> int:
    if style == "json":
        listed = [_as_dict(code) for code in codes]
        sys.stdout.write(json.dumps(listed if whole else listed[0], indent=2) + "\n")
    elif style == "markdown":
        from specnet.diagnostics.rules import markdown, page

        head = "" if whole else f"# {codes[0].code}: {codes[0].title}\n\n"
        sys.stdout.write(page(codes) if whole else head + markdown(codes[0]))
    elif whole:
        _list(codes)
    else:
        from specnet.cli.terminal import WIDEST, results, show_segments
        from specnet.diagnostics.rules import explained

        console = results()
        show_segments(console, explained(codes[0], min(console.width, WIDEST)))
    return 0


def _list(codes: Sequence[Code]) -> None:
    from rich.text import Text

    from specnet.cli.terminal import results, say

    console = results()
    phase = ""
    for code in codes:
        if code.code[:3] != phase:
            if phase:
                console.print()
            phase = code.code[:3]
            console.print(
                Text.assemble((PHASES[phase], "bold cyan"), (f"  {phase}xx", "dim")), soft_wrap=True
            )
        console.print(Text.assemble("  ", (code.code, "bold"), f"  {code.title}"), soft_wrap=True)
    console.print()
    say(console, "specnet rule CODE explains one of them.", "dim")


def _as_dict(code: Code) -> dict[str, object]:
    severity = "warning" if code.code.startswith("SN7") else "error"
    return {**asdict(code), "files": dict(code.files), "severity": severity, "phase": PHASES[code.code[:3]]}
