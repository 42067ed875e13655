from __future__ import annotations

from collections.abc import Iterator

from specnet.diagnostics import Diagnostic, KeyPath
from specnet.model.calibrators import calibratable
from specnet.model.network import Network
from specnet.model.uncertainty import interval_kinds, least_rows

CALIBRATION: KeyPath = ("output", "calibration")
INTERVALS: KeyPath = ("output", "intervals")


def check_uncertainty(network: Network) -> Iterator[Diagnostic]:
    """Yield why the calibration or the intervals that a document asks for cannot be fitted."""
    asked = network.spec.output
    rows = network.signature.rows.get("validation")
    for path, verb, value in ((CALIBRATION, "is", asked.calibration), (INTERVALS, "are", asked.intervals)):
        if value is not None and rows is None:
            yield Diagnostic(
                "SN630",
                f"`{path[-1]}` {verb} fitted on the validation split, and there is none",
                path,
                help="give `[data.split]` a `validation` fraction",
            )
    if asked.calibration is not None and not calibratable(network):
        yield Diagnostic(
            "SN631",
            f"`calibration` would be ignored: {_why_no_probabilities(network)}",
            CALIBRATION,
            part="key",
            help=_instead_of_calibration(network),
        )
    if asked.intervals is None:
        return
    if not interval_kinds(network):
        yield Diagnostic(
            "SN631",
            f"`intervals` would be ignored: {_why_no_intervals(network)}",
            INTERVALS,
            part="key",
            help="leave `intervals` out",
        )
    elif rows is not None and rows < least_rows(asked.intervals):
        yield Diagnostic(
            "SN633",
            f"intervals that cover {asked.intervals:g} of new rows need at least {least_rows(asked.intervals):,} "
            f"validation rows, and there are {rows:,}",
            INTERVALS,
            help=f"a larger validation split, or at most {rows / (rows + 1):.3g}",
        )


def _why_no_probabilities(network: Network) -> str:
    if network.spec.data.reproduces or any(output.of_inputs for output in network.outputs.values()):
        return "the model reproduces its inputs, and predicts no classes"
    spelt = [output.loss.type for output in network.outputs.values() if not output.loss.by_step]
    if spelt:
        return f"{spelt[0]} gives probabilities of steps, and none of the sequence that they spell"
    losses = dict.fromkeys(output.loss.type for output in network.outputs.values())
    return f"{' and '.join(losses)} give{'s' if len(losses) == 1 else ''} no probabilities"


def _instead_of_calibration(network: Network) -> str:
    kinds = interval_kinds(network).values()
    if "numbers" in kinds:
        return "leave `calibration` out; `intervals` says how sure predicted numbers are"
    if "sets" in kinds:
        return "leave `calibration` out, or take a loss with probabilities, such as binary_cross_entropy"
    return "leave `calibration` out"


def _why_no_intervals(network: Network) -> str:
    if network.spec.loss.targets == "groups":
        return f"{network.spec.loss.type} compares rows with each other, and predicts nothing of one"
    if any(output.loss.targets in ("classes", "binary") for output in network.outputs.values()) and not (
        network.spec.data.reproduces
    ):
        return "a row has a class at each of many places, and no set of classes of its own"
    return "the model reproduces its inputs, which are known"
