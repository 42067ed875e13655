"""What each code means, why it matters, and an example of it: a Markdown file a rule, read when it is asked for."""

from __future__ import annotations

from specnet.diagnostics.rules.rule import PHASES, RULES, Rule

__all__ = ["PHASES", "RULES", "Rule"]
