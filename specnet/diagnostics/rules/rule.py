from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from specnet.diagnostics.diagnostic import Severity

PHASES = {
    "SN1": "syntax",
    "SN2": "language",
    "SN3": "graph",
    "SN4": "shapes and types",
    "SN5": "data",
    "SN6": "training settings",
    "SN7": "style and likely mistakes",
}
"""What each hundred of codes is about; those of SN7 are warnings."""

FIX = "Fix is sometimes available."
"""What a rule begins with whose findings `--fix` may fix."""

_HEAD = re.compile(rf"# (?P<code>SN\d{{3}}): (?P<title>.+)\n\n(?P<fix>{re.escape(FIX)}\n\n)?")
_EXAMPLE = re.compile(r"(`[^`\n]+`|Wrong|Right):\n\n```(\w+)\n(.*?\n)```\n", re.DOTALL)


class Example(NamedTuple):
    """A piece of a document, what follows `specnet run SPEC`, or a data file that such a piece names."""

    label: str
    """`Wrong`, `Right`, or the name of the file between backquotes."""
    language: str
    """What its fence says: `toml`, `json`, `sh`, or `text` for a file."""
    text: str

    def shown(self, longest: int = 100) -> str:
        """Return its text with lines of at most so many characters, and a mark where one is cut."""
        lines = self.text.split("\n")
        return "\n".join(line if len(line) <= longest else f"{line[:longest]}…" for line in lines)


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule behind a code, as its file has it."""

    code: str
    title: str
    fixable: bool
    """Whether `--fix` can fix some of its findings."""
    text: str
    """What is found and why it is refused, in Markdown."""
    examples: tuple[Example, ...]
    """The data files, then what is wrong and what is right; none where no piece of a document shows it. What such
    a piece leaves out is as in any sound document."""

    @property
    def severity(self) -> Severity:
        """The severity of its findings."""
        return "warning" if self.code.startswith("SN7") else "error"

    @property
    def phase(self) -> str:
        """What its hundred of codes is about."""
        return PHASES[self.code[:3]]

    @property
    def markdown(self) -> str:
        """Its file without the title, and without the ends of very long lines."""
        blocks = (f"{e.label}:\n\n```{e.language}\n{e.shown()}```\n" for e in self.examples)
        return "\n".join([*([f"{FIX}\n"] if self.fixable else []), f"{self.text}\n", *blocks])

    @property
    def wrong(self) -> str:
        """The piece of a document, or the override, that has the fault; empty where none shows it."""
        return self._example("Wrong")

    @property
    def right(self) -> str:
        """The same without the fault."""
        return self._example("Right")

    @property
    def syntax(self) -> str:
        """Whether the examples are TOML, JSON, or what follows `--set`: `toml`, `json` or `flag`."""
        languages = [e.language for e in self.examples if e.label == "Wrong"]
        return languages[0].replace("sh", "flag") if languages else "toml"

    @property
    def files(self) -> dict[str, str]:
        """The data files that the examples name, and what they hold."""
        return {e.label[1:-1]: e.text for e in self.examples if e.label.startswith("`")}

    def _example(self, label: str) -> str:
        for example in self.examples:
            if example.label == label:
                return shlex.split(example.text)[1] if example.language == "sh" else example.text
        return ""


class _Register(Mapping[str, Rule]):
    """Every rule by its code, in order of the codes; a file is read when its rule is asked for."""

    def __getitem__(self, code: str) -> Rule:
        if code not in self:
            raise KeyError(code)
        return _read(code)

    def __contains__(self, code: object) -> bool:
        return code in _codes()

    def __iter__(self) -> Iterator[str]:
        return iter(_codes())

    def __len__(self) -> int:
        return len(_codes())


RULES: Mapping[str, Rule] = _Register()


@cache
def _codes() -> dict[str, None]:
    names = (file.name for file in files(__package__).iterdir())
    return dict.fromkeys(sorted(name[:-3] for name in names if name.endswith(".md")))


@cache
def _read(code: str) -> Rule:
    return parse((files(__package__) / f"{code}.md").read_text(encoding="utf-8"))


def parse(content: str) -> Rule:
    """Return the rule that a Markdown file holds: its title, its text, and its examples."""
    head = _HEAD.match(content)
    if head is None:
        raise ValueError("a rule starts with its code and its title")
    examples = tuple(Example(*found) for found in _EXAMPLE.findall(content))
    text = _EXAMPLE.sub("", content[head.end() :]).strip()
    return Rule(head["code"], head["title"], head["fix"] is not None, text, examples)
