from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from specnet.cli.check_options import CheckOptions, read_document
from specnet.cli.findings import nothing_read, write_findings
from specnet.cli.formats import outputs
from specnet.cli.guard import FAULTY, MISUSED
from specnet.cli.options import NoEnvironment, Overrides, argument, choice, option

if TYPE_CHECKING:
    from specnet.cli.fixing import FixTotals
    from specnet.diagnostics import Diagnostic, Report


class Lowest(StrEnum):
    """The severity of a finding."""

    ERROR = "error"
    WARNING = "warning"


def validate(
    files: Annotated[
        list[str],
        argument(
            "SPEC",
            help="TOML or JSON files, folders, quoted patterns such as 'specs/**/*.toml', or - for standard "
            "input. Of a folder, each file that has the root key `specnet` is checked.",
        ),
    ],
    overrides: Overrides = None,
    output: Annotated[
        list[str] | None,
        option(
            "--output",
            metavar="FORMAT[=FILE]",
            help="full, concise, json, jsonl, github, gitlab, junit or sarif; may be given repeatedly.",
            default="full",
        ),
    ] = None,
    fail_on: Annotated[
        Lowest, choice("--fail-on", kinds=Lowest, help="The lowest severity that makes the exit code 1.")
    ] = Lowest.ERROR,
    strict: Annotated[bool, typer.Option("--strict", help="Treat warnings as errors.")] = False,
    ignore: Annotated[
        list[str] | None,
        option("--ignore", metavar="CODE", help="Ignore a warning, such as SN701; may be given repeatedly."),
    ] = None,
    no_data: Annotated[
        bool,
        typer.Option(
            "--no-data", help="Read no data: check layers only where `input_shape` pins their input."
        ),
    ] = False,
    statistics: Annotated[
        bool, typer.Option("--statistics", help="Show only the number of findings of each code.")
    ] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Apply safe fixes in place; report the rest.")] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what --fix would change, without changing it.")
    ] = False,
    stdin_filename: Annotated[
        str | None,
        option(
            metavar="FILE",
            help="The file name that standard input stands for; its data paths start from there.",
        ),
    ] = None,
    specs_only: Annotated[
        bool, typer.Option("--specs-only", help="Skip files without the root key `specnet`.")
    ] = False,
    confine: Annotated[
        str | None,
        option(
            "--confine",
            metavar="DIR",
            help="Read nothing outside this folder, whatever paths and links lead to; import no plugins.",
        ),
    ] = None,
    plugins: Annotated[
        bool,
        typer.Option(
            "--plugins", help="With --confine: import the plugins that documents name all the same."
        ),
    ] = False,
    no_env: NoEnvironment = False,
    resolved: Annotated[
        bool,
        typer.Option(
            "--resolved",
            help="Print the document with what it extends, overrides and references resolved; findings go to "
            "standard error.",
        ),
    ] = False,
) -> int:
    """Check specs and their data.

    Nothing is trained. Exits with 0 if nothing is found, with 1 for findings, and with 2 if a file cannot be
    read or there is no document.
    """
    from specnet.data.confine import Confine
    from specnet.language.warnings import unknown_warning

    try:
        written = outputs(output or ())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--output") from None
    if fix and not diff and "-" in files:
        raise typer.BadParameter(
            "standard input cannot be written; --diff shows the fixes", param_hint="--fix"
        )
    try:
        within = None if confine is None else Confine.to(confine)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--confine") from None
    options = CheckOptions(
        overrides or (),
        written,
        "warning" if strict else fail_on.value,
        data=not no_data,
        statistics=statistics,
        fix=fix,
        diff=diff,
        stdin_filename=stdin_filename,
        specs_only=specs_only,
        ignore=ignore or (),
        confine=within,
        plugins=plugins,
        environment=not no_env,
    )
    for code in options.ignore:
        unknown = unknown_warning(code)
        if unknown is not None:
            raise typer.BadParameter("; ".join(filter(None, unknown)), param_hint="--ignore")
    if resolved:
        from specnet.cli.resolved import print_resolved

        return print_resolved(files, options)
    return check(files, options)


def check(arguments: Sequence[str], options: CheckOptions) -> int:
    """Check documents, write the findings, and return the exit code."""
    from specnet.cli.documents import find
    from specnet.cli.fixing import FixTotals
    from specnet.diagnostics import SpecFileError

    found = find(arguments, specs_only=options.specs_only, confine=options.confine)
    reports: dict[str, Report] = {}
    unread = [*found.problems]
    fixed = FixTotals()
    for file in found.files:
        try:
            reports[file] = _checked(file, options, fixed)
        except SpecFileError as error:
            unread.append(str(error))
    if options.fix or options.diff:
        _fix_extended(reports, options, fixed)
    report = replace(_joined(list(reports.values())), unread=tuple(unread))
    write_findings(report, options)
    if (options.fix or options.diff) and not nothing_read(report):
        fixed.say(report, done=not options.diff)
    if unread:
        from specnet.cli.terminal import failed

        for message in unread:
            failed(message)
        return MISUSED
    return FAULTY if report.failing(options.fail_on) else 0


def _fix_extended(reports: dict[str, Report], options: CheckOptions, fixed: FixTotals) -> None:
    """Fix what the documents extend where it is given, too, and show the diff of everything else."""
    from specnet.cli.documents import STDIN
    from specnet.cli.fixing import diff, fixes_elsewhere, save
    from specnet.cli.terminal import write_data

    given = {os.path.realpath(file) for file in reports if file != STDIN}
    for file, report in list(reports.items()):
        if not fixes_elsewhere(report):
            continue
        if not options.diff:  # what it extends may have been fixed since
            reports[file] = options.check(read_document(file, options))
        for before, after, count in fixes_elsewhere(reports[file]):
            real = os.path.realpath(before.file)
            if real in fixed.seen:
                continue
            fixed.seen.add(real)
            if options.diff or real not in given:
                write_data(diff(before, after))
            else:
                save(before, after)
                fixed.faults += count
                fixed.files += 1
                reports[file] = options.check(read_document(file, options))


def _checked(file: str, options: CheckOptions, fixed: FixTotals) -> Report:
    """Return what is wrong with a document; with `--fix`, what is still wrong with it."""
    from specnet.diagnostics import Report, SpecError

    try:
        source = read_document(file, options)
    except SpecError as error:
        name = next((d.file for d in error.diagnostics if d.file), file)
        found = tuple(replace(diagnostic, document=name) for diagnostic in error.diagnostics)
        return Report(1, found, error.sources, (name,))
    report = options.check(source)
    if not (options.fix or options.diff) or all(d.fix is None for d in report.diagnostics):
        return report
    from specnet.cli.fixing import apply_fixes, diff, save
    from specnet.cli.terminal import write_data

    result = apply_fixes(source, report, options.check)
    if not result.count:
        return report
    if options.diff:
        write_data(diff(source, result.source))
        fixed.seen.add(os.path.realpath(source.file))
    else:
        save(source, result.source)
        report = result.report
    fixed.faults += result.count
    fixed.files += 1
    return report


def _joined(reports: Sequence[Report]) -> Report:
    from specnet.diagnostics import Report
    from specnet.diagnostics.places import in_flag, is_elsewhere

    found: list[Diagnostic] = []
    sources: dict[str, str] = {}
    documents: list[str] = []
    unchecked: list[str] = []
    extended: set[object] = set()
    for report in reports:
        for finding in report.diagnostics:
            # What several documents extend has its findings in the report of each.
            if is_elsewhere(finding) and not in_flag(finding):
                identity = (finding.file, finding.code, finding.span, finding.message)
                if identity in extended:
                    continue
                extended.add(identity)
            found.append(finding)
        sources |= report.sources
        documents += report.documents
        unchecked += report.unchecked
    return Report(
        sum(report.files for report in reports),
        tuple(found),
        sources,
        tuple(documents),
        unchecked=tuple(unchecked),
    )
