"""Two classes of one name make a reader look up which one is meant."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import specnet

PACKAGE = Path(specnet.__file__).parent


def test_no_two_classes_share_a_name() -> None:
    homes = defaultdict(list)
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(f"{file.relative_to(PACKAGE)}:{node.lineno}")
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}
    assert len(homes) > 500
