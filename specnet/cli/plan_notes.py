"""What to know when reading the table of a plan's steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from specnet.analysis.explanation import Explanation
    from specnet.passes.plan import Plan


def plan_notes(explanation: Explanation, program: Plan, bar: str) -> Iterator[str]:
    """Yield a line for each thing that the steps of a plan have and their names do not say.

    `bar` marks the steps that run piece by piece.
    """
    if any(step.block for step in program.steps):
        how = "piece by piece" if explanation.network.engine == "numpy" else "in compiled loops"
        yield f"{bar} runs {how}, so that intermediate values stay in cache"
    if any(step.loop for step in program.steps):
        yield "indented ops run once per step of the loop above them; FLOPs include all steps"
    if folded := _folded(explanation, program):
        yield f"conv2d_input of {', '.join(folded)}: upsampling and convolution as one op"


def _folded(explanation: Explanation, program: Plan) -> list[str]:
    """Return the layers whose convolutions read images that are enlarged before, but not in this plan."""
    types = {layer.name: layer.type for layer in explanation.network.layers}
    places = [
        explanation.place_of(step)
        for step in program.steps
        if step.op == "conv2d_input" and step.phase == "forward"
    ]
    return [place for place in dict.fromkeys(places) if not types.get(place, "").endswith("_transpose")]
