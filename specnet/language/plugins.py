"""Plugins: installed distributions whose entry points register kinds.

A distribution is imported only where a document, or a flag, names it, and only if its metadata declare entry points of
the group `specnet.plugins`. A name is looked up among the installed distributions; it is never a path or a module.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import article, clipped, listed
from specnet.importing import AROUND, IMPORTING
from specnet.locking import Lock
from specnet.vocabulary.registering import KindClashError

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

GROUP = "specnet.plugins"
"""The group of entry points that makes a distribution a plugin."""

NAME = "^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$"
"""What a distribution can be called (PEP 508)."""

_REASON = 300
"""Letters of an exception's message that are shown."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A distribution whose entry points were imported."""

    name: str
    """As its metadata spell it."""
    version: str


class PluginFault(Exception):  # noqa: N818  as ShapeFault: what is wrong with a document, not with the program
    """Why a plugin cannot be used, as a diagnostic says it."""

    def __init__(self, code: str, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.help = code, message, help


_loaded: dict[str, Plugin] = {}
_loading = Lock()


def loaded_plugins() -> dict[str, Plugin]:
    """Return what this process has imported, by normalized name."""
    return _loaded


def normalized(name: str) -> str:
    """Return the one spelling of a distribution's name in which its equals agree (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def load_plugin(name: str) -> Plugin:
    """Import the entry points of an installed distribution, and register what they provide.

    An entry point is a class, which is registered; a function, which is called without arguments; or a module, which
    registers its kinds as it is imported. A plugin is imported once per process; of one that fails, nothing stays
    registered. Raises PluginFault.
    """
    key = normalized(name)
    with _loading:
        if key in _loaded:
            return _loaded[key]
        distribution = _installed(name)
        plugin = Plugin(distribution.metadata["Name"] or name, distribution.version or "unknown")
        _import(plugin, _entry_points(distribution, plugin))
        _loaded[key] = plugin
        return plugin


def declared() -> dict[str, list[str]]:
    """Return the distributions that declare plugins, with the names of their entry points; nothing is imported."""
    from importlib.metadata import entry_points

    found: dict[str, list[str]] = {}
    for point in entry_points(group=GROUP):
        if point.dist is not None and point.dist.metadata["Name"]:
            found.setdefault(point.dist.metadata["Name"], []).append(point.name)
    return dict(sorted(found.items()))


def _installed(name: str) -> Distribution:
    from importlib.metadata import PackageNotFoundError, distribution

    if re.fullmatch(NAME, name) is None:
        raise PluginFault("SN209", f"`{clipped(name)}` is not the name of a distribution")
    try:
        return distribution(name)
    except PackageNotFoundError:
        there = list(declared())
        meant = closest(name, there)
        message = f"the plugin `{clipped(name)}` is not installed"
        if meant is not None:
            raise PluginFault("SN220", f'{message}; did you mean "{meant}"?') from None
        help = f"installed plugins: {listed(there, mark='')}" if there else "no plugin is installed"
        raise PluginFault("SN220", message, help) from None


def _entry_points(distribution: Distribution, plugin: Plugin) -> list[EntryPoint]:
    points = list(distribution.entry_points.select(group=GROUP))
    if not points:
        raise PluginFault(
            "SN221",
            f"`{plugin.name}` is installed, but is not a plugin: it declares no entry point `{GROUP}`",
        )
    return points


def _import(plugin: Plugin, points: list[EntryPoint]) -> None:
    from specnet.language.kinds import FAMILIES

    token = IMPORTING.set(plugin.name)
    point = points[0]
    try:
        with AROUND.get()():
            for point in points:
                _provide(plugin, point)
    except BaseException as error:
        for family in FAMILIES:
            family.forget(plugin.name)
        if isinstance(error, KindClashError):
            message = f"the plugin `{plugin.name}` clashes: {error}"
            help = "rename one of them: the kinds of a family share one namespace"
            raise PluginFault("SN223", message, help) from error
        if isinstance(error, Exception | SystemExit):
            raise PluginFault("SN222", _failure(plugin, point, error)) from error
        raise
    finally:
        IMPORTING.reset(token)


def _provide(plugin: Plugin, point: EntryPoint) -> None:
    """Import an entry point, and register the kinds that it provides."""
    from types import ModuleType

    from specnet.language.kinds import FAMILIES
    from specnet.language.registering import register

    found = point.load()
    if isinstance(found, ModuleType):
        for family in FAMILIES:
            # An earlier import may have registered them.
            family.claim(plugin.name, found.__name__)
    elif isinstance(found, type):
        register(found)
    elif callable(found):
        found()
    else:
        what = article(type(found).__name__)
        raise TypeError(f"{clipped(point.value)} is {what}, not a class, function or module")


def _failure(plugin: Plugin, point: EntryPoint, error: BaseException) -> str:
    reason = clipped(" ".join(str(error).split()), _REASON)
    what = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
    return f"the plugin `{plugin.name}` cannot be imported (entry point `{clipped(point.name)}`): {what}"
