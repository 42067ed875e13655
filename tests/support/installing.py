"""Installing a project without a network, for the tests of what is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def install(project: Path, site: Path) -> None:
    """Build a project and install it into the folder `site`, without its dependencies; skip where it cannot be."""
    pytest.importorskip("pip")
    pytest.importorskip("hatchling", reason="it builds the package without a network")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    pip += ["--disable-pip-version-check", "--no-compile", "--target", str(site), str(project)]
    done = subprocess.run(pip, cwd=site.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
