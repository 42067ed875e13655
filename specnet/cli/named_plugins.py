from __future__ import annotations

from collections.abc import Sequence


def import_named(names: Sequence[str] | None) -> None:
    """Import the plugins that `--plugins` names; raises SpecError with each that cannot be, at its flag."""
    if not names:
        return
    from specnet.diagnostics import Diagnostic, Position, SpecError, TextSpan
    from specnet.language.plugins import PluginFault, load_plugin

    found, texts = [], {}
    for name in names:
        try:
            load_plugin(name)
        except PluginFault as fault:
            flag = f"--plugins {name}"
            span = TextSpan(Position(1, len("--plugins ") + 1), Position(1, len(flag) + 1))
            found.append(Diagnostic(fault.code, fault.message, help=fault.help, file=flag, span=span))
            texts[flag] = flag
    if found:
        raise SpecError(found, texts)
