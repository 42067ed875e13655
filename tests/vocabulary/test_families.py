"""Every kind stands in its family, and is imported only for those who name it."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys

import pytest

import specnet
from specnet.data.augmentations import Augmentation
from specnet.data.format import DataFormat
from specnet.data.transforms import Transform
from specnet.language.kinds import FAMILIES
from specnet.vocabulary.activations import Activation
from specnet.vocabulary.family import Family
from specnet.vocabulary.initializers import Initializer
from specnet.vocabulary.kind import Kind
from specnet.vocabulary.layers import Layer
from specnet.vocabulary.losses import Loss
from specnet.vocabulary.metrics import Metric
from specnet.vocabulary.optimizers import Searching, Stepping
from specnet.vocabulary.regularizers import Regularizer
from specnet.vocabulary.schedules import Schedule

MINIMAL = """
specnet = 1
input_shape = [4]
loss = "mse"

[data]
type = "inline"
inputs = [[1, 2, 3, 4]]
targets = [1]

[[layers]]
type = "dense"
units = 1
"""

READ = """
import sys
from specnet.language import load, text_source

load(text_source(sys.argv[1], "s.toml"))
print("\\n".join(name for name in sys.modules if name.startswith("specnet.")))
"""

RACE = """
import json, sys, threading
from specnet.language.kinds import FAMILIES

start, found = threading.Barrier(8), []

def ask():
    start.wait()
    found.append([[id(family.kinds[name]) for name in family.kinds] for family in FAMILIES])

threads = [threading.Thread(target=ask) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(len(found) == 8 and all(each == found[0] for each in found)))
"""


def python(script: str, *arguments: str) -> str:
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def listed() -> list[type[Kind]]:
    return [family.kinds[name] for family in FAMILIES for name in family.kinds]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_each_name_leads_to_the_class_of_that_type(family: Family[Kind]) -> None:
    assert len(family.kinds) > 0
    for name in family.kinds:
        kind = family.kinds[name]
        assert issubclass(kind, Kind)
        assert kind.model_fields["type"].default == name
        package = importlib.import_module(family.kinds.package)
        assert getattr(package, kind.__name__) is kind
    assert list(family) == [family.kinds[name] for name in family.kinds]


def test_every_kind_is_listed_once() -> None:
    for module in pkgutil.walk_packages(specnet.__path__, "specnet."):
        if module.name.split(".")[1] in ("vocabulary", "data", "language"):
            importlib.import_module(module.name)
    pending, made = [Kind], set[type[Kind]]()
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        if kind.__module__.startswith("specnet.") and not kind.model_fields["type"].is_required():
            made.add(kind)
    assert sorted(map(str, made)) == sorted(map(str, listed()))
    assert len(set(listed())) == len(listed())


def test_a_document_imports_only_what_it_names() -> None:
    loaded = set(python(READ, MINIMAL).split())
    homes = {kind.__module__ for kind in listed()}
    assert homes & loaded == {
        "specnet.data.formats.inline",
        "specnet.vocabulary.activations.linear",
        "specnet.vocabulary.initializers.given",
        "specnet.vocabulary.initializers.scaled",
        "specnet.vocabulary.layers.dense",
        "specnet.vocabulary.losses.regression",
        "specnet.vocabulary.optimizers.sgd",
        "specnet.vocabulary.schedules.staircases",
    }


def test_names_and_misspellings_import_no_kind() -> None:
    script = "import specnet.language.kinds as k, sys; [list(f.kinds) for f in k.FAMILIES]; 'x' in k.FAMILIES[0].kinds"
    loaded = set(python(f"{script}; print(*sys.modules)").split())
    assert "specnet.vocabulary.layers" in loaded
    assert not {kind.__module__ for kind in listed()} & loaded


def test_threads_find_the_same_classes() -> None:
    assert json.loads(python(RACE)) is True


def test_a_package_has_its_kinds_and_no_others() -> None:
    from specnet.vocabulary.losses import CrossEntropy, Loss

    assert issubclass(CrossEntropy, Loss)
    with pytest.raises(AttributeError, match="no loss has a class `Dense`"):
        importlib.import_module("specnet.vocabulary.losses").Dense  # noqa: B018
    with pytest.raises(KeyError):
        FAMILIES[0].kinds["nothing"]


def test_defaults_are_made_by_name() -> None:
    make = FAMILIES[0].default("flatten")
    assert make() == FAMILIES[0].validate("flatten")
    assert make().model_fields_set == set()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_kind_says_what_its_family_asks_of_it(family: Family[Kind]) -> None:
    assert {name: kind.__abstractmethods__ for name, kind in family.kinds.items()} == dict.fromkeys(
        family.kinds, frozenset()
    )


@pytest.mark.parametrize(
    ("base", "lacking"),
    [
        (Activation, "lower"),
        (Augmentation, "bind, check, scratch"),
        (Initializer, "draw"),
        (Layer, "lower"),
        (Loss, "elements"),
        (Metric, "finish"),
        (DataFormat, "open"),
        (Regularizer, "penalty"),
        (Schedule, "rate"),
        (Searching, "method, slot_shapes"),
        (Stepping, "step"),
        (Transform, "lower, lower_inverse"),
    ],
)
def test_a_kind_that_lacks_a_method_is_not_made(base: type[Kind], lacking: str) -> None:
    # Python 3.12 and later quote each name.
    names = ".*".join(lacking.split(", "))
    with pytest.raises(TypeError, match=f"abstract .*{base.__name__}.* method.*{names}"):
        base(type="unfinished")
