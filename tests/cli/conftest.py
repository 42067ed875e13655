from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import Specnet, environment, run_command


@pytest.fixture
def specnet(tmp_path: Path) -> Specnet:
    """The command, run as a process of its own in an empty folder."""

    def run(
        *arguments: str | Path, given: str | None = None, **more: str
    ) -> subprocess.CompletedProcess[str]:
        return run_command([*map(str, arguments)], tmp_path, environment(**more), given=given)

    return run
