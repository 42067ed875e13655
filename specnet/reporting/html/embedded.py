"""Pictures as SVG that a page holds in its text: colours are the page's own, light or dark."""

from __future__ import annotations

import io
import re
from itertools import count

from specnet.reporting.drawing import Colours, Drawing, quiet, settings
from specnet.runs.extras import needed

PLACEHOLDERS = Colours("#010203", "#010204", "#010205")
_OWN = {
    PLACEHOLDERS.ink: "currentColor",
    PLACEHOLDERS.train: "var(--train)",
    PLACEHOLDERS.validation: "var(--validation)",
}


class PagePictures:
    """Draws pictures whose names inside one page do not meet."""

    def __init__(self) -> None:
        self._matplotlib = needed("matplotlib", "report", "a report")
        self._figure = needed("matplotlib.figure", "report", "a report").Figure
        self._numbers = count(1)

    def embedded(self, drawing: Drawing) -> dict[str, object]:
        """Return a picture as the page's template shows it: drawn, with its title below, and in words."""
        return {
            "svg": self._svg(drawing),
            "caption": drawing.title,
            "label": drawing.description,
            "wide": drawing.size[0] > 5.0,
        }

    def _svg(self, drawing: Drawing) -> str:
        with self._matplotlib.rc_context(settings(PLACEHOLDERS)):
            figure = self._figure(figsize=drawing.size, layout="constrained")
            figure.patch.set_visible(False)
            drawing.draw(figure, PLACEHOLDERS)
            file = io.StringIO()
            nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
            with quiet():
                figure.savefig(file, format="svg", metadata=nothing)
        return _inlined(file.getvalue(), next(self._numbers))


def _inlined(svg: str, number: int) -> str:
    """Return a picture without what only a file of its own needs, its names made this picture's own."""
    svg = svg[svg.index("<svg") :]
    head, rest = svg.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', head)
    assert box is not None
    rest = re.sub(r'\b(id="|xlink:href="#|url\(#)', lambda found: f"{found[0]}f{number}-", rest)
    rest = rest.replace("xlink:href", "href")
    for colour, own in _OWN.items():
        rest = rest.replace(colour, own)
    return f'<svg {box[0]} aria-hidden="true" focusable="false">{rest}'
