from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from specnet import installation
from specnet._version import __version__
from specnet.installation import EXTRAS, install_command, requirement
from tests.support.installing import install

ROOT = Path(__file__).parents[1]
COMMIT = "7921be1537eac1e97bc40179a57f0349c2aee67d"
REPOSITORY = "https://host.example/group/specnet"
GIT = {"vcs": "git", "commit_id": COMMIT}
SHA256 = "2dc6b5a470a1bde68946f263f1af1515a2574a150a30d6ce02c6ff742fcc0db8"
LIBRARIES = "pip install 'jinja2>=3.1' 'matplotlib>=3.9'"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the commands that are expected are quoted for POSIX")

Installed = Callable[..., Path]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages, in which the specnet that is running lies."""
    folder = tmp_path / "site-packages"
    (folder / "specnet").mkdir(parents=True)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(installation, "PACKAGE", folder / "specnet")
    monkeypatch.setattr(installation, "_installer", lambda: ["pip", "install"])
    return folder


def distribution(site: Path, origin: Any = None, name: str = "specnet-nn", version: str = "0.1.1") -> None:
    """Write what an installer leaves of a distribution; `origin` is what PEP 610 has it say, or text for that."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n")
    if origin is not None:
        text = origin if isinstance(origin, str) else json.dumps(origin)
        (info / "direct_url.json").write_text(text)


def checkout(folder: Path, name: str = "specnet-nn") -> Path:
    (folder / "specnet").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(f'[project]\nname = "{name}"\n')
    return folder


@pytest.mark.parametrize(
    ("origin", "target"),
    [
        (
            {"url": REPOSITORY, "vcs_info": {**GIT, "requested_revision": "v0.1.1"}},
            f"git+{REPOSITORY}@v0.1.1",
        ),
        ({"url": REPOSITORY, "vcs_info": GIT}, f"git+{REPOSITORY}@{COMMIT}"),
        (
            {"url": REPOSITORY, "vcs_info": {**GIT, "requested_revision": "topic/new-loss"}},
            f"git+{REPOSITORY}@topic/new-loss",
        ),
        (
            {"url": REPOSITORY, "vcs_info": {**GIT, "requested_revision": "a@b#c"}},
            f"git+{REPOSITORY}@{COMMIT}",
        ),
        (
            {"url": REPOSITORY, "vcs_info": GIT, "subdirectory": "python/my specnet"},
            f"git+{REPOSITORY}@{COMMIT}#subdirectory=python/my%20specnet",
        ),
        (
            {"url": "https://me:secret@host.example:8443/specnet.git", "vcs_info": GIT},
            f"git+https://host.example:8443/specnet.git@{COMMIT}",
        ),
        (
            {"url": "https://secret@host.example/specnet.git", "vcs_info": GIT},
            f"git+https://host.example/specnet.git@{COMMIT}",
        ),
        (
            {"url": "ssh://git:secret@host.example/specnet.git", "vcs_info": GIT},
            f"git+ssh://git@host.example/specnet.git@{COMMIT}",
        ),
        (
            {"url": "https://host.example/specnet", "vcs_info": {"vcs": "hg", "commit_id": COMMIT}},
            f"hg+https://host.example/specnet@{COMMIT}",
        ),
        ({"url": f"{REPOSITORY}/s.whl", "archive_info": {}}, f"{REPOSITORY}/s.whl"),
        (
            {
                "url": f"{REPOSITORY}/v0.1.1.zip",
                "archive_info": {"hash": f"sha256={SHA256}"},
                "subdirectory": "a",
            },
            f"{REPOSITORY}/v0.1.1.zip#subdirectory=a",
        ),
    ],
)
def test_what_came_from_an_address_comes_from_there_again(site: Path, origin: Any, target: str) -> None:
    distribution(site, origin)
    command = install_command("report")
    assert command == f"pip install 'specnet-nn[report] @ {target}'"
    read = Requirement(shlex.split(command)[-1])
    assert (read.name, read.extras, read.url) == ("specnet-nn", {"report"}, target)


@pytest.mark.parametrize("editable", [False, True])
@pytest.mark.parametrize("name", ["specnet", "my models/spec'net #1 at 50%"])
def test_a_folder_is_installed_again(
    site: Path, tmp_path: Path, editable: bool, name: str, monkeypatch
) -> None:
    folder = checkout(tmp_path / name)
    distribution(site, {"url": folder.as_uri(), "dir_info": {"editable": editable} if editable else {}})
    if editable:
        monkeypatch.setattr(installation, "PACKAGE", folder / "specnet")
    expected = ["pip", "install", *(["-e"] if editable else []), f"{folder}[report]"]
    assert shlex.split(install_command("report")) == expected
    assert requirement() is None
    (folder / "pyproject.toml").unlink()
    assert install_command("report") == LIBRARIES


def test_a_file_is_installed_again_while_it_is_there(site: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "my wheels" / "specnet_nn-0.1.1-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.touch()
    distribution(site, {"url": wheel.as_uri(), "archive_info": {"hashes": {"sha256": SHA256}}})
    assert install_command("report") == f"pip install 'specnet-nn[report] @ {wheel.as_uri()}'"
    assert requirement() is None
    wheel.unlink()
    assert install_command("report") == LIBRARIES


def test_a_repository_on_this_machine_is_installed_again_while_it_is_there(
    site: Path, tmp_path: Path
) -> None:
    repository = tmp_path / "specnet.git"
    repository.mkdir()
    distribution(site, {"url": repository.as_uri(), "vcs_info": {**GIT, "requested_revision": "main"}})
    url = f"git+file://localhost{repository}"
    assert install_command("onnx") == f"pip install 'specnet-nn[onnx] @ {url}@main'"
    assert requirement() == f"specnet-nn @ {url}@{COMMIT}"
    repository.rmdir()
    assert install_command("onnx") == "pip install 'onnx>=1.17'"


def test_what_came_from_an_index_comes_from_there_again(site: Path) -> None:
    distribution(site)
    assert install_command("images") == "pip install 'specnet-nn[images]'"
    assert requirement() == f"specnet-nn=={__version__}"


def test_a_distribution_of_another_project_says_nothing_of_this_one(site: Path) -> None:
    distribution(site, name="specnet", version="1.0")
    assert install_command("report") == LIBRARIES
    assert requirement() is None
    distribution(site, {"url": REPOSITORY, "vcs_info": GIT})
    assert install_command("report") == f"pip install 'specnet-nn[report] @ git+{REPOSITORY}@{COMMIT}'"


@pytest.mark.parametrize("origin", [None, {"url": REPOSITORY, "vcs_info": GIT}])
def test_a_folder_that_is_run_is_not_the_copy_that_is_installed(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, origin: Any
) -> None:
    distribution(site, origin)
    folder = checkout(tmp_path / "checkout")
    monkeypatch.setattr(installation, "PACKAGE", folder / "specnet")
    assert install_command("report") == f"pip install -e '{folder}[report]'"
    assert requirement() is None


@pytest.mark.usefixtures("site")
def test_a_folder_of_another_project_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = checkout(tmp_path / "vendoring", name="vendoring")
    monkeypatch.setattr(installation, "PACKAGE", folder / "specnet")
    assert install_command("report") == LIBRARIES


def test_the_remains_of_a_distribution_are_none(site: Path) -> None:
    distribution(site)
    (site / "specnet_nn-0.1.1.dist-info" / "METADATA").unlink()
    assert install_command("report") == LIBRARIES
    assert requirement() is None


@pytest.mark.parametrize(
    "origin",
    [
        "", "{", "[]", "3", "null", '"url"', "{}", '{"url": 3}', "[" * 10**5,
        {"url": "https://[", "vcs_info": GIT},
        {"url": "https://host.example/specnet"},
        {"url": "https://host.example/specnet", "vcs_info": {"vcs": "git"}},
        {"url": "https://host.example/specnet", "vcs_info": {"commit_id": COMMIT}},
        {"url": "https://host.example/specnet", "vcs_info": {"vcs": 1, "commit_id": COMMIT}},
        {"url": "https://host.example/specnet", "dir_info": {}},
        {"url": "host.example/specnet.whl", "archive_info": {}},
        {"url": "https://host.example/specnet.whl?token=secret", "archive_info": {}},
    ],
)  # fmt: skip
def test_where_nothing_sound_is_known_the_libraries_are_named(site: Path, origin: Any) -> None:
    distribution(site, origin)
    assert install_command("report") == LIBRARIES
    assert requirement() is None


@pytest.mark.parametrize(
    ("origin", "target"),
    [
        (
            {"url": "https://me:secret@host.example/s", "vcs_info": {**GIT, "requested_revision": "main"}},
            f"git+https://host.example/s@{COMMIT}",
        ),
        (
            {
                "url": f"{REPOSITORY}/s.zip",
                "archive_info": {"hashes": {"sha256": SHA256}},
                "subdirectory": "a",
            },
            f"{REPOSITORY}/s.zip#sha256={SHA256}&subdirectory=a",
        ),
        (
            {"url": f"{REPOSITORY}/s.whl", "archive_info": {"hash": f"sha256={SHA256}"}},
            f"{REPOSITORY}/s.whl#sha256={SHA256}",
        ),
        ({"url": f"{REPOSITORY}/s.whl", "archive_info": {}}, f"{REPOSITORY}/s.whl"),
    ],
)
def test_the_same_code_is_a_commit_or_an_archive(site: Path, origin: Any, target: str) -> None:
    distribution(site, origin)
    text = requirement()
    assert text == f"specnet-nn @ {target}"
    assert Requirement(text).url == target


def test_the_libraries_are_those_of_the_extras() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == installation.DISTRIBUTION
    assert {name: tuple(project["optional-dependencies"][name]) for name in EXTRAS} == EXTRAS
    # The other extras are for those who work on specnet.
    assert set(project["optional-dependencies"]) - set(EXTRAS) == {"test", "oracle", "bench", "dev"}


def test_the_command_installs_into_the_environment_of_this_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "_origin", dict)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    for name in ("own", "other"):
        pip = tmp_path / name / "pip"
        pip.parent.mkdir()
        pip.touch(0o755)
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path / "own"))
    monkeypatch.setattr(sys, "executable", "/my python/bin/python")
    monkeypatch.setenv("PATH", str(tmp_path / "own"))
    assert install_command("onnx") == "pip install 'specnet-nn[onnx]'"
    for path in (str(tmp_path / "other"), str(tmp_path / "none")):
        monkeypatch.setenv("PATH", path)
        assert install_command("onnx") == "'/my python/bin/python' -m pip install 'specnet-nn[onnx]'"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    command = "uv pip install --python '/my python/bin/python' 'specnet-nn[onnx]'"
    assert install_command("onnx") == command


def test_an_installation_by_pip_is_recognised(tmp_path: Path) -> None:
    install(ROOT, tmp_path / "site")
    script = "from specnet.installation import install_command; print(install_command('report'))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shlex.split(done.stdout)[-2:] == ["install", f"{ROOT}[report]"]
    assert files_of(tmp_path / "site" / "specnet") == files_of(ROOT / "specnet")


def files_of(folder: Path) -> set[str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    return {path.relative_to(folder).as_posix() for path in files}


def test_a_source_distribution_holds_the_whole_package(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="it builds the package without a network")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(tmp_path)]
    subprocess.run(build, check=True, cwd=ROOT, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    package = {f"specnet/{name}" for name in files_of(ROOT / "specnet")}
    assert package - names == set()
    assert "specnet/diagnostics/rules/SN101.md" in package


def test_nothing_is_looked_up_before_it_is_asked_for() -> None:
    script = (
        "import sys, specnet.installation; print('importlib.metadata' in sys.modules, 'json' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False False\n"
