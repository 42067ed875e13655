"""The command that takes a model elsewhere."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from specnet.cli.app import app
from specnet.cli.guard import guarded


class Format(StrEnum):
    """What a model is exported to."""

    NUMPY = "numpy"
    ONNX = "onnx"
    SAFETENSORS = "safetensors"
    SPECNET = "specnet"


@app.command()
@guarded
def export(
    source: Annotated[
        str,
        typer.Argument(
            metavar="RUN|SPEC",
            help="A run's directory, a .specnet file, or a document.",
            show_default=False,
        ),
    ],
    to: Annotated[Format, typer.Option("--to", help="The format.", show_default=False)],
    training: Annotated[
        bool,
        typer.Option("--training", help="With numpy: write the whole training instead of prediction alone."),
    ] = False,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="The file to write; numpy is printed if left out.",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Write a model for use elsewhere.

    numpy: a readable program that only needs NumPy; arrays too large to read go into an .npz file next to
    it. onnx: for other runtimes (extra `onnx`). safetensors: only the arrays (extra `safetensors`). specnet: one
    file that `predict` and `evaluate` take instead of a run. Transforms are part of all of them.
    """
    from specnet.cli.export import export as write

    if training and to is not Format.NUMPY:
        raise typer.BadParameter("only a NumPy program can train", param_hint="--training")
    if out is None and to is not Format.NUMPY:
        raise typer.BadParameter(f"{to.value} is not text: name a file to write", param_hint="--out")
    if out is not None and to is Format.NUMPY and out.lower().endswith(".npz"):
        raise typer.BadParameter(
            "a program's arrays go into an .npz file: name it otherwise", param_hint="--out"
        )
    return write(source, to.value, training=training, out=out)
