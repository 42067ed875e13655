from __future__ import annotations

from pathlib import Path

import pytest

from specnet.diagnostics import rules
from specnet.diagnostics.rules import PHASES, RULES, Rule
from specnet.diagnostics.rules.page import explained, page
from specnet.diagnostics.rules.rule import FIX, parse
from specnet.diagnostics.segments import plain_text, width_of

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"
FILES = Path(rules.__file__).parent


def test_the_page_in_the_docs_is_what_the_register_makes() -> None:
    made = page(RULES.values())
    assert PAGE.read_text(encoding="utf-8") == made, (
        "write it anew: specnet rule --all --output markdown > docs/rules.md"
    )


def test_the_page_has_every_code_below_its_phase() -> None:
    lines = page(RULES.values()).splitlines()
    heads = [line for line in lines if line.startswith("##")]
    assert [line.split()[1].rstrip(":") for line in heads if line.startswith("###")] == list(RULES)
    assert [line for line in heads if not line.startswith("###")] == [
        f"## {phase}xx: {name}" for phase, name in PHASES.items()
    ]
    assert sum(line.startswith("```") for line in lines) % 2 == 0


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
def test_a_rule_fits_its_terminal(rule: Rule) -> None:
    for width in (40, 80, 100):
        shown = plain_text(explained(rule, width))
        assert max(map(width_of, shown.split("\n"))) <= width
        assert "\n\n\n" not in shown


def test_a_rule_shows_what_is_wrong_and_what_is_right() -> None:
    rule = RULES["SN505"]
    shown = plain_text(explained(rule, 80))
    assert shown.startswith(f"error[SN505]: {rule.title}\n\n")
    assert [line for line in shown.split("\n") if line.endswith(":")] == [
        "torn.csv:",
        "flowers.csv:",
        "Wrong:",
        "Right:",
    ]
    assert "    4.9,3,0\n" in shown
    assert rule.markdown.count("```") == 8


def test_a_flag_is_shown_as_a_shell_takes_it() -> None:
    assert "--set 'metrics=[\"mae\"]'\n" in RULES["SN108"].markdown


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
def test_a_file_is_nothing_but_a_title_a_paragraph_and_examples(rule: Rule) -> None:
    blocks = (f"{e.label}:\n\n```{e.language}\n{e.text}```\n" for e in rule.examples)
    fix = f"{FIX}\n\n" if rule.fixable else ""
    again = "\n".join([f"# {rule.code}: {rule.title}\n\n{fix}{rule.text}\n", *blocks])
    assert (FILES / f"{rule.code}.md").read_text(encoding="utf-8") == again
    assert "\n" not in rule.text
    labels = [example.label for example in rule.examples]
    assert labels[len(rule.files) :] in ([], ["Wrong", "Right"])
    assert {e.language for e in rule.examples if e.label.strip("`") in rule.files} <= {"text"}
    assert {e.language for e in rule.examples[-2:]} in (set(), {"toml"}, {"json"}, {"sh"})


def test_one_rule_is_read_where_one_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(rules.rule, "_read", lambda code: read.append(code) or parse(f"# {code}: a\n\nb."))
    assert len(RULES) > 100
    assert "SN204" in RULES
    assert "SN000" not in RULES
    assert RULES.get("SN000") is None
    assert next(iter(RULES)) == "SN101"
    assert read == []
    assert RULES["SN204"].title == "a"
    assert read == ["SN204"]


def test_a_file_without_a_title_is_refused() -> None:
    with pytest.raises(ValueError, match="starts with its code and its title"):
        parse("SN204 is about kinds.\n")
