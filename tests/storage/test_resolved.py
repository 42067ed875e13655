"""What `resolved.json` says of a spec is a document that validates, and means the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import specnet
from specnet.language.kinds import FAMILIES
from specnet.language.sections import Entry, Lint, Output
from specnet.language.spec import Spec
from specnet.language.training import Checkpoint, EarlyStopping, InitFrom, Training
from specnet.storage.resolved import resolved, spec_of
from specnet.vocabulary.domain import Domain, domains
from specnet.vocabulary.family import Family
from specnet.vocabulary.kind import Table
from specnet.vocabulary.outputs import NamedOutput
from tests.support.examples import examples

ROOT = Path(__file__).resolve().parents[2]
KINDS = [(family, name) for family in FAMILIES for name in family.kinds]
TABLES = [Training, EarlyStopping, Checkpoint, InitFrom, Lint, Output, Entry, NamedOutput]

DRAWN = settings(
    max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck), database=None
)

NAMES = ["x", "y", "inputs", "-1", "a b", "é", "train.loss"]
"""Texts: names of columns, arrays, files and layers."""

UNDRAWN = {"type", "plugins", "extends", "variables", "sweep"}

NUMBERS = st.integers(-3, 9) | st.floats(-1e3, 1e3)


def values(domain: Domain, depth: int) -> st.SearchStrategy[Any]:
    """Return what a field takes as far as its annotation says."""
    found = _values(domain, depth)
    return st.none() | found if domain.null else found


def _values(domain: Domain, depth: int) -> st.SearchStrategy[Any]:
    if domain.form in _SCALARS:
        return _SCALARS[domain.form](domain)
    if domain.form == "array":
        return _arrays(domain, depth)
    if domain.form == "map":
        return st.dictionaries(st.sampled_from(NAMES), _values(_some(domain.items), depth), max_size=2)
    if domain.form == "union":
        return st.one_of(*(values(member, depth) for member in domain.members))
    if domain.form == "table":
        return tables(_some(domain.table), depth)
    family = _some(domain.family)
    names = [name for name in family.kinds if depth < 2 or "layers" not in family.kinds[name].model_fields]
    return st.sampled_from(names).flatmap(lambda name: kinds(family, name, depth + 1))


def _whole_numbers(domain: Domain) -> st.SearchStrategy[int]:
    low = int(domain.ge if domain.ge is not None else -3 if domain.gt is None else domain.gt + 1)
    return st.integers(low, int(min(low + 9, domain.le or 1e9)))


def _numbers(domain: Domain) -> st.SearchStrategy[Any]:
    low, high = _first(domain.ge, domain.gt, -1e3), _first(domain.le, domain.lt, 1e3)
    between = st.floats(low, high, exclude_min=domain.gt is not None, exclude_max=domain.lt is not None)
    whole = [number for number in (0, 1, 2) if low < number < high]  # which stand for numbers, too
    return between | st.sampled_from(whole) if whole else between


_SCALARS: dict[str, Callable[[Domain], st.SearchStrategy[Any]]] = {
    "choice": lambda domain: st.sampled_from(domain.choices),
    "bool": lambda domain: st.booleans(),
    "int": _whole_numbers,
    "float": _numbers,
    "text": lambda domain: st.sampled_from([n for n in NAMES if len(n) <= (domain.max_length or 99)]),
    "any": lambda domain: NUMBERS | st.lists(NUMBERS, min_size=1, max_size=2),
}


def _arrays(domain: Domain, depth: int) -> st.SearchStrategy[list[Any]]:
    if domain.members:
        return st.tuples(*(values(member, depth) for member in domain.members)).map(list)
    least = domain.min_length or 0
    return st.lists(values(_some(domain.items), depth), min_size=least, max_size=least + 2)


def _some(found: Any) -> Any:
    assert found is not None
    return found


def _first(*found: float | None) -> float:
    return next(number for number in found if number is not None)


def tables(table: type[Table], depth: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    """Return tables that validate, with some of what may be left out."""
    # A plugin would have to be installed.
    fields = {name: values(domain, depth) for name, domain in domains(table).items() if name not in UNDRAWN}
    needed = {name for name, info in table.model_fields.items() if info.is_required()}
    return st.fixed_dictionaries(
        {name: value for name, value in fields.items() if name in needed},
        optional={name: value for name, value in fields.items() if name not in needed},
    ).map(lambda data: _sound(table, data))


def kinds(family: Family[Any], name: str, depth: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    return tables(family.kinds[name], depth).map(lambda data: {"type": name, **data})


def _sound(table: type[Table], data: dict[str, Any]) -> dict[str, Any]:
    """Return a table without the keys that cannot stand beside its others."""
    while True:
        try:
            table.model_validate(data)
        except ValidationError as error:
            at_fault = _keys(error)
            left = {
                key: value
                for key, value in data.items()
                if key not in at_fault or table.model_fields[key].is_required()
            }
            if len(left) == len(data):
                reject()
            data = left
        else:
            return data


def _keys(error: ValidationError) -> set[Any]:
    """Return the keys of a table that its faults name; all of them where they name none."""
    found = set()
    for each in error.errors(include_url=False, include_input=False):
        found |= {(*each["loc"], *each.get("ctx", {}).get("path", ()))[:1]}
    return {place[0] for place in found if place}


def through_json(data: Any) -> Any:
    return json.loads(json.dumps(data, allow_nan=False))


@pytest.mark.parametrize(("family", "name"), KINDS, ids=[f"{f.name}.{n}" for f, n in KINDS])
def test_every_kind_comes_back(family: Family[Any], name: str) -> None:
    @given(kinds(family, name))
    @DRAWN
    def check(data: dict[str, Any]) -> None:
        kind = family.validate(data)
        assert family.validate(through_json(kind.model_dump(mode="json"))) == kind

    check()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_every_table_comes_back(table: type[Table]) -> None:
    @given(tables(table))
    @DRAWN
    def check(data: dict[str, Any]) -> None:
        made = table.model_validate(data)
        assert table.model_validate(through_json(made.model_dump(mode="json"))) == made

    check()


def comes_back(spec: Spec) -> None:
    """Check that a spec is the same after `resolved.json`, and as a document of that text."""
    held = through_json(resolved(spec, ()))
    spec = spec.model_copy(update={"sweep": None})  # which is no part of a run
    assert spec_of(held, Path("resolved.json")) == spec
    assert specnet.load(json.dumps(held["spec"])) == spec


@given(tables(Spec))
@settings(DRAWN, max_examples=examples(100))
def test_every_document_comes_back(data: dict[str, Any]) -> None:
    comes_back(specnet.load(json.dumps(data)))


DOCUMENTS = sorted(path for path in ROOT.glob("specs/[!.]*.*") if path.suffix in (".toml", ".json"))
DOCUMENTS += sorted(ROOT.glob("tests/old_runs/*/*/document.toml"))
REFUSED_LATER = sorted(path for path in ROOT.glob("tests/invalid/sn*") if path.suffix in (".toml", ".json"))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_project_s_documents_come_back(path: Path) -> None:
    comes_back(specnet.load(path))


def test_what_only_data_or_shapes_refuse_comes_back() -> None:
    seen = 0
    for path in REFUSED_LATER:
        try:
            spec = specnet.load(path)
        except (specnet.SpecError, specnet.SpecFileError):
            continue
        if path.stem != "sn513-inline":  # NaN is like nothing, not even itself
            comes_back(spec)
            seen += 1
    assert seen > 100


TABLE = "a,y\n" + "".join(f"{n % 7}.5,{'xyz'[n % 3]}\n" for n in range(40))
WHOLE = {"type": "csv", "path": "t.csv", "target": "y", "load": "whole", "split": {"validation": 0.25}}


def whole(folder: Path, **data: Any) -> Spec:
    """Return a spec that a csv file is read whole for."""
    (folder / "t.csv").write_text(TABLE)
    document = {
        "specnet": 1,
        "data": {**WHOLE, "path": str(folder / "t.csv"), **data},
        "layers": [{"type": "dense", "units": 3}],
        "loss": "cross_entropy",
        "training": {"epochs": 2},
    }
    return specnet.load(json.dumps(document))


def test_a_run_of_rows_that_are_read_whole_is_usable(tmp_path: Path) -> None:
    spec = whole(tmp_path)
    result = specnet.run(spec, out=tmp_path / "run")
    saved = json.loads((tmp_path / "run" / "resolved.json").read_text())["spec"]["data"]
    assert "shuffle_buffer" not in saved
    assert saved["load"] == "whole"
    assert specnet.evaluate(tmp_path / "run").splits == result.splits
    rows = [[1.5], [3.5]]
    found = specnet.load_run(tmp_path / "run").predict(rows)
    assert found.tolist() == result.model.predict(rows).tolist()
    # What was made in Python is kept as the resolved document, which is one to run again.
    again = specnet.load(tmp_path / "run" / "spec.json")
    assert again == spec


def test_the_size_of_a_buffer_that_is_used_is_written(tmp_path: Path) -> None:
    for load in ("auto", "batches"):
        spec = whole(tmp_path, load=load)
        assert resolved(spec, ())["spec"]["data"]["shuffle_buffer"] == 10_000


def test_a_document_may_still_not_give_it(tmp_path: Path) -> None:
    with pytest.raises(specnet.SpecError, match="only where rows are read in batches"):
        whole(tmp_path, shuffle_buffer=10_000)


def test_rows_of_a_document_that_reproduces_them_are_predicted_in_their_units(tmp_path: Path) -> None:
    """What a model predicts is the same once it is read again; an encoding keeps no rows, but what they are for."""
    rows = [[float(n % 5), 100.0 + n % 3] for n in range(20)]
    document = {
        "specnet": 1,
        "data": {"type": "inline", "inputs": rows, "targets": "inputs", "transforms": ["standardize"]},
        "layers": [{"type": "dense", "units": 2}],
        "loss": "mse",
        "training": {"epochs": 2},
    }
    result = specnet.run(specnet.load(json.dumps(document)), out=tmp_path)
    found = specnet.load_run(tmp_path).predict(rows)
    assert found.tolist() == result.model.predict(rows).tolist()
