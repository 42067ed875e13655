"""What changes a batch's rows at random, by the augmentations' own source."""

from __future__ import annotations

from specnet.compiler.augmenting import augmentation_names
from specnet.compiler.network import Network
from specnet.data.augmentation import Sizes, Work
from specnet.runs.exports.layout import indented
from specnet.runs.exports.program import Program
from specnet.runs.exports.sources import Sources
from specnet.runtime.random import words


def write_augment(network: Network, program: Program) -> list[str]:
    """Write `augment(inputs, targets)`; return the lines that make its generators."""
    spec, sources = network.spec, Sources(program)
    sizes, work = sources.copy(Sizes), sources.copy(Work)
    generators, each = [], []
    for name, augmentation in zip(augmentation_names(spec), spec.data.augmentations, strict=True):
        draw = program.names.new(f"random_{name}")
        seed = [spec.seed, *words(f"augment/{name}")]
        generators.append(f"{draw} = np.random.default_rng({seed})  # stream {f'augment/{name}'!r}")
        each.append(f"({sources.copy(augmentation.scratch)}, {sources.copy(augmentation.bind)}, {draw}),")
    spread = [f"targets = np.eye({size}, dtype=np.{spec.dtype})[targets]" for size in network.fed_shape]
    lines = [
        '"""Return a batch of rows, changed at random."""',
        'inputs = np.array(inputs, order="C")',
        *(spread if network.spreads else ['targets = np.array(targets, order="C")']),
        f"sizes = {sizes}(len(inputs), inputs.shape[1:], targets.shape[1:], inputs.dtype.name)",
        "for scratch, bind, draw in (",
        *indented(each),
        "):",
        "    room = {name: np.empty(shape, dtype) for name, (shape, dtype) in scratch(sizes).items()}",
        f"    bind({work}(inputs, targets, draw, room))()",
        "return inputs, targets",
    ]
    program.functions.append(["def augment(inputs, targets):", *indented(lines)])
    return generators
