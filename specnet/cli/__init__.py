"""The command line: the only part of specnet that prints."""

from __future__ import annotations


def main() -> None:
    """Run the command line on the process's arguments, and exit with its code."""
    import atexit
    import gc
    import os

    # What a command imports stays until its end: to look for garbage among it takes an eighth of a short command.
    gc.set_threshold(500_000, 20, 20)
    # And at its end all goes with the process: to look for it then takes a fifth of a command over a large network.
    atexit.register(gc.freeze)
    # Pydantic would read what every installed package says of itself, to look for plugins.
    # A program that imports specnet keeps its plugins; here there is nothing for them.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from specnet.cli.streams import guarded_output, prepare

    prepare()
    with guarded_output():
        from specnet.cli.app import app

        app(prog_name="specnet")
