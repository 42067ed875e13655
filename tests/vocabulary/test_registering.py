"""Kinds of another package: registered by one call each, they are named in documents like those of specnet."""

from __future__ import annotations

import importlib
import json
import pickle
import re
import subprocess
import sys
import textwrap
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner

import specnet
from specnet.cli.app import app
from specnet.diagnostics import RunError
from specnet.interchange.exporting import WRITERS, Exported, write_numpy
from specnet.language.json_schema import schema
from specnet.language.kinds import EXTENSIBLE
from specnet.vocabulary.activations import ACTIVATIONS, Activation
from specnet.vocabulary.describe import describe
from specnet.vocabulary.initializers import Zeros
from specnet.vocabulary.layers import LAYERS, Dense, Layer
from specnet.vocabulary.optimizers import Optimizer
from tests.support.exports import bare, session

FILES = {
    "scaled_dense": '''
        from typing import Annotated, Literal

        from pydantic import PositiveInt

        from specnet.graph.builder import Builder
        from specnet.graph.graph import Value
        from specnet.vocabulary.initializers import INITIALIZERS, Initializer
        from specnet.vocabulary.layers import Layer
        from specnet.vocabulary.regularizers import REGULARIZERS, Regularizer


        class ScaledDense(Layer):
            """y = (x·kernel) * scale.  x (batch, ..., in) -> y (batch, ..., units)."""

            type: Literal["scaled_dense"] = "scaled_dense"
            units: PositiveInt
            """The number of output features."""
            kernel_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("glorot_uniform")
            """Initializer of the kernel."""
            scale_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("ones")
            """Initializer of the scale."""
            kernel_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
            """Penalty on the kernel."""

            def lower(self, build: Builder, x: Value) -> Value:
                shape = (self.features(x), self.units)
                kernel = build.parameter("kernel", shape, self.kernel_init, self.kernel_regularizer)
                return (x @ kernel) * build.parameter("scale", (self.units,), self.scale_init)
    ''',
    "wave": '''
        from typing import Literal

        from specnet.graph import ops
        from specnet.graph.graph import Value
        from specnet.vocabulary.activations import Activation


        class Wave(Activation):
            """x + sin(x)^2 (Ziyin et al., 2020)."""

            type: Literal["wave"] = "wave"

            def lower(self, x: Value) -> Value:
                return x + ops.square(ops.sin(x))
    ''',
    "checkered": '''
        from typing import Literal

        import numpy as np

        from specnet.vocabulary.initializers import Initializer


        class Checkered(Initializer):
            """`size` and -`size` in turn, and a little noise."""

            type: Literal["checkered"] = "checkered"
            size: float = 0.5
            """How far from 0 the values are."""

            def draw(self, shape, generator):
                signs = np.where(np.arange(np.prod(shape, dtype=int)) % 2, 1.0, -1.0).reshape(shape)
                return self.size * signs + 0.1 * generator.standard_normal(shape)
    ''',
    "quartic": '''
        from typing import Literal

        from specnet.graph import ops
        from specnet.graph.graph import Value
        from specnet.vocabulary.regularizers import Regularizer


        class Quartic(Regularizer):
            """factor * sum(w^4)."""

            type: Literal["quartic"] = "quartic"
            factor: float = 0.01
            """The factor for the sum."""

            def penalty(self, parameter: Value) -> Value:
                return ops.sum_all(ops.square(ops.square(parameter))) * self.factor
    ''',
    "pseudo_huber": '''
        from typing import Literal

        from specnet.graph import ops
        from specnet.graph.graph import Value
        from specnet.vocabulary.losses import Loss, aligned


        class PseudoHuber(Loss):
            """sqrt(1 + (y - t)^2) - 1, element by element."""

            type: Literal["pseudo_huber"] = "pseudo_huber"

            def elements(self, output: Value, target: Value) -> Value:
                return ops.sqrt(ops.square(output - aligned(output, target)) + 1.0) - 1.0
    ''',
    "bias": '''
        from typing import Literal

        from specnet.graph import ops
        from specnet.vocabulary.losses import aligned
        from specnet.vocabulary.metrics import Metric

        DIGITS = 6


        def rounded(value):
            return round(value, DIGITS)


        class Bias(Metric):
            """The mean of predictions less targets, to six digits."""

            type: Literal["bias"] = "bias"

            def sums(self, prediction, target):
                return {"difference": ops.sum_all(prediction - aligned(prediction, target))}

            def finish(self, totals, rows):
                return rounded(float(totals["difference"]) / rows)
    ''',
    "signed": '''
        from typing import Literal

        from specnet.graph import ops
        from specnet.vocabulary.optimizers import Stepping


        class Signed(Stepping):
            """v = momentum * v + g; p - lr * sign(v)."""

            type: Literal["signed"] = "signed"
            momentum: float = 0.5
            """The share of the running sum that each step keeps."""

            def step(self, build, p, g, lr, t):
                v = build.slot("velocity")
                v = build.keep(v, v * self.momentum + g)
                return p - ops.sign(v) * lr
    ''',
    "harmonic": '''
        from typing import Literal

        from specnet.graph.graph import Value
        from specnet.vocabulary.schedules import Schedule


        class Harmonic(Schedule):
            """lr / (1 + s / half)."""

            type: Literal["harmonic"] = "harmonic"
            half: float = 50.0
            """After how many steps the rate is half of what it was."""

            def rate(self, build) -> Value:
                return build.base / (1.0 + build.since_warmup() / self.half)
    ''',
    "ripples": '''
        from dataclasses import dataclass
        from typing import Literal

        import numpy as np
        from pydantic import PositiveInt

        from specnet.data import DataFormat
        from specnet.data.source import DataPart, DataSource
        from specnet.data.rows import ArrayRows
        from specnet.data.signature import DataDescription


        class Ripples(DataFormat):
            """Points of the plane, and sin(x) * cos(y)."""

            type: Literal["ripples"] = "ripples"
            samples: PositiveInt = 60
            """The number of rows."""

            def open(self, context):
                return RippleSource(DataDescription((2,), (), {"train": self.samples}))


        @dataclass
        class RippleSource(DataSource):
            description: DataDescription

            def read(self, seed):
                rows = np.random.default_rng(seed).uniform(-2, 2, (self.description.rows["train"], 2))
                return {"train": DataPart(ArrayRows(rows), np.sin(rows[:, 0]) * np.cos(rows[:, 1]))}
    ''',
    "largest_one": '''
        from typing import Literal

        import numpy as np

        from specnet.data import Transform


        class LargestOne(Transform):
            """x / max(|x|), with the maximum over the training split."""

            type: Literal["largest_one"] = "largest_one"

            def fit_blocks(self, blocks):
                return {"largest": np.max([np.abs(block).max() for block in blocks])}

            def lower(self, x, fitted):
                return x / fitted["largest"]

            def lower_inverse(self, y, fitted):
                return y * fitted["largest"]
    ''',
    "jitter": '''
        from typing import Literal

        import numpy as np

        from specnet.data import Augmentation


        class Jitter(Augmentation):
            """x + size * noise."""

            type: Literal["jitter"] = "jitter"
            size: float = 0.01
            """The standard deviation of the noise."""

            def check(self, shape):
                pass

            def scratch(self, sizes):
                return {"noise": ((sizes.rows, *sizes.inputs), "float64")}

            def bind(self, work):
                noise = work.scratch["noise"]

                def move():
                    work.draw.standard_normal(out=noise)
                    np.multiply(noise, self.size, out=noise)
                    np.add(work.inputs, noise, out=work.inputs, casting="same_kind")

                return move
    ''',
    "letter_pair": '''
        from typing import Literal

        from specnet.data.text import Word


        class LetterPair(Word):
            """One token for each two letters."""

            type: Literal["letter_pair"] = "letter_pair"

            def cut(self, text):
                return [text[i : i + 2] for i in range(0, len(text), 2)]
    ''',
}
CLASSES = {name: "".join(part.capitalize() for part in name.split("_")) for name in FILES}

DOCUMENT = {
    "specnet": 1,
    "name": "own",
    "dtype": "float64",
    "seed": 5,
    "data": {
        "type": "ripples",
        "samples": 80,
        "split": {"validation": 0.25},
        "transforms": ["largest_one", {"type": "largest_one", "on": "targets"}],
        "augmentations": [{"type": "jitter", "size": 0.02}],
    },
    "layers": [
        {"type": "scaled_dense", "units": 8, "kernel_init": "checkered", "kernel_regularizer": "quartic"},
        {"type": "activation", "activation": "wave"},
        {"type": "dense", "units": 1},
    ],
    "loss": "pseudo_huber",
    "metrics": ["bias", "mae"],
    "training": {
        "epochs": 6,
        "batch_size": 20,
        "optimizer": {"type": "signed", "learning_rate": 0.01},
        "schedule": {"type": "harmonic", "half": 20},
        "checkpoint": {"every_epochs": 2},
        "early_stopping": {"monitor": "validation.bias", "patience": 9, "restore_best": False},
    },
}


def family_of(kind):
    (family,) = (family for family in EXTENSIBLE if issubclass(kind, family.bases))
    return family


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The folder of a package with a kind of each family, each in a file of its own."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_kinds").mkdir()
    for name, source in FILES.items():
        (folder / "own_kinds" / f"{name}.py").write_text(textwrap.dedent(source).lstrip())
    lines = [
        "import specnet\n",
        *(f"from own_kinds.{name} import {kind}\n" for name, kind in CLASSES.items()),
    ]
    lines += ["\n\ndef register():\n", *(f"    specnet.register({kind})\n" for kind in CLASSES.values())]
    (folder / "own_kinds" / "__init__.py").write_text("".join(lines))
    sys.path.insert(0, str(folder))
    try:
        yield folder
    finally:
        sys.path.remove(str(folder))


@pytest.fixture
def kinds(package):  # noqa: ARG001 (its folder is where they are imported from)
    """The classes of that package by their names, registered until the test is over."""
    found = {
        name: getattr(importlib.import_module(f"own_kinds.{name}"), kind) for name, kind in CLASSES.items()
    }
    with ExitStack() as stack:
        for kind in found.values():
            stack.enter_context(family_of(kind).registered(kind))
        yield found


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "own.json"
    path.write_text(json.dumps(DOCUMENT))
    return path


def in_a_fresh_process(package, script, *arguments):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script), *arguments],
        capture_output=True,
        text=True,
        cwd=package,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_is_a_kind_of_every_family(kinds):
    assert {family_of(kind).name for kind in kinds.values()} == {family.name for family in EXTENSIBLE}


@pytest.mark.usefixtures("kinds")
def test_a_document_of_such_kinds_validates_trains_and_learns(path):
    assert specnet.validate(path).ok
    result = specnet.run(specnet.load(path), out=path.parent / "run")
    epochs = list(result.history)
    assert epochs[-1]["validation"]["loss"] < epochs[0]["validation"]["loss"]
    assert set(result.splits["train"]) == {"loss", "bias", "mae"}


@pytest.mark.usefixtures("kinds")
def test_the_command_line_knows_them(path):
    runner = CliRunner()
    explained = runner.invoke(app, ["explain", str(path)])
    assert explained.exit_code == 0, explained.output
    assert "scaled_dense" in explained.output
    listed = runner.invoke(app, ["docs"]).output
    for name in FILES:
        assert name in listed
        shown = runner.invoke(app, ["docs", name])
        assert shown.exit_code == 0, shown.output
        assert f'"{name}"' in shown.output
    assert "How far from 0 the values are." in runner.invoke(app, ["docs", "checkered"]).output


def test_a_script_registers_them_and_starts_the_command_line(package, path):
    script = "import own_kinds; own_kinds.register(); from specnet.cli import main; main()"
    out = in_a_fresh_process(
        package, script, "run", str(path), "--out", str(path.parent / "run"), "--output", "json"
    )
    assert json.loads(out)["splits"]["validation"].keys() == {"loss", "bias", "mae"}


@pytest.mark.usefixtures("kinds")
def test_a_run_is_resumed_bit_for_bit(path):
    spec = specnet.load(path)
    whole = specnet.run(spec, out=path.parent / "whole")
    steps = []
    specnet.run(spec, out=path.parent / "half", stop=lambda: steps.append(1) or len(steps) > 9)
    resumed = specnet.run(spec, resume=path.parent / "half")
    np.testing.assert_array_equal(resumed.model.parameters.flat, whole.model.parameters.flat)


@pytest.mark.usefixtures("kinds")
def test_a_run_is_loaded_where_its_kinds_are_registered_and_reported_where_not(package, path):
    result = specnet.run(specnet.load(path), out=path.parent / "run")
    rows = np.random.default_rng(0).uniform(-2, 2, (5, 2))
    np.save(path.parent / "rows.npy", rows)
    script = f"""
    import numpy as np, own_kinds, specnet
    own_kinds.register()
    own_kinds.register()
    assert specnet.validate({str(path)!r}).ok
    rows = np.load({str(path.parent / "rows.npy")!r})
    print(specnet.load_run({str(path.parent / "run")!r}).predict(rows).tolist())
    """
    assert json.loads(in_a_fresh_process(package, script)) == result.model.predict(rows).tolist()
    script = f"""
    import specnet
    for finding in specnet.validate({str(path)!r}).diagnostics:
        print(finding.code, finding.message)
    try:
        specnet.load_run({str(path.parent / "run")!r})
    except specnet.RunError as error:
        print(error)
    """
    *found, error = in_a_fresh_process(package, script).splitlines()
    # What stands in a table of an unknown kind is not looked at.
    outermost = {"ripples", "scaled_dense", "wave", "pseudo_huber", "bias", "signed", "harmonic"}
    assert {line.split("`")[1] for line in found if line.startswith("SN204")} == outermost
    assert "resolved.json describes no experiment that this specnet" in error
    assert error.endswith(": metrics.0.type: `bias` is not a metric")


@pytest.mark.usefixtures("kinds")
def test_exports_hold_what_they_compute(path):
    result = specnet.run(specnet.load(path), out=path.parent / "run")
    rows = np.random.default_rng(0).uniform(-2, 2, (5, 2))
    made = Exported.of(path.parent / "run")
    write_numpy(path.parent / "predict.py", made, training=False)
    found = bare(path.parent / "predict.py", rows)["predicted"]
    np.testing.assert_allclose(found, result.model.predict(rows), rtol=1e-12)
    write_numpy(path.parent / "train.py", made, training=True)
    source = (path.parent / "train.py").read_text()
    assert "def rounded(value):\n    return round(value, DIGITS)" in source
    assert "own_kinds" not in source
    trained = bare(path.parent / "train.py", rows)
    np.testing.assert_allclose(trained["predicted"], result.model.predict(rows), rtol=1e-9)


@pytest.mark.usefixtures("kinds")
def test_onnx_holds_what_they_compute(path):
    pytest.importorskip("onnx")
    result = specnet.run(specnet.load(path), out=path.parent / "run")
    rows = np.random.default_rng(0).uniform(-2, 2, (5, 2))
    WRITERS["onnx"](path.parent / "own.onnx", Exported.of(path.parent / "run"))
    (found,) = session(path.parent / "own.onnx").run(None, {"inputs": rows})
    np.testing.assert_allclose(found, result.model.predict(rows), rtol=1e-9)


def test_a_program_with_a_metric_that_needs_more_than_numpy_is_refused(kinds, package, path):
    (package / "own_tools.py").write_text("def scaled(value):\n    return value\n")
    (package / "own_kinds" / "needy.py").write_text(
        (package / "own_kinds" / "bias.py")
        .read_text()
        .replace("from specnet.graph import ops", "import own_tools\nfrom specnet.graph import ops")
        .replace("rounded(float", "own_tools.scaled(float")
        .replace("bias", "needy")
        .replace("Bias", "Needy")
    )
    importlib.invalidate_caches()
    with family_of(kinds["bias"]).registered(importlib.import_module("own_kinds.needy").Needy):
        path.write_text(json.dumps(DOCUMENT | {"metrics": ["needy"]}).replace(".bias", ".needy"))
        specnet.run(specnet.load(path), out=path.parent / "run")
        with pytest.raises(RunError, match="`own_tools` is not in Python"):
            write_numpy(path.parent / "train.py", Exported.of(path.parent / "run"), training=True)


@pytest.mark.usefixtures("kinds")
def test_specs_that_name_them_are_pickled_and_are_their_own_equals(path):
    spec = specnet.load(path)
    again = pickle.loads(pickle.dumps(spec))
    assert again.layers == spec.layers
    assert type(again.layers[0]) is type(spec.layers[0])
    assert LAYERS.validate(spec.layers[0]) is spec.layers[0]


@pytest.mark.usefixtures("kinds")
def test_the_schema_has_them_until_they_are_removed():
    jsonschema.Draft202012Validator(schema()).validate(DOCUMENT)
    assert "layer.scaled_dense" in schema()["$defs"]


@pytest.mark.usefixtures("kinds")
def test_what_is_nearly_one_of_them_is_suggested(path):
    path.write_text(json.dumps(DOCUMENT | {"loss": "pseudohubr"}))
    (error,) = specnet.validate(path, data=False).diagnostics
    assert error.message == '`pseudohubr` is not a loss; did you mean "pseudo_huber"?'
    path.write_text(json.dumps(DOCUMENT | {"loss": "harmonic"}))
    (error,) = specnet.validate(path, data=False).diagnostics
    assert error.message == "`harmonic` is a schedule, not a loss"


def test_families_are_left_as_they_were(kinds):
    before = [list(family.kinds) for family in EXTENSIBLE]
    with ACTIVATIONS.registered(kinds["wave"]):
        assert [list(family.kinds) for family in EXTENSIBLE] == before
    assert "wave" in ACTIVATIONS.kinds
    with pytest.raises(ZeroDivisionError), ACTIVATIONS.registered(doubled()):
        1 / ("doubled" not in ACTIVATIONS.kinds)
    assert [list(family.kinds) for family in EXTENSIBLE] == before


def doubled(name="doubled", module=__name__):
    class Doubled(Activation):
        """Twice x."""

        type: Literal[name] = name

        def lower(self, x):
            return x * 2.0

    Doubled.__module__ = module
    return Doubled


def test_the_page_shows_how(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "extending.md").read_text()
    source, use, script = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "own_layers.py").write_text(source)
    (tmp_path / "own.py").write_text(script)
    layers = [{"type": "scaled_dense", "units": 3}, {"type": "dense", "units": 1}]
    data = {"type": "synthetic", "kind": "sine", "samples": 30}
    document = {"specnet": 1, "loss": "mse", "data": data, "layers": layers, "training": {"epochs": 2}}
    # JSON is also what most of TOML's values look like.
    lines = [f"{key} = {json.dumps(value)}" for key, value in document.items()]
    (tmp_path / "scaled.toml").write_text("\n".join(lines).replace('": ', '" = ') + "\n")
    in_a_fresh_process(tmp_path, use + "print(len(result.history))")
    assert (tmp_path / "runs" / "scaled" / "001" / "result.json").is_file()
    command = [sys.executable, "own.py", "validate", "scaled.toml"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    bases = dict(re.findall(r"^\| ([a-z ]+) \| `(specnet\S+)` \|$", page, re.MULTILINE))
    for family in EXTENSIBLE:
        module, _, name = bases.pop(family.name).rpartition(".")
        assert issubclass(getattr(importlib.import_module(module), name), family.bases)
    assert not bases


def test_it_is_a_decorator():
    kind = doubled()
    try:
        assert specnet.register(kind) is kind
        assert ACTIVATIONS.kinds["doubled"] is kind
        assert ACTIVATIONS.register(kind) is kind
        again = doubled()
        ACTIVATIONS.register(again)
        assert ACTIVATIONS.kinds["doubled"] is again, "as in a notebook, where a cell is run again"
        assert describe(again).summary == "Twice x."
    finally:
        ACTIVATIONS.kinds.added = {}


def test_a_name_is_given_once():
    with ACTIVATIONS.registered(doubled()):
        message = (
            r"^elsewhere\.doubled.*Doubled and .*test_registering\.doubled.*Doubled are both an activation"
        )
        with pytest.raises(ValueError, match=message):
            ACTIVATIONS.register(doubled(module="elsewhere"))
        assert ACTIVATIONS.kinds["doubled"].__module__ == __name__
    with pytest.raises(
        ValueError, match=r"Doubled and specnet\.vocabulary.*Relu are both an activation `relu`"
    ):
        ACTIVATIONS.register(doubled("relu"))
    LAYERS.register(Dense)
    assert not LAYERS.kinds.added, "it is there without"


class Undescribed(Activation):
    type: Literal["undescribed"] = "undescribed"

    def lower(self, x):
        return x


class HalfDescribed(Undescribed):
    """Has a field of which nothing is said."""

    type: Literal["half_described"] = "half_described"
    slope: float = 1.0
    """Described."""
    offset: float = 0.0


class Typeless(Activation):
    """Has no name for documents."""

    def lower(self, x):
        return x


class Named(Typeless):
    """Has a name that is no constant."""

    type: str = "named"


class Unfinished(Layer):
    """Does not say what it computes."""

    type: Literal["unfinished"] = "unfinished"


class Unresolved(Activation):
    """Has an annotation that leads nowhere."""

    type: Literal["unresolved"] = "unresolved"
    slope: "Nowhere" = 1.0  # noqa: F821, UP037
    """Described."""

    def lower(self, x):
        return x


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        (
            Undescribed,
            ValueError,
            r"^\S+\.Undescribed has no docstring, which is its description in the reference$",
        ),
        (HalfDescribed, ValueError, r"HalfDescribed: no string below `offset` says what the field is$"),
        (
            Typeless,
            TypeError,
            r'Typeless has no type of its own: write type: Literal\["my_kind"\] = "my_kind"$',
        ),
        (Named, TypeError, "Named has no type of its own"),
        (doubled("Doubled"), ValueError, "Doubled: the type `Doubled` is not snake_case$"),
        (doubled("two__"), ValueError, "the type `two__` is not snake_case$"),
        (Unresolved, TypeError, "Unresolved has a field whose annotation names the unknown `Nowhere`$"),
        (
            Activation,
            TypeError,
            r"Activation is not an activation: it must be a subclass of \S+\.Activation$",
        ),
        (Optimizer, TypeError, "Optimizer is not a kind of anything"),
        (Unfinished, TypeError, r"Unfinished does not define `lower`, as every layer must$"),
    ],
)
def test_what_is_no_complete_kind_is_refused(kind, error, message):
    before = [list(family.kinds) for family in EXTENSIBLE]
    with pytest.raises(error, match=message):
        specnet.register(kind)
    assert [list(family.kinds) for family in EXTENSIBLE] == before


def test_a_field_needs_a_description_whatever_the_module_does_with_annotations(tmp_path, monkeypatch):
    """Without `from __future__ import annotations`, Python keeps them in another way from 3.14 on."""
    text = """
        from typing import Literal

        from specnet.vocabulary.activations import Activation


        class Bent(Activation):
            \"\"\"Has a field of which nothing is said.\"\"\"

            type: Literal["bent_by_hand"] = "bent_by_hand"
            slope: float = 1.0
            \"\"\"Described.\"\"\"
            offset: float = 0.0

            def lower(self, x):
                return x
    """
    (tmp_path / "bent_by_hand.py").write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"Bent: no string below `offset` says what the field is$"):
        specnet.register(importlib.import_module("bent_by_hand").Bent)


@pytest.mark.parametrize("other", [int, Zeros(), "relu", None])
def test_what_belongs_to_no_family_is_refused(other):
    with pytest.raises(
        TypeError, match=r"it must be a subclass of `Layer`, `Activation`, .* or `Tokenizer`$"
    ):
        specnet.register(other)
    with pytest.raises(TypeError, match="is not a layer: it must be a subclass of"):
        LAYERS.register(other)


def test_a_class_of_another_family_is_refused():
    with pytest.raises(TypeError, match=r"Doubled is not a layer: it must be a subclass of \S+\.Layer$"):
        LAYERS.register(doubled())


def test_threads_may_register_while_others_list():
    kinds = [doubled(f"doubled_{i}") for i in range(40)]
    for number, kind in enumerate(kinds):
        kind.__qualname__ = f"Doubled{number}"
    wrong = []

    def register(some):
        for kind in some:
            ACTIVATIONS.register(kind)

    def read():
        for _ in range(300):
            names = [kind.model_fields["type"].default for kind in ACTIVATIONS]
            if len(names) != len(set(names)) or "relu" not in names:
                wrong.append(names)

    threads = [threading.Thread(target=register, args=(kinds[i::4],)) for i in range(4)]
    threads += [threading.Thread(target=read) for _ in range(2)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {f"doubled_{i}" for i in range(40)} <= set(ACTIVATIONS.kinds)
        assert not wrong
    finally:
        ACTIVATIONS.kinds.added = {}


def test_a_spec_of_a_kind_that_was_removed_is_refused():
    with ACTIVATIONS.registered(doubled()) as kind:
        made = kind()
    with pytest.raises(ValueError, match="Doubled is not a activation"):
        ACTIVATIONS.validate(made)
