"""The arguments and options that several commands take."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer


class OutputStyle(StrEnum):
    """The format of results."""

    TABLE = "table"
    JSON = "json"


SpecFile = Annotated[str, typer.Argument(metavar="SPEC", help="A TOML or JSON file.", show_default=False)]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a value of the document, such as training.epochs=5; may be given repeatedly.",
        show_default=False,
    ),
]
RunPath = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="The directory of a finished run, such as runs/iris/001.", show_default=False
    ),
]
As = Annotated[OutputStyle, typer.Option("--output", help="The output format.")]


def out_file(help: str, default: bool | str = False) -> Any:
    """Return the option that names the file to write."""
    return typer.Option("--out", "-o", metavar="FILE", help=help, show_default=default)
