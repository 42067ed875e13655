"""The command line: the only part of specnet that prints."""

from __future__ import annotations


def main() -> None:
    """Run the command line on the process's arguments, and exit with its code."""
    import gc
    import os
    import sys

    # What a command imports stays until its end: to look for garbage among it takes an eighth of a short command.
    gc.set_threshold(500_000, 20, 20)
    # Pydantic would read what every installed package says of itself, to look for plugins.
    # A program that imports specnet keeps its plugins; here there is nothing for them.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from specnet.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        # What the terminal's encoding lacks is shown as `?`: no name in a file may stop a command.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    app(prog_name="specnet")
