"""Tables and curves as HTML, for what notebooks show of an object: text and inline SVG, without scripts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite, log10

from specnet.diagnostics.segments import visible

COLOURS = ("#1f77b4", "#d95f02", "#1b9e77", "#7570b3")
WIDTH, HEIGHT = 480, 200
LEFT, BOTTOM = 60, 24


def escape(text: str) -> str:
    """Return a text with the characters that mean something in HTML replaced."""
    # Every command imports this module; Python's own has a table of all entities.
    from html import escape as replaced

    return replaced(visible(text))


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; every cell is escaped, numbers are aligned to the right."""
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f'<td style="text-align:right">{value:.4g}</td>'
    if isinstance(value, int) and not isinstance(value, bool):
        return f'<td style="text-align:right">{value:,}</td>'
    return f'<td style="text-align:left">{escape("" if value is None else str(value))}</td>'


def heading(text: str, rest: str = "") -> str:
    """Return a bold text, and some more after it."""
    return f"<p><b>{escape(text)}</b>{' ' + escape(rest) if rest else ''}</p>"


def curves(named: Mapping[str, Sequence[tuple[int, float]]], unit: str = "epoch") -> str:
    """Return curves over a unit as an SVG picture, logarithmic where all values allow it; nothing of no points.

    Points whose values are not finite are left out.
    """
    points = {name: [(x, y) for x, y in line if isfinite(y)] for name, line in named.items()}
    points = {name: line for name, line in points.items() if line}
    if not points:
        return ""
    every = [y for line in points.values() for _, y in line]
    logarithmic = min(every) > 0 and max(every) / min(every) > 5
    low, high = (log10(min(every)), log10(max(every))) if logarithmic else (min(every), max(every))
    first = min(x for line in points.values() for x, _ in line)
    last = max(x for line in points.values() for x, _ in line)

    def place(x: int, y: float) -> str:
        across = (x - first) / max(1, last - first)
        up = ((log10(y) if logarithmic else y) - low) / ((high - low) or 1.0)
        return (
            f"{LEFT + across * (WIDTH - LEFT - 10):.1f},{HEIGHT - BOTTOM - up * (HEIGHT - BOTTOM - 24):.1f}"
        )

    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for number, (name, line) in enumerate(points.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(place(x, y) for x, y in _thinned(line))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(_text(LEFT + 8 + 110 * number, 14, name, colour))
    ends = [(min(every), HEIGHT - BOTTOM), (max(every), 24)]
    parts += [_text(LEFT - 6, y + 4, f"{value:.3g}", anchor="end") for value, y in ends]
    parts.append(_text(LEFT, HEIGHT - 6, f"{unit} {first}"))
    parts.append(_text(WIDTH - 10, HEIGHT - 6, f"{unit} {last}", anchor="end"))
    frame = f'<svg width="{WIDTH}" height="{HEIGHT}" role="img">'
    return f"{frame}{''.join(parts)}</svg>"


def _thinned(line: list[tuple[int, float]], most: int = 500) -> list[tuple[int, float]]:
    step = -(-len(line) // most)
    return [*line[::step], line[-1]]


def _text(x: float, y: float, text: str, colour: str = "#333", anchor: str = "start") -> str:
    style = f'font-family="sans-serif" font-size="11" fill="{colour}" text-anchor="{anchor}"'
    return f'<text x="{x}" y="{y}" {style}>{escape(text)}</text>'
