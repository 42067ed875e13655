"""The commands and their options; what a command does, and what it needs for that, is imported when it is run."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from specnet.cli.guard import guarded

app = typer.Typer(
    name="specnet",
    help="A declarative model-spec interpreter: TOML or JSON in, a trained and tested NumPy network out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Rich's help imports a reader of Markdown and a highlighter of code, for twice the time of all the rest.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Severity(StrEnum):
    """The severity of a finding."""

    ERROR = "error"
    WARNING = "warning"


class OutputStyle(StrEnum):
    """The format of results."""

    TABLE = "table"
    JSON = "json"


class Page(StrEnum):
    """The format of a rule."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


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
As = Annotated[OutputStyle, typer.Option("--output", help="The output format.")]


def _version(asked: bool) -> None:
    if asked:
        from specnet._version import __version__

        typer.echo(f"specnet {__version__}")
        raise typer.Exit


@app.callback()
def specnet(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that come before any command."""


@app.command()
@guarded
def run(
    spec: SpecFile,
    unfinished: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="With --resume: the directory of the run; the newest unfinished one if left out, or else the newest.",
            show_default=False,
        ),
    ] = None,
    overrides: Overrides = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Use this seed instead of the document's.", show_default=False)
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Save the run in this directory instead of runs/NAME/NNN, replacing a run that is there.",
            show_default=False,
        ),
    ] = None,
    no_save: Annotated[bool, typer.Option("--no-save", help="Save nothing.")] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Resume a run of this document that was killed or interrupted, bit for bit; of a finished run, "
            "show the result.",
        ),
    ] = False,
    report: Annotated[
        bool,
        typer.Option("--report", help="Write the run's HTML report at the end; needs the extra `report`."),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    output: As = OutputStyle.TABLE,
) -> int:
    """Train the experiment that a document describes.

    Results go to standard output, progress and findings to standard error. Ctrl-C ends the training after the
    current step: the model is evaluated and saved, and `--resume` continues the training.
    """
    from specnet.cli.run import run as train

    if resume and (out is not None or no_save):
        raise typer.BadParameter("a resumed run is saved in its own directory", param_hint="--resume")
    if unfinished is not None and not resume:
        raise typer.BadParameter("a run can be named only with --resume", param_hint="RUN")
    if out is not None and no_save:
        raise typer.BadParameter("--out and --no-save contradict each other", param_hint="--no-save")
    if report and no_save:
        raise typer.BadParameter("a report needs a saved run", param_hint="--report")
    chosen = [*(overrides or ()), *([] if seed is None else [f"seed={seed}"])]
    return train(
        spec,
        chosen,
        out=out,
        save=not no_save,
        resume=unfinished if unfinished is not None else resume,
        report=report,
        quiet=quiet,
        as_json=output is OutputStyle.JSON,
    )


@app.command()
@guarded
def validate(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="SPEC",
            help="TOML or JSON files, folders, quoted patterns such as 'specs/**/*.toml', or - for standard "
            "input. Of a folder, each file that has the root key `specnet` is checked.",
            show_default=False,
        ),
    ],
    overrides: Overrides = None,
    output: Annotated[
        list[str] | None,
        typer.Option(
            "--output",
            metavar="FORMAT[=FILE]",
            help="full, concise, json, jsonl, github, gitlab, junit or sarif; may be given repeatedly.",
            show_default="full",
        ),
    ] = None,
    fail_on: Annotated[
        Severity, typer.Option("--fail-on", help="The lowest severity that makes the exit code 1.")
    ] = Severity.ERROR,
    strict: Annotated[bool, typer.Option("--strict", help="Treat warnings as errors.")] = False,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            "--ignore",
            metavar="CODE",
            help="Ignore a warning, such as SN701; may be given repeatedly.",
            show_default=False,
        ),
    ] = None,
    no_data: Annotated[
        bool,
        typer.Option(
            "--no-data", help="Read no data: check layers only where `input_shape` pins their input."
        ),
    ] = False,
    statistics: Annotated[
        bool, typer.Option("--statistics", help="Show only the number of findings of each code.")
    ] = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="Apply the safe fixes to the files, and report what remains.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what --fix would change, without changing it.")
    ] = False,
    stdin_filename: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="The file name that standard input stands for; its data paths start from there.",
            show_default=False,
        ),
    ] = None,
    specs_only: Annotated[
        bool, typer.Option("--specs-only", help="Skip files without the root key `specnet`.")
    ] = False,
    confine: Annotated[
        str | None,
        typer.Option(
            "--confine",
            metavar="DIR",
            help="Read nothing outside this folder, whatever paths and links lead to.",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Find errors in documents and their data.

    Nothing is trained. Exits with 0 if nothing is found, with 1 for findings, and with 2 if a file cannot be
    read or there is no document.
    """
    from specnet.cli.formats import outputs
    from specnet.cli.validate import Options
    from specnet.cli.validate import validate as check
    from specnet.data.confine import Confine
    from specnet.language.warnings import unknown_warning

    try:
        written = outputs(output or ())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--output") from None
    if fix and not diff and "-" in files:
        raise typer.BadParameter(
            "standard input cannot be written; --diff shows the fixes", param_hint="--fix"
        )
    try:
        within = None if confine is None else Confine.to(confine)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--confine") from None
    options = Options(
        overrides or (),
        written,
        "warning" if strict else fail_on.value,
        data=not no_data,
        statistics=statistics,
        fix=fix,
        diff=diff,
        stdin_filename=stdin_filename,
        specs_only=specs_only,
        ignore=ignore or (),
        confine=within,
    )
    for code in options.ignore:
        unknown = unknown_warning(code)
        if unknown is not None:
            raise typer.BadParameter("; ".join(filter(None, unknown)), param_hint="--ignore")
    return check(files, options)


@app.command()
@guarded
def explain(
    spec: SpecFile,
    overrides: Overrides = None,
    output: As = OutputStyle.TABLE,
    profile: Annotated[
        bool, typer.Option("--profile", help="Run a few steps on the data and show where the time goes.")
    ] = False,
) -> int:
    """Show the plan that a document is compiled to.

    It lists every shape, parameter, step, buffer and FLOP count, and the memory that a run takes.
    """
    from specnet.cli.explain import explain as show

    return show(spec, overrides or [], as_json=output is OutputStyle.JSON, profile=profile)


@app.command()
@guarded
def schema() -> int:
    """Print the JSON Schema of documents."""
    from specnet.cli.reference import schema as show

    return show()


@app.command()
@guarded
def layers(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="The name of a kind, such as dense or adam.", show_default=False),
    ] = None,
) -> int:
    """List what a document may name, or explain one name."""
    from specnet.cli.reference import layers as show

    return show(name)


@app.command()
@guarded
def rule(
    code: Annotated[
        str | None,
        typer.Argument(metavar="CODE", help="The code of a rule, such as SN204.", show_default=False),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Show all rules.")] = False,
    output: Annotated[Page, typer.Option("--output", help="The output format.")] = Page.TEXT,
) -> int:
    """Explain the code of a finding.

    A wrong and a right example illustrate it.
    """
    from specnet.cli.rules import rule as show

    if (code is None) != every:
        raise typer.BadParameter("give a code, such as SN204, or --all", param_hint="CODE")
    return show(code, output.value)
