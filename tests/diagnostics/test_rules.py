from __future__ import annotations

from pathlib import Path

import pytest

from specnet.diagnostics.codes import CODES, PHASES
from specnet.diagnostics.rules import explained, markdown, page
from specnet.diagnostics.segments import plain_text, width_of

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"


def test_the_page_in_the_docs_is_what_the_register_makes() -> None:
    made = page(CODES.values())
    assert PAGE.read_text(encoding="utf-8") == made, (
        "write it anew: specnet rule --all --output markdown > docs/rules.md"
    )


def test_the_page_has_every_code_below_its_phase() -> None:
    lines = page(CODES.values()).splitlines()
    heads = [line for line in lines if line.startswith("##")]
    assert [line.split()[1].rstrip(":") for line in heads if line.startswith("###")] == list(CODES)
    assert [line for line in heads if not line.startswith("###")] == [
        f"## {phase}xx: {name}" for phase, name in PHASES.items()
    ]
    assert sum(line.startswith("```") for line in lines) % 2 == 0


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: code.code)
@pytest.mark.parametrize("width", [40, 80, 100])
def test_a_rule_fits_its_terminal(code: object, width: int) -> None:
    shown = plain_text(explained(code, width))  # type: ignore[arg-type]
    assert max(map(width_of, shown.split("\n"))) <= width
    assert "\n\n\n" not in shown


def test_a_rule_shows_what_is_wrong_and_what_is_right() -> None:
    code = CODES["SN505"]
    shown = plain_text(explained(code, 80))
    assert shown.startswith(f"error[SN505]: {code.title}\n\n")
    assert [line for line in shown.split("\n") if line.endswith(":")] == [
        "torn.csv:",
        "flowers.csv:",
        "Wrong:",
        "Right:",
    ]
    assert "    4.9,3,0\n" in shown
    assert markdown(code).count("```") == 8


def test_a_flag_is_shown_as_a_shell_takes_it() -> None:
    assert "--set 'loss=\"mse\"'\n" in markdown(CODES["SN108"])
