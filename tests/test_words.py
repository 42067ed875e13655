"""What users read is written in plain English, and in the words that the field has for things.

`WORDS` lists what must not come back. It is looked for in the pages, the rules, the messages, the help of commands, the
docstrings of the Python interface, and those of all that a document may name, which `specnet docs` shows.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "specnet"

COUNTED = "(?:once|one|class|number|bytes|value|probability|index|row|entry|product|line|event|weight)"
THING = "(?:npz|npy|idx|image|number|text|table|array|run|folder|class of|order|UTF|JSON|TOML|key of|member|part|known)"

# A pattern (case does not matter), what to write instead, and an example in which the pattern is found.
WORDS = [
    # Words for which the field has another
    (r"\bby heart\b", "memorised", "it learnt the rows by heart"),
    (r"\bforet(?:ells?|old)\b", "predicts, predicted", "memory as foretold by explain"),
    (r"(?<!\{)\banew\b", "again, start over", "the file is parsed anew"),
    (r"\blearn(?:s|t|ed)? from\b", "trained on", "the data that it learns from"),
    (r"\blearnt\b", "learned, trained, fitted, progress", "what was learnt is saved"),
    (r"\b(?:un)?told\b", "reported, set, distinguished", "all faults are told at once"),
    (r"\btell(?:s|ing)?\b(?! (?:the difference|\w+ and \w+ apart))", "report, write, print", "it tells the place"),
    (r"\bcures?\b", "help, fix", "each with its line and a cure"),
    (r"\bmend(?:s|ed|ing)?\b", "fix", "--fix mends it"),
    (r"\bsalvag\w+", "partial spec", "what can be salvaged"),
    (r"\b(?:un)?heard\b", "suppressed", "a warning that is not heard"),
    (r"\b(?:be|is) a text\b", "a string", "it must be a text"),
    (r"\blistings?\b|(?<!verb )\bphrases?\b", "printer, expression", "the phrase of an op"),
    (r"\b(?:its|their|by|the) places?\b|\bplaces? from 0\b", "position, index, row, pixel", "its place among its type"),
    (r"\bin (?:the )?places? of\b|\btakes? the place of\b", "instead of, replaces", "it takes the place of the file"),
    (r"\bone-hot stretch|\bstretch(?:es)? of (?:the )?inputs\b", "slice", "a one-hot stretch of inputs"),
    (r"\bwirings?\b", "topology", "the wiring of the layers"),
    (r"\blook-?ups?\b", "gather", "an embedding is a lookup"),
    (r"\bgo(?:es|ing|ne)? on(?! to)\b|\bwent on\b", "continue, resume", "the run goes on where it was"),
    (r"\bput(?:s|ting)? back\b", "restore", "the best parameters are put back"),
    (r"\bunder way\b", "current, running", "after the step under way"),
    (r"\bwatch(?:ed|es|ing)?\b", "monitor", "the value that is watched"),
    (r"\bthe (?:least|most) (?:that|number)\b", "the minimum, the maximum", "the most that it may take"),
    (r"\bmakes? small\b", "minimizes", "what the training makes small"),
    (r"\bwhere (?:\w+ ){1,3}starts?\.$", "Initializer of ...", "Where the kernel starts."),
    (r"\bhow many features (?:it|each)\b", "The number of ...", "How many features it gives."),
    (r"\bsound (?:run|spec|document|npz|npy|file|text|one)\b", "valid", "a sound document"),
    (rf"\b{COUNTED} an? (?:row|step|epoch|batch|example|channel|feature|line|window)\b", "per", "one class a row"),
    # Turns at which a reader stops
    (rf"(?<!there )\b(?:is|are|be) no {THING}\b", "is not a ...", "it is no npz file"),
    (r"\bnone such\b", "no such", "it has none such"),
    (r"\bc[oa]mes? to the same\b", "is the same", "it comes to the same"),
    (r"\blooks? at (?:nothing|no)\b", "does not read", "it looks at nothing"),
    (r"\bso many\b", "that many, a number of", "the largest of each of so many cells"),
    (r"\bas often as\b", "n times", "layers as often as `repeat` says"),
    (r"\bso it is with\b", "the same applies to", "so it is with dice"),
    (r"\bin good order\b", "cleanly", "the training ends in good order"),
    (r"\bnow and then\b", "at intervals, at random", "a checkpoint now and then"),
    (r"\bbr(?:ings?|ought)\b", "gives, installs, moves, scales", "the extra brings Pillow"),
    (r"\bst(?:ands?|ood) (?:in|at|before|beside|within|alone|one after|where|there|behind|below|above)\b",
     "is in, appears", "where it stands in the text"),
    (r"\bhas to go\b", "remove", "one of them has to go"),
    (r"\b(?:is|are|be|were|and) pass(?:ed|es)? over\b", "skip", "names that are passed over"),
    (r"\bkept (?:out|back|apart)\b", "held out", "rows that are kept out"),
    (r"\bgives? out\b", "returns", "what a step gives out"),
    (r"\bof strangers\b|\ba stranger's\b", "untrusted", "documents of strangers"),
    (r"\bof (?:its own|the same|their|this) making\b", "of the same kind", "classes of the same making"),
    (r"\b(?:that|which|keys?|and|lines) means? nothing(?! on)\b", "has no effect", "a key that means nothing"),
    (r"\bthe other way round\b", "in the opposite direction", "a loop the other way round"),
    (r"\b(?:has a|no) say\b", "affects", "the clock has a say in it"),
    (r"\bat hand\b", "available, current", "where the data are not at hand"),
    (r"\b(?:is|are|same|equal),? to the bit\b", "bit for bit", "results are the same, to the bit"),
    (r"\b(?:all|some|no|any)(?:thing)? else than\b", "other than", "something else than its name says"),
    (r"\bbeside\b", "next to, besides", "a file beside it"),
    (r"\b(?:layers?|one|norm|normalisation|dropout|zeros?|row|step|column|loop|it|them|that) behind\b", "after",
     "the layer behind it"),
    (r"\bbut for (?:the|its|their|a|it)\b", "except for", "the same but for its times"),
]  # fmt: skip

ALIASES = PACKAGE / "language" / "foreign.py"
"""The names that other libraries have for things."""
REFERENCE = [
    PACKAGE / name
    for name in (
        "vocabulary",
        "data/formats",
        "data/transforms",
        "data/augmentations",
        "data/splits.py",
        "language/spec.py",
    )
]
"""Whose classes and fields `specnet docs` and the JSON Schema show the docstrings of."""
INTERFACE = [
    PACKAGE / name
    for name in (
        "api.py",
        "model/model.py",
        "diagnostics/diagnostic.py",
        "diagnostics/errors.py",
        "runs/evaluating.py",
        "analysis/gradients.py",
        "runs/result.py",
        "training/events.py",
    )
]
"""Whose public docstrings `help()` shows."""


class Passage(NamedTuple):
    """Some text that users read, and the line on which it begins."""

    line: int
    text: str


def complaints(passage: Passage) -> Iterator[str]:
    """Yield, for each word that must not be there, its line and the better one."""
    text = re.sub(r"\s", " ", passage.text)
    for pattern, better, _ in WORDS:
        for match in re.finditer(pattern, text, re.IGNORECASE):
            line = passage.line + passage.text[: match.start()].count("\n")
            yield f"line {line}: `{match[0]}`; better: {better}"


def of_page(text: str) -> Iterator[Passage]:
    """Yield the paragraphs and list items of Markdown, without boxes and quotations of code."""
    boxed, begin, lines = False, 0, list[str]()
    for number, line in enumerate([*text.splitlines(), ""], 1):
        fence = line.lstrip().startswith("```")
        boxed ^= fence
        code = boxed or fence or line.startswith("    ")
        if lines and (code or not line.strip() or line.lstrip().startswith(("- ", "| ", "#"))):
            yield Passage(begin, "\n".join(lines))
            lines = []
        if line.strip() and not code:
            begin = begin if lines else number
            lines.append(re.sub(r"`[^`]*`", "``", line))


def of_module(path: Path, text: str) -> Iterator[Passage]:
    """Yield the messages of a module, which are its strings with blanks, and the docstrings that users read."""
    tree = ast.parse(text)
    documented = {
        id(statement.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        for statement in node.body
        if isinstance(statement, ast.Expr)
    }
    inner: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inner |= {id(part) for part in node.values}
            parts = [str(part.value) if isinstance(part, ast.Constant) else "..." for part in node.values]
            yield Passage(node.lineno, "".join(parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            if id(node) not in documented | inner:
                yield Passage(node.lineno, node.value)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef) and is_read(path, node):
            yield from docstrings(node)


def is_read(path: Path, node: ast.ClassDef | ast.FunctionDef) -> bool:
    """Return whether users read the docstring of a class or function."""
    if path.parent == PACKAGE / "cli" and node.name == path.stem:
        return True
    if any(path.is_relative_to(place) for place in REFERENCE):
        return isinstance(node, ast.ClassDef)
    return path in INTERFACE and not node.name.startswith("_")


def docstrings(node: ast.ClassDef | ast.FunctionDef) -> Iterator[Passage]:
    """Yield the docstring of a class or function, and those below the fields of a class."""
    candidates = node.body[:1]
    if isinstance(node, ast.ClassDef):
        candidates += [
            b for a, b in zip(node.body, node.body[1:], strict=False) if isinstance(a, ast.AnnAssign)
        ]
    for statement in candidates:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            yield Passage(statement.lineno, str(statement.value.value))


def of_document(text: str) -> Iterator[Passage]:
    """Yield the comments of a document."""
    for number, line in enumerate(text.splitlines(), 1):
        _, mark, comment = line.partition("# ")
        if mark:
            yield Passage(number, comment)


def passages(path: Path) -> Iterator[Passage]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return of_module(path, text)
    return of_page(text) if path.suffix == ".md" else of_document(text)


FILES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((PACKAGE / "diagnostics" / "rules").glob("*.md")),
    *sorted(path for path in PACKAGE.rglob("*.py") if path != ALIASES),
    *sorted((ROOT / "specs").glob("*.toml")),
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_users_read_is_in_plain_words(path):
    wrong = [complaint for passage in passages(path) for complaint in complaints(passage)]
    assert not wrong, "\n".join([f"{path.relative_to(ROOT)}:", *wrong])


@pytest.mark.parametrize(("pattern", "better", "example"), WORDS, ids=[example for *_, example in WORDS])
def test_each_pattern_finds_its_example(pattern, better, example):
    found = re.search(pattern, example, re.IGNORECASE)
    assert found is not None
    assert f"line 8: `{found[0]}`; better: {better}" in complaints(Passage(7, f"lines before\n{example}"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md", "A neural network in one file that you can review."),
        ("docs/images.md", "How to train a network on a folder of images"),
        ("specs/moons.toml", "Two half circles"),
        ("specnet/api.py", "Train a document's model to the end and return the result."),
        ("specnet/cli/validate.py", "Check specs and their data."),
        ("specnet/cli/validate.py", "Treat warnings as errors."),
        ("specnet/vocabulary/layers/gated.py", "The number of output features."),
        ("specnet/vocabulary/layers/batch_norm.py", "Keras omits the factor"),
        ("specnet/language/reading.py", "...: this link is broken"),
        ("specnet/diagnostics/rules/SN103.md", "A document is text in UTF-8"),
    ],
)
def test_each_kind_of_text_is_read(name, text):
    assert any(text in re.sub(r"\*\*", "", passage.text) for passage in passages(ROOT / name))


def test_what_is_looked_through_is_there():
    assert all(place.exists() for place in [ALIASES, *REFERENCE, *INTERFACE])


def test_code_is_not_prose():
    page = "One `told` word.\n\n```\ntold\n```\n\n    told\n\nAnother\nword\n\n- an item\n- one more\n"
    assert [*of_page(page)] == [
        (1, "One `` word."),
        (9, "Another\nword"),
        (12, "- an item"),
        (13, "- one more"),
    ]
