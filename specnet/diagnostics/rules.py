"""The register of codes as pages for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from specnet.diagnostics.codes import PHASES, Code
from specnet.diagnostics.segments import Segment, Style, printable, wrapped

_LONGEST = 100
_HEAD = """\
# Rules

Each finding of `specnet validate` has a code, which stays the same from version to version. Its first digit is
the phase that finds it. `specnet rule CODE` prints one of these rules, and `specnet rule --all --output
markdown` this page.

An example is a piece of a document: what it leaves out is as in any sound one.
"""


def markdown(code: Code) -> str:
    """Return a code's text and examples in Markdown, without its title."""
    return "".join(f"{block}\n\n" for block in _blocks(code)).rstrip("\n") + "\n"


def page(codes: Iterable[Code]) -> str:
    """Return a page of all codes in Markdown, in their order, by phase."""
    parts = [_HEAD]
    phase = ""
    for code in codes:
        if code.code[:3] != phase:
            phase = code.code[:3]
            parts.append(f"## {phase}xx: {PHASES[phase]}\n")
        parts += [f"### {code.code}: {code.title}\n", markdown(code)]
    return "\n".join(parts)


def explained(code: Code, width: int) -> Iterator[Segment]:
    """Yield a code's rule in styled pieces, in lines of at most `width` columns but for its examples."""
    severity = "warning" if code.code.startswith("SN7") else "error"
    yield f"{severity}[{code.code}]", "warning" if severity == "warning" else "error"
    first, *rest = wrapped(f": {code.title}", width - len(severity) - 7)
    for line in (first, *rest):
        yield f"{line}\n", "strong"
    yield "\n", "plain"
    for line in wrapped(code.text, width):
        yield f"{line}\n", "plain"
    for head, style, text in _examples(code, width - 5):
        yield f"\n{head}:\n\n", style
        for line in text.rstrip("\n").split("\n"):
            yield f"    {printable(line)}".rstrip() + "\n", "source"


def _blocks(code: Code) -> Iterator[str]:
    yield code.text
    fence = {"toml": "toml", "json": "json", "flag": "sh"}[code.syntax]
    for head, style, text in _examples(code, _LONGEST):
        yield f"`{head}`:" if style == "location" else f"{head}:"
        yield f"```{'text' if style == 'location' else fence}\n{text.rstrip()}\n```"


def _examples(code: Code, longest: int) -> Iterator[tuple[str, Style, str]]:
    """Yield heading, style and text of each piece of an example, with lines of at most so many characters."""
    if not code.wrong:
        return
    for name, text in code.files:
        yield name, "location", _cut(text, longest)
    pieces: tuple[tuple[str, Style, str], ...] = (
        ("Wrong", "error", code.wrong),
        ("Right", "help", code.right),
    )
    for head, style, text in pieces:
        yield head, style, _cut(_flag(text) if code.syntax == "flag" else text, longest)


def _flag(text: str) -> str:
    return f"--set '{text}'" if '"' in text else f"--set {text}"


def _cut(text: str, longest: int) -> str:
    lines = text.split("\n")
    return "\n".join(line if len(line) <= longest else f"{line[:longest]}…" for line in lines)
