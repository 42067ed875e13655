"""Plugins as an installer leaves them, and a process that forgets what they registered."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

ACTIVATION = '''
from typing import Literal

import specnet
from specnet.vocabulary.activations import Activation


class {name}(Activation):
    """x * x + x."""

    type: Literal["{kind}"] = "{kind}"

    def lower(self, x):
        return x * x + x
'''


def activation(name: str, kind: str, *, decorated: bool = False) -> str:
    """Return the source of a module that defines an activation."""
    source = ACTIVATION.format(name=name, kind=kind)
    return source.replace("class ", "@specnet.register\nclass ", 1) if decorated else source


def install(
    site: Path,
    name: str,
    points: Mapping[str, str],
    modules: Mapping[str, str],
    version: str = "1.2",
    group: str = "specnet.plugins",
) -> None:
    """Write a distribution's metadata and modules."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n")
    lines = "".join(f"{point} = {value}\n" for point, value in points.items())
    (info / "entry_points.txt").write_text(f"[{group}]\n{lines}" if points else "")
    for module, source in modules.items():
        (site / f"{module}.py").write_text(textwrap.dedent(source))
