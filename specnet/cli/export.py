from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from specnet.cli.given import must_exist
from specnet.cli.options import NoEnvironment, RunPlugins, argument, choice, out_file
from specnet.cli.terminal import notes, results, say, write_data


class Format(StrEnum):
    """What a model is exported to."""

    NUMPY = "numpy"
    ONNX = "onnx"
    SAFETENSORS = "safetensors"
    SPECNET = "specnet"


NAMES = {Format.ONNX: "ONNX", Format.SAFETENSORS: "safetensors", Format.SPECNET: "specnet"}
"""What the binary formats are called in a sentence."""


def export(
    sources: Annotated[
        list[str],
        argument(
            "RUN|SPEC",
            help="A run's directory, a .specnet file, or a document; of several runs, the mean is exported.",
        ),
    ],
    to: Annotated[Format, choice("--to", kinds=Format, help="The format.", default=False)],
    training: Annotated[
        bool,
        typer.Option("--training", help="With numpy: write the whole training instead of prediction alone."),
    ] = False,
    out: Annotated[str | None, out_file("The file to write; numpy is printed if left out.")] = None,
    plugins: RunPlugins = False,
    no_env: NoEnvironment = False,
) -> int:
    """Write a model for use elsewhere.

    numpy: a readable program that only needs NumPy; arrays too large to read go into an .npz file next to
    it. onnx: for other runtimes (extra `onnx`). safetensors: only the arrays (extra `safetensors`). specnet: one
    file that `predict` and `evaluate` take instead of a run. Transforms are part of all of them. Of several runs, or
    one with folds, numpy and onnx have the mean of the predictions and their standard deviation, and the others all
    models.
    """
    from specnet.interchange.exporting import WRITERS, Exported, numpy_program, write_numpy

    if training and to is not Format.NUMPY:
        raise typer.BadParameter("only a NumPy program can train", param_hint="--training")
    if out is None and to is not Format.NUMPY:
        raise typer.BadParameter(
            f"{NAMES[to]} is a binary format: name the file with -o model.{to.value}", param_hint="--to"
        )
    if out is not None and to is Format.NUMPY and out.lower().endswith(".npz"):
        raise typer.BadParameter(
            "a program's arrays go into an .npz file: name it otherwise", param_hint="--out"
        )
    _check(sources, training=training, plugins=plugins, no_env=no_env)
    found = Exported.of(*map(Path, sources), environment=not no_env)
    if not found.trained and not training:
        say(
            notes(),
            f"{sources[0]} is a document: it has not been trained, and the parameters are the initial ones",
        )
    if out is None:
        write_data(numpy_program(found, training=training, beside=None).text)
        return 0
    path = Path(out)
    if to is Format.NUMPY:
        written = write_numpy(path, found, training=training)
    else:
        WRITERS[to](path, found)
        written = [path]
    for each in written:
        say(results(), str(each))
    return 0


def _check(sources: list[str], *, training: bool, plugins: bool, no_env: bool) -> None:
    """Refuse what cannot be exported, and import the plugins of runs if that is wanted."""
    from specnet.interchange.exporting import Exported
    from specnet.storage.plugins import import_plugins

    for source in sources:
        must_exist(source)
        is_run = Exported.is_run(Path(source))
        if len(sources) > 1 and not is_run:
            raise typer.BadParameter(f"{source} is a document: only runs are averaged", param_hint="RUN|SPEC")
        if plugins and is_run:
            import_plugins(Path(source))
        if no_env and is_run:
            raise typer.BadParameter("it applies to documents, and this is a run", param_hint="--no-env")
    if len(sources) > 1 and training:
        raise typer.BadParameter("it writes the training of one run", param_hint="--training")
