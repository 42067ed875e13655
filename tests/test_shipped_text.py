"""No file that is shipped tells anybody to install a distribution by a name on a package index."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = (".ci", ".github", "benchmarks", "docs", "integrations", "specnet", "specs")

# The name alone, a version or an extra of it; with ` @ ` and an address behind it, no index is asked.
NAME = r"""["'`\[(=\s]specnet(?:-nn)?(?:\[[^\]\n]*\])?(?![\w./:-]|\[|["']?\s*@\s)"""
FORMS = {
    "an installation": rf"\b(?:pip3?|pipx|uvx?|conda|mamba|pdm|poetry|rye|hatch)"
    rf"(?:\s+(?:-\S+|pip|tool))*\s+(?:install|add|inject|upgrade|download|run)\b[^|&;\n`]*?{NAME}",
    "a tool that is run": rf"\b(?:uvx|pipx run|uv tool run)(?: -\S+)*{NAME}",
    "an extra": r"\bspecnet\[[a-z]",
    "a version": r"\bspecnet(?:-nn)?(?:\[[^\]\n]*\])?(?:===?\{|===?[\d*]|\s?[~<>!]=\s?\d|==\s?\d)",
    "a page of an index": r"https?://[\w.-]+/(?:project|simple|package|packages)/specnet\b",
}
URLS = re.compile(r"""\bhttps?://[^\s"'`<>)\]}]+""")
HOSTS = {
    "archive.ics.uci.edu", "creativecommons.org",  # where data came from
    "docs.github.com", "docs.gitlab.com", "docs.oasis-open.org", "json-schema.org",  # formats
    "keepachangelog.com", "semver.org",
}  # fmt: skip


def shipped() -> Iterator[Path]:
    """Every file that git knows or would know but the tests; in a copy without git, those of `FOLDERS`."""
    if (ROOT / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        paths = [ROOT / name for name in listed.split("\0") if name]
    else:
        paths = [path for path in ROOT.iterdir() if path.is_file()]
        paths += [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    yield from (path for path in paths if path.is_file() and ROOT / "tests" not in path.parents)


def texts() -> Iterator[tuple[str, str]]:
    for path in shipped():
        content = path.read_bytes()
        if b"\0" not in content:
            yield path.relative_to(ROOT).as_posix(), content.decode(errors="replace")


def found(text: str) -> list[str]:
    return [match[0] for form in FORMS.values() for match in re.finditer(form, text, re.IGNORECASE)]


@pytest.mark.parametrize(
    "text",
    [
        "pip install specnet", "pip install 'specnet[report]'", 'pip install "specnet"', "pip3 install -U specnet",
        "pip install --quiet specnet", "    - pip install --quiet specnet\n", "`pip install specnet`",
        "python -m pip install numpy specnet==1.0", "pip install 'specnet-nn[report]'", "pip install specnet-nn",
        "pip install specnet-nn==0.1.1", "pip install specnet>=0.1", "pip install 'specnet ~= 0.1'",
        "pipx install specnet", "pipx run specnet", "uv tool install specnet", "uv add specnet", "uvx specnet",
        "uvx --from specnet specnet validate", "uv run --with specnet python", "uv pip install 'specnet'",
        "conda install specnet", "poetry add specnet", "pip install specnet=={{ made_of.specnet }}",
        "`specnet[parquet]` brings pyarrow", "specnet==0.1.0", '"specnet>=0.1"', "specnet=={version}",
        "https://index.example/project/specnet/", '["pip", "install", "specnet"]'.replace('", "', " "),
    ],
)  # fmt: skip
def test_a_form_that_names_an_index_is_found(text: str) -> None:
    assert found(text)


@pytest.mark.parametrize(
    "text",
    [
        "pip install . && specnet run specs/mlp.toml", "pip install '.[report]'", "pip install -e '.[dev]'",
        "pip install 'specnet-nn[report] @ git+https://host.example/specnet@v0.1.1'", "specnet = 1",
        'pip install --quiet "${SPECNET_SOURCE:?must say}"\n    - specnet validate .', "specnet-nn[test]",
        "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/specnet run specs/mlp.toml",
        "pip install /a/specnet", "specnet init", "what pip is to install; you have specnet",
    ],
)  # fmt: skip
def test_other_text_is_none(text: str) -> None:
    assert found(text) == []


def test_what_is_searched_holds_every_kind_of_file() -> None:
    names = {name for name, _ in texts()}
    assert {
        "README.md", "action.yml", "pyproject.toml", ".pre-commit-hooks.yaml", ".github/workflows/ci.yml", ".ci/run",
        "benchmarks/README.md", "docs/rules.md", "integrations/gitlab-ci.yml", "specnet/reporting/html/page.html.j2",
        "specnet/installation.py",
    } <= names  # fmt: skip


def test_nothing_shipped_names_an_index() -> None:
    assert {name: hits for name, text in texts() if (hits := found(text))} == {}


def test_no_page_is_named_that_is_not_of_a_standard_or_a_source() -> None:
    """An address that nobody has registered may be a stranger's tomorrow."""
    named = {
        (name, url) for name, text in texts() for url in URLS.findall(text) if url.split("/")[2] not in HOSTS
    }
    assert named == set()
