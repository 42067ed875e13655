from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

from specnet.diagnostics.segments import visible
from specnet.runs.extras import needed


def rendered(package: str, filters: Mapping[str, Callable[[Any], Any]], facts: Mapping[str, Any]) -> str:
    """Return the page of a package's `page.html.j2`, in the style of all pages, with some facts.

    Raises RunError where the extra is not installed.
    """
    jinja = needed("jinja2", "report", "a report")
    markup = jinja.utils.markupsafe.Markup
    environment = jinja.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja.StrictUndefined
    )
    environment.filters |= {**filters, "svg": markup}
    template = environment.from_string((files(package) / "page.html.j2").read_text(encoding="utf-8"))
    style = markup((files("specnet.reporting.html") / "page.css").read_text(encoding="utf-8"))
    return visible(template.render(style=style, **facts))
