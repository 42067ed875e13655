"""What was measured on tables: scores, ranks, differences and costs, as tables of Markdown and as a chart."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from pathlib import Path
from statistics import geometric_mean, mean, median, stdev

from benchmarks.public_tables import TABLES
from benchmarks.table_store import Figure, Key, Store

OURS = "init"
ORDER = (
    OURS,
    "quick",
    "best",
    "zoo RealMLP",
    "RealMLP-TD",
    "TabM",
    "HistGradientBoosting",
    "LightGBM",
    "MLP",
    "linear",
)
GROUP = (OURS, "RealMLP-TD", "HistGradientBoosting")
"""Those whose ranks among each other count."""

LOOKED_AT = ("sonar", "pima", "titanic", "phoneme", "mpg", "concrete", "abalone")
"""The tables that the choices of `init` were made on, with other splits than those measured here."""


def models(store: Store) -> list[str]:
    """Return the models that were measured, specnet's first."""
    found = {figure.model for figure in store.figures.values()}
    return [*(name for name in ORDER if name in found), *sorted(found - {*ORDER})]


def together(store: Store, table: str, names: Iterable[str]) -> list[dict[str, Figure]]:
    """Return the figures of models on a table, split by split, for the splits on which all were measured."""
    names = list(names)
    splits = sorted({key.split for key in store.figures if key.table == table})
    found = [{name: store.figures.get(Key(table, split, name)) for name in names} for split in splits]
    return [figures for figures in found if None not in figures.values()]


def ranks(store: Store, names: Iterable[str]) -> dict[str, dict[str, float]]:
    """Return by table the models' ranks among each other, from 1, the means over its splits.

    Equal scores share the mean of their ranks.
    """
    found = {}
    for table in TABLES:
        splits = [_ranked(table, figures) for figures in together(store, table, names)]
        if splits:
            found[table] = {name: mean(split[name] for split in splits) for name in splits[0]}
    return found


def everywhere(store: Store) -> list[str]:
    """Return the models that were measured on several splits of every table on which ours was."""
    tables = ranks(store, (OURS,))
    return [
        name
        for name in models(store)
        if all(len(together(store, table, (OURS, name))) > 1 for table in tables)
    ]


def _ranked(table: str, figures: dict[str, Figure]) -> dict[str, float]:
    goodness = {name: _goodness(table, figure) for name, figure in figures.items()}
    return {
        name: 1 + sum(o > own for o in goodness.values()) + (sum(o == own for o in goodness.values()) - 1) / 2
        for name, own in goodness.items()
    }


def _goodness(table: str, figure: Figure) -> float:
    return figure.score if TABLES[table].classes else -figure.score


def differences(store: Store, table: str, name: str, ours: str = OURS) -> list[float]:
    """Return by how much ours is better, split by split: in points of accuracy, or in percent of the other's error."""
    pairs = [(figures[ours].score, figures[name].score) for figures in together(store, table, (ours, name))]
    if TABLES[table].classes:
        return [100 * (own - other) for own, other in pairs]
    return [100 * (1 - own / other) for own, other in pairs]


def text(store: Store) -> str:
    """Write all that is known."""
    names = models(store)
    parts = [_scores(store, names), _costs(store, names)]
    if OURS in names:
        parts += [_ranks(store), _differences(store, names)]
        worse = worse_than(store, "linear")
        parts.append(
            f"Worse than the linear model by more than two standard errors: {', '.join(worse) or 'none'}."
        )
    return "\n\n".join(parts)


def _scores(store: Store, names: list[str]) -> str:
    lines = [
        f"| table | rows | figure | {' | '.join(names)} |",
        f"| --- | ---: | --- {'| ---: ' * len(names)}|",
    ]
    for table, what in TABLES.items():
        by_model = {
            name: [f for key, f in store.figures.items() if (key.table, key.model) == (table, name)]
            for name in names
        }
        rows = [figure.rows for figures in by_model.values() for figure in figures]
        if rows:
            cells = [_cell([figure.score for figure in by_model[name]]) for name in names]
            figure = "accuracy" if what.classes else "RMSE"
            lines.append(f"| {table} | {max(rows):,} | {figure} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(scores: list[float]) -> str:
    if not scores:
        return ""
    middle = f"{mean(scores):,.0f}" if mean(scores) >= 1000 else f"{mean(scores):.3g}"
    return f"{middle} ± {stdev(scores):.2g}" if len(scores) > 1 else middle


def _costs(store: Store, names: list[str]) -> str:
    lines = [
        "| model | figures | median processor s | largest | processor time in terms of `init`'s | median MiB |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in names:
        figures = [figure for key, figure in store.figures.items() if key.model == name]
        both = [pair for table in TABLES for pair in together(store, table, (OURS, name))]
        ratio = f"{geometric_mean(pair[name].cpu / pair[OURS].cpu for pair in both):.2g}" if both else ""
        cpu = [figure.cpu for figure in figures]
        lines.append(
            f"| {name} | {len(figures)} | {median(cpu):.2g} | {max(cpu):.3g} | {ratio} "
            f"| {median(figure.mib for figure in figures):.0f} |"
        )
    return "\n".join(lines)


def _ranks(store: Store) -> str:
    """Write mean ranks: of those that count, also on tables that were not looked at, and of all on every table."""
    lines = [
        "| among | tables | model | mean rank | worse than `init` by |",
        "| --- | ---: | --- | ---: | ---: |",
    ]
    common = everywhere(store)
    others = [table for table in TABLES if table not in LOOKED_AT]
    for what, group, tables in (
        ("three", GROUP, list(TABLES)),
        ("three, not looked at", GROUP, others),
        (f"{len(common)} models", common, list(TABLES)),
    ):
        of_tables = [found for table, found in ranks(store, group).items() if table in tables]
        for name in group if of_tables else ():
            worse = _with_error([found[name] - found[OURS] for found in of_tables])
            own = mean(found[name] for found in of_tables)
            lines.append(
                f"| {what} | {len(of_tables)} | {name} | {own:.2f} | {worse if name != OURS else ''} |"
            )
    return "\n".join(lines)


def _with_error(values: list[float]) -> str:
    error = f" ± {stdev(values) / sqrt(len(values)):.2f}" if len(values) > 1 else ""
    return f"{mean(values):+.2f}{error}"


def _differences(store: Store, names: list[str]) -> str:
    others = [name for name in names if name != OURS]
    lines = [f"| `init` against | {' | '.join(others)} |", f"| --- {'| ---: ' * len(others)}|"]
    for table in TABLES:
        found = [differences(store, table, name) for name in others]
        if any(found):
            cells = [_difference(each) for each in found]
            lines.append(f"| {table} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _difference(found: list[float]) -> str:
    if not found:
        return ""
    return f"{mean(found):+.1f}" + (f" ± {stdev(found):.1f}" if len(found) > 1 else "")


def worse_than(store: Store, name: str) -> list[str]:
    """Return the tables on which `init` is worse than a model by more than two standard errors over the splits."""
    found = []
    for table in TABLES:
        each = differences(store, table, name)
        if len(each) > 1 and mean(each) < -2 * stdev(each) / sqrt(len(each)):
            found.append(table)
    return found


COLOURS = ("#332288", "#88ccee", "#44aa99", "#117733", "#999933", "#ddcc77", "#cc6677", "#882255", "#aa4499")


def chart(store: Store, path: Path) -> None:
    """Draw how each model differs from `init` on each table, and its mean rank next to its processor time."""
    import matplotlib as mpl
    from matplotlib.figure import Figure as Drawing

    names = models(store)
    tables = [t for t in reversed(TABLES) if any(key[::2] == (t, OURS) for key in store.figures)]
    colours = dict(zip(names, ["black", *COLOURS], strict=False))
    with mpl.rc_context({"font.size": 9}):
        drawing = Drawing(figsize=(11, 1.6 + 0.24 * len(tables)), layout="constrained")
        left, right = drawing.subplots(1, 2, width_ratios=(3, 2))
        left.axvline(0, color="#555555", linewidth=1)
        for name in names:
            if name == OURS:
                continue
            found = {place: differences(store, table, name) for place, table in enumerate(tables)}
            points = [(max(-30.0, min(30.0, -mean(each))), place) for place, each in found.items() if each]
            left.scatter(*zip(*points, strict=True), s=22, color=colours[name], label=name, alpha=0.85)
        left.set_yticks(range(len(tables)), tables)
        left.set_xlim(-32, 32)
        left.set_xlabel("better than `init` by points of accuracy, or percent of its error (cut off at 30)")
        left.grid(axis="y", color="#dddddd", linewidth=0.6)
        left.set_axisbelow(True)
        drawing.legend(fontsize=8, loc="outside upper left", ncols=len(names), frameon=False)
        group = everywhere(store)
        of_tables = ranks(store, group)
        for place, name in enumerate(group):
            cpu = median(figure.cpu for key, figure in store.figures.items() if key.model == name)
            rank = mean(found[name] for found in of_tables.values())
            right.scatter(cpu, rank, s=40, color=colours[name])
            right.annotate(
                name, (cpu, rank), textcoords="offset points", xytext=(5, (5, -11)[place % 2]), fontsize=8
            )
        right.set_xscale("log")
        right.margins(0.25, 0.1)
        right.invert_yaxis()
        right.set_xlabel("median of processor seconds")
        right.set_ylabel(f"mean rank on {len(of_tables)} tables")
        for axes in (left, right):
            axes.spines[["top", "right"]].set_visible(False)
        drawing.savefig(path, metadata={"Software": None}, dpi=150)
