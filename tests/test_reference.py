"""The pages that docs/make_reference.py makes: docs/reference.md and docs/language.md."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import specnet

pytest.importorskip("sklearn")

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "docs" / "make_reference.py"
PAGE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_reference", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # As where it is run as a program, it finds what stands next to it.
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPT.parent))
        spec.loader.exec_module(module)
    return module


def test_the_pages_are_up_to_date() -> None:
    """`python docs/make_reference.py` writes them."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"], capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_page_that_differs_is_reported_and_left_alone(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "PAGES", {"docs/reference.md": lambda: f"{PAGE}More.\n"})
    assert script.main(["--check"]) == 1
    assert "+More.\n" in capsys.readouterr().out
    assert (ROOT / "docs" / "reference.md").read_text(encoding="utf-8") == PAGE


@pytest.mark.parametrize("home", ["specnet", "specnet.sklearn", "specnet.notebook"])
def test_every_public_name_is_there(home: str) -> None:
    for name in importlib.import_module(home).__all__:
        assert f"`{home}.{name}`" in PAGE


def test_signatures_are_those_of_the_source() -> None:
    assert "specnet.load(\n    source: Document,\n    overrides: Overrides | None = None,\n" in PAGE
    assert "    clock: " in PAGE or "NotebookProgress(clock: Callable[[], float] = time.monotonic)\n" in PAGE


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        ("x: int", "Own.x has no description"),
        ("def f(self): ...", "f has no docstring"),
        ("@property\n    def f(self): ...", "Own.f has no docstring"),
    ],
)
def test_a_name_without_a_description_is_refused(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, missing: str
) -> None:
    source = tmp_path / "own_of_reference.py"
    source.write_text(f'from __future__ import annotations\n\nclass Own:\n    """A class."""\n\n    {body}\n')
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("own_of_reference")
    monkeypatch.setattr(script, "own", lambda made: [made])
    try:
        with pytest.raises(ValueError, match=f"^{missing}$"):
            script.entry(module.Own, "own")
    finally:
        del sys.modules["own_of_reference"]


def test_docstrings_become_markdown(script: ModuleType) -> None:
    assert (
        script.prose("One *two* of\na_b `a_b`.\n\n    kept * as_is")
        == "One \\*two\\* of a\\_b `a_b`.\n\n    kept * as_is"
    )
    assert specnet.__doc__ is not None
    assert '    spec = specnet.load("specs/mlp.toml")' in specnet.__doc__
