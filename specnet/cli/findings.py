from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from specnet.cli.check_options import CheckOptions
    from specnet.diagnostics import Report

FOR_PEOPLE = ("full", "concise")
"""The formats that end in a sentence, where others are whole files."""


def write_findings(report: Report, options: CheckOptions) -> None:
    """Write the findings in each of the formats that were asked for."""
    from specnet.cli.formats import write

    for output in options.outputs:
        if output.file is not None:
            write(report, output, options.fail_on)
        elif nothing_read(report) and output.style in FOR_PEOPLE:
            continue
        elif options.statistics:
            sys.stdout.write(statistics(report))
        elif not options.diff:
            write(report, output, options.fail_on)
            if output.style == "full":
                _hint(report, options)
    quiet = options.diff or nothing_read(report)
    if all(output.file is not None for output in options.outputs) and not quiet:
        from specnet.cli.terminal import notes, say
        from specnet.diagnostics.formats.full import summary

        say(notes(), summary(report))


def nothing_read(report: Report) -> bool:
    """Return whether no document could be read at all, so that there is nothing to sum up."""
    return not report.files and bool(report.unread)


def _hint(report: Report, options: CheckOptions) -> None:
    fixable = sum(d.fix is not None for d in report.diagnostics)
    if fixable and not options.fix:
        verb = "fixable with --fix; --diff shows how"
        sys.stdout.write(f"{fixable} {verb}.\n")


def statistics(report: Report) -> str:
    """Return how often each code was found, the most frequent first."""
    from collections import Counter

    from specnet.diagnostics.formats.full import summary
    from specnet.diagnostics.rules import RULES

    counts = Counter(d.code for d in report.diagnostics)
    fixable = Counter(d.code for d in report.diagnostics if d.fix is not None)
    width = max((len(str(count)) for count in counts.values()), default=0)
    lines = []
    for code, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        title = RULES[code].title if code in RULES else ""
        can = f" ({fixable[code]} can be fixed)" if fixable[code] else ""
        lines.append(f"{count:{width}}  {code}  {title}{can}".rstrip() + "\n")
    return "".join(lines) + summary(report) + "\n"
