"""Variables and references: what they stand for, what bounds them, and where findings about them are."""

from __future__ import annotations

from typing import Any

import pytest

import specnet
from specnet.diagnostics import Diagnostic
from specnet.language import load
from specnet.language.loading import check
from specnet.language.reference_faults import MAX_FAULTS

DATA: dict[str, Any] = {"type": "inline", "inputs": [[0.0, 1.0], [1.0, 0.0]], "targets": [0.0, 1.0]}


def document(**changes: Any) -> dict[str, Any]:
    layers = [{"type": "dense", "units": 1}]
    return {"specnet": 1, "loss": "mse", "data": DATA, "layers": layers, **changes}


def faults(**changes: Any) -> list[Diagnostic]:
    return list(check(document(**changes))[1].diagnostics)


def test_a_reference_keeps_the_type_of_its_variable() -> None:
    spec = load(
        document(
            variables={
                "width": 3,
                "rate": 0.25,
                "act": "relu",
                "flag": False,
                "opt": {"type": "adam", "learning_rate": "${rate / 2}"},
                "stack": [{"type": "dense", "units": "${2 * width}"}, {"type": "dense", "units": 1}],
            },
            name="run-${width}-${rate}-${act}-${flag}",
            layers="${stack}",
            training={"optimizer": "${opt}", "shuffle": "${flag}", "epochs": "${ width // 2 }"},
        )
    )
    assert spec.name == "run-3-0.25-relu-false"
    assert [layer.units for layer in spec.layers] == [6, 1]  # type: ignore[attr-defined]
    assert spec.training.optimizer.learning_rate == 0.125
    assert spec.training.shuffle is False
    assert spec.training.epochs == 1
    assert spec.variables is None
    assert "variables" not in spec.model_dump()


def test_escaped_braces_are_plain_text() -> None:
    assert load(document(variables={"a": 1}, name="$${a}-${a}")).name == "${a}-1"


def test_references_in_keys_and_in_schema_are_none() -> None:
    inputs = {"a${x}": {"columns": [0]}}
    assert faults(inputs=inputs)[0].code == "SN209"
    assert load({**document(), "$schema": "${x}"})


def test_a_new_value_reaches_all_that_refers_to_it() -> None:
    data = document(variables={"width": 3}, layers=[{"type": "dense", "units": "${width}"}])
    text = 'specnet = 1\nloss = "mse"\ndata = { type = "inline", inputs = [[1.0]], targets = [1.0] }\n'
    text += 'layers = [{ type = "dense", units = "${width}" }]\n[variables]\nwidth = 3\n'
    for source in (data, text):
        spec = load(source, {"variables.width": 5})
        assert spec.layers[0].units == 5  # type: ignore[attr-defined]
        again = load(source).replace(["variables.width=7"])
        assert again.layers[0].units == 7  # type: ignore[attr-defined]
        assert again.replace({"layers.0.units": "${width + 1}"}).layers[0].units == 8  # type: ignore[attr-defined]
    assert data["layers"][0]["units"] == "${width}"


def test_a_resolved_spec_is_not_resolved_again() -> None:
    spec = load(document(name="$${a}")).model_copy(update={"seed": 3})
    assert spec.replace({"training.epochs": 2}).name == "${a}"


def test_an_unused_variable_is_checked() -> None:
    (found,) = faults(variables={"a": "${nothing}"})
    assert (found.code, found.path) == ("SN231", ("variables", "a"))


def test_one_fault_is_reported_once_where_it_is() -> None:
    found = faults(
        variables={"a": "${b}", "b": "${1 // 0}"},
        layers=[{"type": "dense", "units": "${a}"}, {"type": "dense", "units": "${a * 2}"}],
    )
    assert [(d.code, d.path) for d in found] == [("SN231", ("variables", "b"))]


def test_chains_are_bounded() -> None:
    def chain(length: int) -> dict[str, Any]:
        links: dict[str, Any] = {f"v{n}": f"${{v{n + 1}}}" for n in range(length - 1)}
        return {**links, f"v{length - 1}": 1}

    assert not faults(variables=chain(32), seed="${v0}")
    found = faults(variables=chain(33), seed="${v0}")
    assert [d.code for d in found] == ["SN232"]
    found = faults(variables=chain(4_000), seed="${v0}")
    assert {d.code for d in found} <= {"SN232", "SN200"}


def test_long_cycles_are_found() -> None:
    ring: dict[str, Any] = {f"v{n}": f"${{v{(n + 1) % 30}}}" for n in range(30)}
    found = faults(variables=ring)
    assert [d.code for d in found] == ["SN231"]
    assert "refers to itself" in found[0].message
    assert found[0].labels


def test_strings_cannot_grow_without_end() -> None:
    variables = {"v0": "x" * 10, **{f"v{n}": f"${{v{n - 1}}}" * 10 for n in range(1, 30)}}
    found = faults(variables=variables)
    assert [d.code for d in found] == ["SN232"]
    assert found[0].path == ("variables", "v6")
    assert "1 MB" in found[0].message


def test_what_comes_into_the_document_is_counted_together() -> None:
    variables = {"rows": list(range(999))}
    assert not faults(variables=variables, data={**DATA, "inputs": ["${rows}"] * 2})
    found = faults(variables=variables, data={**DATA, "inputs": ["${rows}"] * 101})
    assert [(d.code, d.path) for d in found] == [("SN232", ("data", "inputs", 100))]


def test_what_a_document_holds_itself_is_not_counted() -> None:
    rows = [[0.5] * 100] * 1500
    data = {"type": "inline", "inputs": rows, "targets": [1.0] * 1500}
    assert not faults(data=data, variables={"a": 1}, seed="${a}")


def test_tables_cannot_nest_without_end() -> None:
    def nested(value: Any, depth: int) -> Any:
        for _ in range(depth):
            value = [value]
        return value

    variables = {"v0": nested(1, 60), "v1": nested("${v0}", 60)}
    assert [d.code for d in faults(variables=variables)] == ["SN232"]
    deep = {f"v{n}": nested(f"${{v{n + 1}}}", 90) for n in range(31)}
    assert {d.code for d in faults(variables={**deep, "v31": 1})} == {"SN232"}


def test_many_faults_are_counted() -> None:
    layers = [{"type": "dense", "units": f"${{x{n}}}"} for n in range(300)]
    found = faults(layers=layers)
    assert sum(d.code == "SN231" for d in found) == MAX_FAULTS
    assert "100 more faulty references and variables are not listed" in [d.message for d in found]


def test_faulty_names_of_variables_are_counted_with_them() -> None:
    layers = [{"type": "dense", "units": f"${{x{n}}}"} for n in range(100)]
    found = faults(variables={f"a-{n}": n for n in range(300)}, layers=layers)
    assert sum(d.code == "SN231" for d in found) == MAX_FAULTS
    assert "200 more faulty references and variables are not listed" in [d.message for d in found]


def test_huge_integers_are_no_text() -> None:
    (found,) = faults(variables={"n": 10**5000}, name="a-${n}")
    assert found.message == "`n` does not fit into 64 bits"


def test_a_flag_may_refer_and_is_marked() -> None:
    spec, report = check(document(variables={"n": 0}), ["layers.0.units=${n}"])
    assert spec is None
    (found,) = report.diagnostics
    assert found.file == "--set layers.0.units=${n}"
    assert found.code == "SN208"


REPEATED = """specnet = 1
loss = "mse"
[variables]
width = 4
[data]
type = "inline"
inputs = [[0.0, 1.0], [1.0, 0.0]]
targets = [0.0, 1.0]
[[layers]]
type = "sequential"
name = "tower"
repeat = 3
layers = [{ type = "dense", units = "${width * 2 ** i}" }, { type = "dropout", rate = 0.1 }]
[[layers]]
type = "dense"
units = 1
"""


def test_repetitions_have_the_names_that_repeat_gives_them() -> None:
    written = specnet.compile(load(REPEATED))
    assert [(n, p.shape) for n, p in written.parameters.items() if n.endswith("kernel")] == [
        ("tower.1.dense_1.kernel", (2, 4)),
        ("tower.2.dense_1.kernel", (4, 8)),
        ("tower.3.dense_1.kernel", (8, 16)),
        ("dense_1.kernel", (16, 1)),
    ]


def test_repetitions_start_from_the_same_numbers_as_repeat() -> None:
    alike = REPEATED.replace("${width * 2 ** i}", "${width + 0 * i}")
    plain = REPEATED.replace('"${width * 2 ** i}"', "4")
    (a, b) = (specnet.run(load(text), data=None) for text in (alike, plain))
    assert list(a.parameters) == list(b.parameters)
    for name in a.parameters:
        assert (a.parameters[name] == b.parameters[name]).all()
    assert a.splits == b.splits


def test_the_innermost_repetition_counts() -> None:
    inner = {"type": "sequential", "repeat": "${i + 1}", "layers": [{"type": "dense", "units": "${i + 1}"}]}
    outer = {"type": "sequential", "repeat": 2, "layers": [inner, {"type": "dense", "units": "${10 + i}"}]}
    model = specnet.compile(document(layers=[outer, {"type": "dense", "units": 1}]))
    units = {name: p.shape[1] for name, p in model.parameters.items() if name.endswith("kernel")}
    assert units == {
        "sequential_1.1.sequential_1.dense_1.kernel": 1,
        "sequential_1.1.dense_1.kernel": 10,
        "sequential_1.2.sequential_1.1.dense_1.kernel": 1,
        "sequential_1.2.sequential_1.2.dense_1.kernel": 2,
        "sequential_1.2.dense_1.kernel": 11,
        "dense_1.kernel": 1,
    }


def test_findings_in_repetitions_are_at_the_one_line_and_listed_once() -> None:
    found = check(REPEATED.replace("rate = 0.1", "rate = 2"))[1].diagnostics
    assert [(d.code, d.span and d.span.start.line) for d in found] == [("SN208", 13)]
    found = check(REPEATED.replace("${width * 2 ** i}", "${1 - i}"))[1].diagnostics
    assert {d.message.rpartition(" ")[2] for d in found} == {"0", "-1"}
    assert {d.code for d in found} == {"SN208"}
    shapes = REPEATED.replace('"dropout", rate = 0.1', '"max_pooling2d"')
    (shape,) = specnet.validate(shapes).diagnostics
    assert shape.span is not None
    assert shape.span.start.line == 13


@pytest.mark.parametrize("repeat", [0, -1, 1.5, "x", True])
def test_a_faulty_number_of_repetitions_is_the_only_finding(repeat: object) -> None:
    layer = {"type": "sequential", "repeat": repeat, "layers": [{"type": "dense", "units": "${i + 1}"}]}
    assert [d.path for d in faults(layers=[layer])] == [("layers", 0, "repeat")]


def test_a_name_with_a_number_in_it_is_made_of_a_reference() -> None:
    layer = {"type": "sequential", "repeat": 2, "layers": [{"type": "dense", "name": "d${i}", "units": 2}]}
    model = specnet.compile(document(layers=[layer, {"type": "dense", "units": 1}]))
    assert "sequential_1.2.d1.kernel" in model.parameters
