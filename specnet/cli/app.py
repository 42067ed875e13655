"""The list of commands. Each is the function of that name in the module of that name, imported when it is used."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import CodeType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from specnet.cli.guard import guarded, reporting
from specnet.cli.help import Command

NAMES = [
    "run",
    "sweep",
    "validate",
    "explain",
    "trace",
    "schema",
    "docs",
    "rule",
    "check-gradients",
    "evaluate",
    "predict",
    "forecast",
    "generate",
    "init",
    "runs",
    "compare",
    "report",
    "plot",
    "export",
]

ALIASES = {"layers": "docs"}
"""Earlier names of commands, which are not listed."""


_USAGE_ERROR: Any = typer.BadParameter.__mro__[1]
"""Click's class, wherever this version of Typer keeps it."""

_PREFIX = "Value error, "
"""What Pydantic, with which Typer reads values, puts before the message of an exception."""


class Commands(TyperGroup):
    """The commands, of which a list shows the first lines."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: Any = _Imported()

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that the arguments begin with, or fail with the one that was probably meant."""
        name = args[0]
        # An option that there is not is reported as such by what this class inherits.
        if name not in {*NAMES, *ALIASES} and not name.startswith("-") and not ctx.resilient_parsing:
            from specnet.cli.synonyms import meant_command

            meant = meant_command(name, NAMES)
            help = f"did you mean `{meant}`?" if meant else "`specnet --help` lists the commands"
            ctx.fail(f"there is no command `{name}`; {help}")
        return super().resolve_command(ctx, args)

    def make_context(self, *given: Any, **more: Any) -> Any:
        """Read the arguments; what an error quotes of them is made visible."""
        with _visible_errors():
            return super().make_context(*given, **more)

    def invoke(self, ctx: Any) -> Any:
        """Run the command, and read its arguments; errors are as those of `make_context`."""
        with _visible_errors():
            return super().invoke(ctx)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list without importing what the commands need."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _summary(name)) for name in NAMES])


@contextmanager
def _visible_errors() -> Iterator[None]:
    try:
        yield
    except _USAGE_ERROR as error:
        from specnet.cli.ranks import is_told_by_another
        from specnet.diagnostics.segments import printable

        if is_told_by_another():
            # A launcher may end all processes once one has failed, and the first one must have its say.
            raise typer.Exit from None
        error.message = printable(error.message.removeprefix(_PREFIX))
        raise


class _Imported(Mapping[str, Any]):
    def __getitem__(self, name: str) -> Any:
        if name not in NAMES and name not in ALIASES:
            raise KeyError(name)
        return _command(name)

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


def _command(name: str) -> Any:
    own = typer.Typer(add_completion=False, rich_markup_mode=None)
    function = ALIASES.get(name, name).replace("-", "_")
    with reporting():
        module = import_module(f"specnet.cli.{function}")
    own.command(name, cls=Command)(guarded(getattr(module, function)))
    return typer.main.get_command(own)


def _summary(name: str) -> str:
    """Return the first line of a command's docstring, from its module's code, which is not run for that."""
    function = name.replace("-", "_")
    found: Any = find_spec(f"specnet.cli.{function}")
    codes = [part for part in found.loader.get_code(found.name).co_consts if isinstance(part, CodeType)]
    docstring: str | None = next(code.co_consts[0] for code in codes if code.co_name == function)
    return (docstring or "").partition("\n")[0]


app = typer.Typer(
    name="specnet",
    cls=Commands,
    help="A declarative model-spec interpreter: TOML or JSON in, a trained and tested NumPy network out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Rich's help imports a reader of Markdown and a highlighter of code, for twice the time of all the rest.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from specnet._version import __version__

        typer.echo(f"specnet {__version__}")
        raise typer.Exit


@app.callback()
def specnet(
    version: Annotated[  # noqa: ARG001 (its callback acts on it)
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that come before any command."""
    try:
        if os.environ.get("SPECNET_THREADS"):
            from specnet.passes.cores import requested

            requested(None)
        if os.environ.get("SPECNET_ENGINE"):
            from specnet.passes.engine import known_engine

            known_engine(None)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
