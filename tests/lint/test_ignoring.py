"""The three ways to ask for a warning to be passed over, and what becomes of a request that is idle."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

import specnet
from specnet.language import text_source
from specnet.lint.ignoring import comments

DOCUMENT = """\
specnet = 1
loss = "mse"
[data]
type = "inline"
inputs = [[0.0], [1.0]]
targets = [0.0, 1.0]
[[layers]]
type = "dense"  # FIRST
units = 8
[[layers]]
# SECOND
type = "dense"
units = 8
[[layers]]
type = "dense"
units = 1
[training]
batch_size = 9  # THIRD
"""
ALL = ["SN707", "SN707", "SN722"]


def codes(text, overrides=None, **options):
    return [d.code for d in specnet.validate(text, overrides, **options).diagnostics]


def asked(first="", second="", third=""):
    return (
        DOCUMENT.replace("FIRST", first or "-")
        .replace("SECOND", second or "-")
        .replace("THIRD", third or "-")
    )


def test_nothing_is_ignored_unasked():
    assert codes(DOCUMENT) == ALL


def test_by_the_document():
    assert codes(DOCUMENT + '[lint]\nignore = ["SN707"]\n') == ["SN722"]
    assert codes(DOCUMENT + '[lint]\nignore = ["SN722", "SN707"]\n') == []
    assert codes(DOCUMENT, {"lint.ignore": ["SN722"]}) == ["SN707", "SN707"]


def test_by_whoever_checks():
    assert codes(DOCUMENT, ignore=["SN707"]) == ["SN722"]
    with pytest.raises(ValueError, match="`SN707x` is not the code of a warning"):
        codes(DOCUMENT, ignore=["SN707x"])
    with pytest.raises(ValueError, match="`SN401` is an error, and cannot be ignored"):
        codes(DOCUMENT, ignore=["SN401"])


def test_by_a_comment_next_to_it():
    assert codes(asked(first="specnet: ignore[SN707]")) == ["SN707", "SN722"]
    assert codes(asked(third="as the paper has it; specnet:ignore[SN722]")) == ["SN707", "SN707"]


def test_by_a_comment_above_it():
    assert codes(asked(second="specnet: ignore[SN707]")) == ["SN707", "SN722"]
    below = DOCUMENT.replace("# SECOND", "# specnet: ignore[SN707]\n\n# why: it shows\n")
    assert codes(below) == ["SN707", "SN722"]


def test_one_comment_may_name_several():
    everything = DOCUMENT.replace("[training]\nbatch_size = 9", "training.batch_size = 9")
    root = everything.replace("training.batch_size = 9  # THIRD\n", "")
    text = root.replace(
        'loss = "mse"\n',
        "training = { batch_size = 9, optimizer = { type = 'sgd', learning_rate = 1e4 } }  "
        "# specnet: ignore[SN721, SN722]\nloss = 'mse'\n",
    )
    assert codes(text) == ["SN707", "SN707"]


def test_errors_are_never_ignored():
    text = DOCUMENT.replace("units = 8\n", "units = 0 # specnet: ignore[SN208]\n", 1)
    assert codes(text) == ["SN208"]


def test_an_idle_comment_is_a_warning_at_its_code():
    report = specnet.validate(asked(third="specnet: ignore[SN722, SN721]"))
    (idle,) = (d for d in report.diagnostics if d.code == "SN799")
    assert idle.message == "there is no SN721 on line 18 to ignore"
    assert idle.severity == "warning"
    assert idle.span is not None
    line = asked(third="specnet: ignore[SN722, SN721]").split("\n")[idle.span.start.line - 1]
    assert line[idle.span.start.column - 1 : idle.span.end.column - 1] == "SN721"


def test_an_idle_comment_can_be_ignored_in_its_turn():
    idle = asked(third="specnet: ignore[SN722, SN721]")
    assert "SN799" not in codes(idle, ignore=["SN799"])
    assert "SN799" not in codes(idle + '[lint]\nignore = ["SN799"]\n')
    assert "SN799" not in codes(idle.replace("SN721]", "SN721, SN799]"))


@pytest.mark.parametrize(
    ("code", "message", "cure"),
    [
        ("SN7O7", "`SN7O7` is not the code of a warning", "did you mean `SN707`?"),
        ("sn722", "`sn722` is not the code of a warning", "did you mean `SN722`?"),
        ("SN401", "`SN401` is an error, and cannot be ignored", "only warnings can: SN701 and the like"),
        ("everything", "`everything` is not the code of a warning", None),
    ],
)
def test_a_code_of_no_warning(code, message, cure):
    found = specnet.validate(asked(third=f"specnet: ignore[{code}]")).diagnostics
    (idle,) = (d for d in found if d.code == "SN799")
    assert (idle.message, idle.help) == (message, cure)
    report = specnet.validate(DOCUMENT + f'[lint]\nignore = ["SN722", "{code}"]\n')
    (error,) = report.diagnostics
    assert (error.code, error.path, error.help) == ("SN207", ("lint", "ignore", 1), cure)
    assert message in error.message


def test_what_was_not_looked_at_is_not_called_idle():
    text = DOCUMENT.replace(
        "inputs = [[0.0], [1.0]]\n", "inputs = [[0.0], [1.0]]  # specnet: ignore[SN742]\n"
    )
    assert "SN799" in codes(text)
    assert codes(text, data=False) == ["SN707", "SN707"]
    unsound = text.replace("targets = [0.0, 1.0]", "targets = [0.0, 1.0, 2.0]")
    assert codes(unsound) == ["SN542"]


def test_a_finding_in_a_flag_is_not_a_comments():
    text = asked(third="specnet: ignore[SN722]")
    assert codes(text, ["training.batch_size=99"]) == ["SN707", "SN707", "SN799", "SN722"]


def test_what_looks_like_a_comment_within_a_text():
    lines = [
        "a = '# specnet: ignore[SN701]'",
        'b = "\\"# specnet: ignore[SN702]"',
        'c = """',
        "# specnet: ignore[SN703]",
    ]
    lines += [
        '\\"""# specnet: ignore[SN704]"""""',
        "d = '''# specnet: ignore[SN705]''''",
        "e = 1 # specnet: ignore[SN706]",
    ]
    text = "\n".join(lines)
    assert set(tomllib.loads(text)) == {"a", "b", "c", "d", "e"}
    assert [(r.code, r.line) for r in comments(text_source(text, "a.toml"))] == [("SN706", 7)]


@given(st.text(alphabet="ab'\"\\#\n= [],", max_size=40))
def test_comments_are_found_in_any_text_that_toml_accepts(noise):
    text = f"a = [{noise}]\nz = 1 # specnet: ignore[SN701]\n"
    try:
        accepted = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    found = [(r.code, r.line) for r in comments(text_source(text, "a.toml"))]
    assert found == ([("SN701", text.count("\n"))] if "z" in accepted else [])


def test_json_has_no_comments():
    data = tomllib.loads(DOCUMENT)
    assert codes(json.dumps(data)) == ALL
    assert codes(json.dumps({**data, "lint": {"ignore": ["SN707", "SN722"]}})) == []
