"""What other programs call the commands of this one."""

from __future__ import annotations

from collections.abc import Sequence

from specnet.diagnostics.spelling import closest

SYNONYMS = {
    "run": ("train", "fit", "start", "execute", "learn", "launch", "resume"),
    "validate": ("check", "lint", "verify", "fix"),
    "explain": ("plan", "summary", "summarize", "inspect", "describe", "profile", "flops"),
    "trace": ("step", "debug"),
    "docs": ("doc", "manual", "reference", "vocabulary", "keys", "kinds"),
    "rule": ("rules", "codes"),
    "check-gradients": ("gradcheck", "gradients", "gradient-check"),
    "evaluate": ("test", "eval", "score", "measure"),
    "predict": ("infer", "inference", "apply"),
    "generate": ("sample", "complete", "write", "continue", "talk"),
    "init": ("new", "create", "draft", "scaffold", "generate-spec"),
    "runs": ("list", "ls", "history", "status"),
    "compare": ("diff",),
    "report": ("html",),
    "plot": ("draw", "chart", "graph", "visualize", "visualise", "viz", "curves"),
    "export": ("convert", "save", "onnx"),
}
"""For each command the words that are often tried for it."""


def meant_command(word: str, commands: Sequence[str]) -> str | None:
    """Return the command that a word was probably meant to be: by its meaning or its spelling."""
    meanings = {name: name for name in commands}
    meanings |= {word: name for name, words in SYNONYMS.items() if name in commands for word in words}
    meant = closest(word, meanings)
    return None if meant is None else meanings[meant]
