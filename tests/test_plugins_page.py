"""The project that docs/plugins.md shows is built, installed, tested and used as the page says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from tests.support.command_line import environment
from tests.support.installing import install

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"`([\w./]+)`:\n\n```\w+\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = re.findall(r"^specnet (.*)$", re.search(r"```sh\n(.*?)```", PAGE, re.DOTALL)[1], re.MULTILINE)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The folder of the page's files, with the plugin built and installed into `site` below it."""
    folder = tmp_path_factory.mktemp("project")
    for name, content in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    install(folder, folder / "site")
    # Only what is installed can be found: the sources are not where the commands run.
    (folder / "specnet_bent").rename(folder / "sources")
    return folder


def python(project, *arguments):
    path = os.pathsep.join([str(project / "site"), str(ROOT)])
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=project, env=environment(PYTHONPATH=path, PYTEST_ADDOPTS=""),
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip


def test_its_own_tests_pass(project):
    done = python(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_the_commands_of_the_page_work(project):
    assert [command.split()[0] for command in COMMANDS] == [
        "validate", "check-gradients", "run", "evaluate", "export", "schema", "docs",
    ]  # fmt: skip
    output = {}
    for command in COMMANDS:
        given, _, file = command.partition(" > ")
        done = python(project, "-m", "specnet", *given.split())
        assert done.returncode == 0, (command, done.stderr)
        output[given.split()[0]] = done.stdout
        if file:
            (project / file).write_text(done.stdout, encoding="utf-8")
    assert "relative_error" in output["evaluate"]
    assert "How much the slopes on both sides differ." in output["docs"]
    assert "all 4 gradients agree" in output["check-gradients"]
    made = json.loads((project / "specnet.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(made)
    assert {"activation.bent_identity", "metric.relative_error"} <= set(made["$defs"])

    stored = json.loads((project / "runs/bent/001/resolved.json").read_text(encoding="utf-8"))
    assert {(kind["type"], kind["distribution"], kind["version"]) for kind in stored["kinds"]} == {
        ("bent_identity", "specnet-bent", "0.1.0"),
        ("relative_error", "specnet-bent", "0.1.0"),
    }
    refused = python(project, "-m", "specnet", "evaluate", "runs/bent/001")
    assert refused.returncode == 1
    assert "needs the plugin `specnet-bent`" in refused.stderr

    # The exported program predicts the same without the plugin, and without specnet.
    np.save(project / "rows.npy", np.linspace(-1, 1, 7)[:, None])
    predicted = python(project, "-m", "specnet", "predict", "runs/bent/001", "rows.npy", "--plugins")
    assert predicted.returncode == 0, predicted.stderr
    script = "import numpy, predict; print(predict.predict(numpy.load('rows.npy')).tolist())"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=project, env=environment(PYTHONPATH=str(project)), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = [float(line) for line in predicted.stdout.split()[1:]]
    np.testing.assert_allclose(np.ravel(json.loads(done.stdout)), rows, rtol=1e-5)
