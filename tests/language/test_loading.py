from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from specnet.diagnostics import Diagnostic, Position, SpecError, SpecFileError
from specnet.language import check, load, text_source
from specnet.language.faults import LIMIT

DATA = '[data]\ntype = "inline"\ninputs = [[0.0], [1.0]]\ntargets = [0.0, 1.0]\n'
TEXT = f'specnet = 1\nloss = "mse"\n{DATA}[[layers]]\ntype = "dense"\nunits = 1\n'


def found(text: str) -> list[Diagnostic]:
    spec, report = check(text)
    assert (spec is None) == bool(report.diagnostics)
    return list(report.diagnostics)


def with_layers(lines: str) -> str:
    return f'specnet = 1\nloss = "mse"\n{DATA}{lines}\n'


def test_a_sound_document() -> None:
    spec, report = check(TEXT)
    assert report.ok
    assert report.files == 1
    assert spec is not None
    assert spec.name == "spec"
    assert spec.loss.type == "mse"
    assert spec == load(TEXT)


def test_toml_and_json_carry_the_same() -> None:
    text = (
        '{"$schema": "x", "specnet": 1, "loss": "mse", "layers": [{"type": "dense", "units": 1}],'
        '"data": {"type": "inline", "inputs": [[0.0], [1.0]], "targets": [0.0, 1.0]}}'
    )
    assert load(text) == load(TEXT)


def test_the_file_gives_name_and_folder(tmp_path: Path) -> None:
    file = tmp_path / "my first.spec.toml"
    file.write_text(TEXT)
    spec = load(file)
    assert spec.name == "my first.spec"
    assert spec.folder == tmp_path
    assert spec.source.source is not None
    assert spec.source.source.text == TEXT
    assert load("specnet = 1\nname = 'x'\n" + TEXT.removeprefix("specnet = 1\n")).name == "x"


@pytest.mark.parametrize(
    ("stem", "name"),
    [("a:b", "a_b"), (".hidden", "hidden"), ("...", "spec"), ("é ü", "é ü"), ("a\tb", "a_b")],
)
def test_a_stem_that_is_no_name(tmp_path: Path, stem: str, name: str) -> None:
    file = tmp_path / f"{stem}.toml"
    file.write_text(TEXT)
    assert load(file).name == name


@pytest.mark.parametrize(
    "name", ["a/b", "..", ".", "", " a", "a ", "a.", ".a", "a\\b", "a:b", "a\nb", "con*"]
)
def test_names_that_are_no_folder(name: str) -> None:
    _, report = check(TEXT, {"name": name})
    assert [d.code for d in report.diagnostics] == ["SN209"]


@pytest.mark.parametrize("name", ["a", "a.b", "a b", "é", "a-b_c", "1"])
def test_names_that_are_one(name: str) -> None:
    assert load(TEXT, {"name": name}).name == name


def test_a_spec_travels() -> None:
    spec = load(TEXT)
    again = pickle.loads(pickle.dumps(spec))
    assert again == spec
    assert again.source.locate(("loss",)) == spec.source.locate(("loss",))


def test_loading_raises_with_all_faults() -> None:
    with pytest.raises(SpecError) as caught:
        load(TEXT.replace("units", "unts").replace('"mse"', "5"))
    assert [d.code for d in caught.value.diagnostics] == ["SN206", "SN202"]
    assert caught.value.sources["<text>"].startswith("specnet = 1")
    assert "<text>:2:8: SN206" in str(caught.value)
    with pytest.raises(SpecFileError):
        load("no such file.toml")


@pytest.mark.parametrize(
    ("lines", "code", "path", "start", "message"),
    [
        (
            'layers = [{type = "dense", unit = 1}]',
            "SN202",
            ("data", "layers"),
            None,
            "`layers` is not a field",
        ),
        (
            '[[layers]]\ntype = "reshape"\nshape = [0]',
            "SN208",
            ("layers", 0, "shape", 0),
            (9, 10),
            "above 0 or -1",
        ),
        (
            '[[layers]]\ntype = "reshape"\nshape = 3',
            "SN206",
            ("layers", 0, "shape"),
            (9, 9),
            "an array of one or more",
        ),
        (
            '[[layers]]\ntype = "reshape"\nshape = []',
            "SN209",
            ("layers", 0, "shape"),
            (9, 9),
            "not an empty array",
        ),
        ("[[layers]]\n", "SN205", ("layers", 0), (7, 1), "this layer has no `type`"),
        ("layers = []", "SN202", ("data", "layers"), None, "`layers`"),
    ],
)
def test_places(lines: str, code: str, path: Any, start: tuple[int, int] | None, message: str) -> None:
    diagnostics = found(with_layers(lines))
    match = next(d for d in diagnostics if d.code == code)
    assert match.path == path
    assert message in match.message
    if start is not None:
        assert match.span is not None
        assert match.span.start == Position(*start)


def test_one_bad_element_does_not_make_an_array_too_short() -> None:
    (only,) = found(with_layers('[[layers]]\ntype = "reshape"\nshape = ["x"]'))
    assert only.code == "SN206"
    assert only.path == ("layers", 0, "shape", 0)


def test_a_union_gives_one_finding_for_each_value() -> None:
    for value, code in (
        ("-1", "SN208"),
        ("1.5", "SN206"),
        ('"ful"', "SN207"),
        ("[1]", "SN206"),
        ("true", "SN206"),
    ):
        (only,) = found(f"{TEXT}[training]\nbatch_size = {value}\n")
        assert only.code == code
        assert only.path == ("training", "batch_size")
        assert only.message.startswith('`batch_size` must be a whole number above 0 or "full", not ')


def test_a_misspelled_kind_hides_nothing() -> None:
    diagnostics = found(
        with_layers('[[layers]]\ntype = "dens"\nunits = 0\nactivation = "rleu"\nuse_bia = true')
    )
    assert [(d.code, d.path[2:]) for d in diagnostics] == [
        ("SN204", ("type",)),
        ("SN208", ("units",)),
        ("SN204", ("activation",)),
        ("SN202", ("use_bia",)),
    ]


def test_two_misspellings_of_one_key() -> None:
    diagnostics = found(with_layers('[[layers]]\ntype = "dense"\nunts = 1\nunitz = 2'))
    assert [d.message for d in diagnostics] == [
        "`unts` is not a field of dense; did you mean `units`?",
        "`unitz` is not a field of dense",
    ]


def test_a_key_next_to_its_misspelling_is_not_suggested() -> None:
    (only,) = found(with_layers('[[layers]]\ntype = "dense"\nunits = 1\nunts = 2'))
    assert "did you mean" not in only.message


def test_thousands_of_faults_are_counted() -> None:
    keys = "".join(f"key{i} = 1\n" for i in range(1000))
    diagnostics = found(f"{TEXT}[output]\n{keys}")
    assert len(diagnostics) == LIMIT + 1
    assert any(
        d.code == "SN200" and d.message.startswith("800 more") and d is diagnostics[-1] for d in diagnostics
    )


def test_json_schema_key_must_be_a_text() -> None:
    (only,) = [d for d in check('{"$schema": 1, "specnet": 1}')[1].diagnostics if d.code == "SN202"]
    assert only.path == ("$schema",)


@pytest.mark.parametrize("value", ["true", "1.0", '"1"', "0", "-1", "[]"])
def test_only_the_number_one_is_a_version(value: str) -> None:
    (only,) = found(TEXT.replace("specnet = 1", f"specnet = {value}"))
    assert only.code == "SN201"


def test_source_objects_are_taken() -> None:
    spec, report = check(text_source(TEXT, "piped.toml"))
    assert spec is not None
    assert report.sources == {"piped.toml": TEXT}


SLOW = {
    "numpy",
    "typer",
    "rich",
    "specnet.language.positions",
    "specnet.language.suggestions",
    "specnet.language.faults",
}


def test_a_sound_document_pays_for_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(TEXT)
    code = f"import sys, specnet.language as l; l.load({str(file)!r}); print(sorted({SLOW!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
