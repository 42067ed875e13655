"""How the help of a command names its arguments: by their metavars, with no types of Python's."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand


class Command(TyperCommand):
    """A command whose usage line reads `SPEC [RUN]`, and whose list of arguments has the same words."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the parts of the usage line that come after the command's name."""
        arguments = [each for each in self.get_params(ctx) if each.param_type_name == "argument"]
        return [str(self.options_metavar), *map(_in_usage, arguments)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the lists of arguments and of options."""
        for title, kind in (("Arguments", "argument"), ("Options", "option")):
            rows = [_row(each, ctx) for each in self.get_params(ctx) if each.param_type_name == kind]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def _in_usage(argument: Any) -> str:
    name = _name(argument) if argument.required else f"[{_name(argument)}]"
    # Those of which the last means something else say so themselves.
    return name if argument.nargs == 1 or "..." in name else f"{name}..."


def _row(parameter: Any, ctx: Any) -> tuple[str, str]:
    name, text = parameter.get_help_record(ctx)
    return (_name(parameter) if parameter.param_type_name == "argument" else name), text


def _name(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())
