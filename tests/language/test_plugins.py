"""Plugins that documents name: what is imported, what is registered, and what is wrong with them."""

from __future__ import annotations

import importlib
import json
import sys
import threading

import jsonschema
import numpy as np
import pytest

import specnet
from specnet.diagnostics import RunError, SpecError
from specnet.interchange.exporting import Exported, write_numpy
from specnet.language import plugins
from specnet.language.json_schema import schema
from specnet.language.kinds import FAMILIES
from specnet.vocabulary.activations import ACTIVATIONS
from tests.support.exports import bare
from tests.support.plugins import activation, install

DOCUMENT = {
    "specnet": 1,
    "plugins": ["my-kinds"],
    "loss": "mse",
    "data": {"type": "synthetic", "kind": "sine", "samples": 30, "split": {"validation": 0.2}},
    "layers": [{"type": "dense", "units": 4, "activation": "bend"}, {"type": "dense", "units": 1}],
    "training": {"epochs": 2},
}
WITHOUT = {**DOCUMENT, "plugins": []}


def forget():
    """Forget what plugins registered, as a process that was started afresh."""
    for family in FAMILIES:
        family.kinds.added, family.kinds.owners = {}, {}
    plugins._loaded.clear()
    for name in [name for name in sys.modules if name.startswith("plugged_")]:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def site(tmp_path, monkeypatch):
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    forget()
    yield folder
    forget()


@pytest.fixture
def kinds(site):
    """A plugin with an activation `bend`."""
    install(site, "my-kinds", {"bend": "plugged_kinds:Bend"}, {"plugged_kinds": activation("Bend", "bend")})
    return site


def found(document, overrides=None, **more):
    report = specnet.validate(document, overrides, **more)
    return [(d.code, d.message) for d in report.diagnostics]


def codes(document, overrides=None, **more):
    return [code for code, _ in found(document, overrides, **more)]


@pytest.mark.usefixtures("kinds")
def test_a_plugin_is_imported_where_a_document_names_it_and_nowhere_else():
    (unknown,) = specnet.validate(WITHOUT).diagnostics
    assert unknown.code == "SN204"
    assert unknown.help == 'the installed plugin my-kinds has it: plugins = ["my-kinds"]'
    assert "plugged_kinds" not in sys.modules
    assert "bend" not in ACTIVATIONS.kinds
    result = specnet.run(DOCUMENT)
    assert type(result.model.network.spec.layers[0].activation).__module__ == "plugged_kinds"


@pytest.mark.usefixtures("kinds")
@pytest.mark.parametrize("name", ["my-kinds", "My_Kinds", "MY.kinds", "my--kinds"])
def test_every_spelling_of_its_name_is_the_same(name):
    assert not found({**DOCUMENT, "plugins": [name]})
    twice = specnet.validate({**DOCUMENT, "plugins": ["my-kinds", name]}).diagnostics
    assert [d.code for d in twice] == ["SN210"]
    assert twice[0].path == ("plugins", 1)


@pytest.mark.usefixtures("kinds")
def test_an_override_names_it_too():
    assert not found(WITHOUT, {"plugins": ["my-kinds"]})
    forget()
    assert not found(WITHOUT, ['plugins=["my-kinds"]'])
    forget()
    assert codes(DOCUMENT, ["plugins=[]"]) == ["SN204"]
    plain = specnet.load(WITHOUT, {"layers.0.activation": "relu"})
    changed = plain.replace({"plugins": ["my-kinds"], "layers.0.activation": "bend"})
    assert changed.layers[0].activation.type == "bend"


@pytest.mark.usefixtures("kinds")
def test_positions_are_those_of_the_name():
    text = 'specnet = 1\nplugins = ["my-kinds",\n  "absent"]\n'
    rest = {key: value for key, value in WITHOUT.items() if key not in {"specnet", "plugins"}}
    lines = "".join(f"{key} = {json.dumps(value).replace(': ', ' = ')}\n" for key, value in rest.items())
    (absent,) = specnet.validate(text + lines).diagnostics
    assert (absent.code, absent.span.start.line, absent.span.start.column) == ("SN220", 3, 3)
    as_json = json.dumps({**DOCUMENT, "plugins": ["my-kinds", "absent"]}, indent=1)
    (absent,) = specnet.validate(as_json).diagnostics
    assert as_json.split("\n")[absent.span.start.line - 1].strip() == '"absent"'


@pytest.mark.usefixtures("kinds")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("my-kinds", ["SN206"]),
        ([""], ["SN209"]),
        (["../evil"], ["SN209"]),
        (["a/b", "plugged_kinds.py", "a==1.0", "a\n"], ["SN209", "SN209", "SN209", "SN220"]),
        (["os"], ["SN220"]),
        (["plugged_kinds"], ["SN220"]),
        ([3, None], ["SN206", "SN206"]),
        ({"my-kinds": "1.0"}, ["SN206"]),
        (["numpy"], ["SN221"]),
    ],
)
def test_what_names_no_plugin_is_an_error_and_imports_nothing(given, expected):
    assert sorted(codes({**DOCUMENT, "plugins": given})) == expected
    assert "plugged_kinds" not in sys.modules


@pytest.mark.usefixtures("kinds")
def test_an_installed_plugin_is_suggested():
    assert found({**DOCUMENT, "plugins": ["my-kind"]}) == [
        ("SN220", 'the plugin `my-kind` is not installed; did you mean "my-kinds"?')
    ]
    (absent,) = specnet.validate({**DOCUMENT, "plugins": ["absent"]}).diagnostics
    assert absent.help == "installed plugins: my-kinds"


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(("given", "code"), [(["absent"], "SN220"), ("absent", "SN206"), ([1], "SN206")])
def test_names_that_a_missing_plugin_may_have_are_not_reported_as_unknown(given, code):
    broken = {**DOCUMENT, "plugins": given, "loss": "mze", "metrics": ["relu"]}
    report = specnet.validate(broken)
    assert {(d.code, d.path[0]) for d in report.diagnostics} == {
        (code, "plugins"),
        ("SN204", "loss"),
        ("SN204", "metrics"),
    }


@pytest.mark.usefixtures("kinds")
def test_a_document_of_another_version_imports_nothing():
    assert codes({**DOCUMENT, "specnet": 2}) == ["SN201"]
    assert "plugged_kinds" not in sys.modules


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise RuntimeError('no\\nlicence')", "RuntimeError: no licence"),
        ("import sys; sys.exit('bye')", "SystemExit: bye"),
        ("import sys; sys.exit()", "SystemExit"),
        ("import plugged_absent", "ModuleNotFoundError: No module named 'plugged_absent'"),
        ("def", "SyntaxError: "),
        ("x = 1", "AttributeError: module 'plugged_bad' has no attribute 'Bend'"),
        ("Bend = 3", "TypeError: plugged_bad:Bend is an int, not a class, function or module"),
        ("Bend = int", "TypeError: builtins.int is not a kind of anything"),
        ("def Bend(needed): pass", "TypeError: Bend() missing 1 required positional argument"),
        (
            activation("Bend", "bend").replace('"""x * x + x."""', ""),
            "ValueError: plugged_bad.Bend has no doc",
        ),
        ("raise ValueError('x' * 5000)", "ValueError: xxx"),
    ],
)
def test_what_goes_wrong_in_an_import_is_reported(site, source, reason):
    install(site, "bad", {"bend": "plugged_bad:Bend"}, {"plugged_bad": source})
    ((code, message),) = found({**DOCUMENT, "plugins": ["bad"]})
    assert code == "SN222"
    assert message.startswith("the plugin `bad` cannot be imported (entry point `bend`): ")
    assert reason in message
    assert len(message) < 500
    # Once it is put right, the same process can import it.
    (site / "plugged_bad.py").write_text(activation("Bend", "bend") + "#" * 6000)
    sys.modules.pop("plugged_bad", None)
    importlib.invalidate_caches()
    assert not found({**DOCUMENT, "plugins": ["bad"]})


def test_an_interruption_is_not_the_plugins(site):
    install(site, "bad", {"bend": "plugged_bad"}, {"plugged_bad": "raise KeyboardInterrupt"})
    with pytest.raises(KeyboardInterrupt):
        specnet.validate({**DOCUMENT, "plugins": ["bad"]})


def test_nothing_stays_registered_of_a_plugin_that_fails(site):
    points = {"bend": "plugged_half", "other": "plugged_half:absent"}
    install(site, "half", points, {"plugged_half": activation("Bend", "bend", decorated=True)})
    assert codes({**DOCUMENT, "plugins": ["half"]}) == ["SN222"]
    assert "bend" not in ACTIVATIONS.kinds
    assert not ACTIVATIONS.kinds.owners


def test_a_plugin_cannot_replace_a_kind_of_specnet(site):
    from specnet.vocabulary.activations import Relu

    install(site, "bad", {"relu": "plugged_bad:Relu"}, {"plugged_bad": activation("Relu", "relu")})
    ((code, message),) = found({**DOCUMENT, "plugins": ["bad"]})
    assert code == "SN223"
    assert message.startswith(
        "the plugin `bad` clashes: plugged_bad.Relu and specnet.vocabulary.activations."
    )
    assert message.endswith("are both an activation `relu`")
    assert ACTIVATIONS.kinds["relu"] is Relu


def test_two_plugins_with_one_kind_clash(kinds):
    install(kinds, "rival", {"bend": "plugged_rival:Bend"}, {"plugged_rival": activation("Bend", "bend")})
    both = {**DOCUMENT, "plugins": ["my-kinds", "rival"]}
    (clash,) = specnet.validate(both).diagnostics
    assert (clash.code, clash.path) == ("SN223", ("plugins", 1))
    assert ACTIVATIONS.kinds["bend"].__module__ == "plugged_kinds"
    assert not found(DOCUMENT)


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ("plugged_kinds", activation("Bend", "bend", decorated=True)),
        (
            "plugged_kinds:register",
            activation("Bend", "bend") + "\ndef register():\n    specnet.register(Bend)\n",
        ),
        ("plugged_kinds:Bend", activation("Bend", "bend", decorated=True)),
    ],
)
@pytest.mark.parametrize("imported", [False, True])
def test_an_entry_point_is_a_class_a_module_or_a_function(site, value, source, imported):
    install(site, "my-kinds", {"any": value}, {"plugged_kinds": source})
    if imported:
        importlib.import_module("plugged_kinds")
    assert not found(DOCUMENT)
    assert "my-kinds" in ACTIVATIONS.kinds.owners["bend"]


@pytest.mark.usefixtures("kinds")
def test_what_one_document_imports_is_not_there_for_another():
    (before,) = specnet.validate(WITHOUT).diagnostics
    assert not found(DOCUMENT)
    (after,) = specnet.validate(WITHOUT).diagnostics
    assert after == before
    with pytest.raises(SpecError):
        specnet.load(WITHOUT)
    table = {
        **WITHOUT,
        "layers": [{"type": "activation", "activation": {"type": "bend"}}, *DOCUMENT["layers"]],
    }
    assert [d.path for d in specnet.validate(table).diagnostics] == [
        ("layers", 0, "activation", "type"),
        ("layers", 1, "activation"),
    ]
    specnet.register(ACTIVATIONS.kinds["bend"])
    assert not found(WITHOUT), "the program has registered it, too"


@pytest.mark.usefixtures("kinds")
def test_a_kind_that_a_program_registered_needs_no_plugin():
    specnet.register(importlib.import_module("plugged_kinds").Bend)
    assert not found(WITHOUT)
    assert not found(DOCUMENT)
    assert not found(WITHOUT)


def test_outputs_with_kinds_of_a_plugin_are_checked_like_others(site):
    source = """
    from typing import Literal

    from specnet.graph import ops
    from specnet.vocabulary.losses import Loss, aligned


    class Cubed(Loss):
        \"\"\"|y - t|^3.\"\"\"

        type: Literal["cubed"] = "cubed"

        def elements(self, output, target):
            error = ops.absolute(output - aligned(output, target))
            return error * error * error
    """
    install(site, "my-losses", {"cubed": "plugged_losses:Cubed"}, {"plugged_losses": source})
    layers = [{"type": "dense", "units": 1, "name": "one"}]
    document = {key: value for key, value in WITHOUT.items() if key != "loss"}
    document |= {"layers": layers, "outputs": {"one": {"loss": "cubed"}}}
    assert not found({**document, "plugins": ["my-losses"]})
    assert [d.path for d in specnet.validate(document).diagnostics] == [("outputs", "one", "loss")]


def test_threads_import_a_plugin_once(site):
    source = "import builtins\nbuiltins.plugged_imports.append(1)\n" + activation("Bend", "bend")
    install(site, "my-kinds", {"bend": "plugged_kinds:Bend"}, {"plugged_kinds": source})
    import builtins

    builtins.plugged_imports = []
    start, wrong = threading.Barrier(8), []

    def check():
        start.wait()
        wrong.extend(found(DOCUMENT))

    threads = [threading.Thread(target=check) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert builtins.plugged_imports == [1]
    del builtins.plugged_imports


@pytest.mark.usefixtures("kinds")
def test_a_confined_check_imports_nothing_unless_it_may(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(DOCUMENT))
    assert codes(path, confine=tmp_path) == ["SN224"]
    assert "plugged_kinds" not in sys.modules
    assert not found(path, confine=tmp_path, plugins=True)


@pytest.mark.usefixtures("kinds")
def test_the_schema_has_the_kinds_of_a_plugin():
    plugins.load_plugin("my-kinds")
    jsonschema.Draft202012Validator(schema()).validate(DOCUMENT)
    assert "activation.bend" in schema()["$defs"]


@pytest.mark.usefixtures("kinds")
def test_a_run_records_its_kinds_and_is_loaded_with_leave(tmp_path):
    result = specnet.run(DOCUMENT, out=tmp_path / "run")
    archive = tmp_path / "a.specnet"
    made = Exported.of(tmp_path / "run")
    from specnet.interchange.exporting import WRITERS

    WRITERS["specnet"](archive, made)
    write_numpy(tmp_path / "predict.py", made, training=False)
    stored = json.loads((tmp_path / "run" / "resolved.json").read_text())
    assert stored["kinds"] == [
        {
            "family": "activation",
            "type": "bend",
            "module": "plugged_kinds",
            "qualname": "Bend",
            "distribution": "my-kinds",
            "version": "1.2",
        }
    ]
    rows = np.linspace(-1, 1, 5)[:, None]
    expected = result.model.predict(rows)
    np.testing.assert_allclose(bare(tmp_path / "predict.py", rows)["predicted"], expected, rtol=1e-5)
    for place in (tmp_path / "run", archive):
        forget()
        with pytest.raises(
            RunError, match=r"needs the plugin `my-kinds`, and a run imports nothing.*--plugins"
        ):
            specnet.load_run(place)
        assert "plugged_kinds" not in sys.modules
        np.testing.assert_array_equal(specnet.load_run(place, plugins=True).predict(rows), expected)
    forget()
    assert specnet.evaluate(tmp_path / "run", plugins=True).splits["train"] == result.splits["train"]
    forget()
    assert specnet.run(DOCUMENT, resume=tmp_path / "run").splits == result.splits


@pytest.mark.usefixtures("kinds")
def test_a_run_names_what_is_no_plugin_in_vain(tmp_path):
    specnet.run(DOCUMENT, out=tmp_path / "run")
    path = tmp_path / "run" / "resolved.json"
    stored = json.loads(path.read_text())
    forget()
    for names, reason in (
        (["absent"], r"run: the plugin `absent` is not installed \(installed plugins: my-kinds\)"),
        (["../evil"], "`bend` is not an activation|plugins.0"),
        ("my-kinds", "plugins: "),
    ):
        stored["spec"]["plugins"] = names
        path.write_text(json.dumps(stored))
        with pytest.raises(RunError, match=reason):
            specnet.load_run(tmp_path / "run", plugins=True)
    assert "plugged_kinds" not in sys.modules


@pytest.mark.usefixtures("kinds")
def test_runs_are_compared_by_the_versions_of_plugins(tmp_path):
    from specnet.reporting.comparison import compare
    from specnet.runs.kept import read_run

    for name in ("a", "b"):
        specnet.run(DOCUMENT, out=tmp_path / name)
    path = tmp_path / "b" / "resolved.json"
    path.write_text(path.read_text().replace('"version": "1.2"', '"version": "1.3"'))
    runs = [read_run(tmp_path / name) for name in ("a", "b")]
    (difference,) = compare(runs).differences
    assert (difference.key, difference.values) == ("version of my-kinds", ("1.2", "1.3"))
    assert not compare(runs).problems
    forget()
    assert ["needs the plugin" in problem for problem in compare(runs).problems] == [True, True]
