"""What changes a batch's rows at random, by the augmentations' own source."""

from __future__ import annotations

from specnet.data.augmentation import Sizes, Work
from specnet.engines.random import words
from specnet.interchange.numpy.layout import indented
from specnet.interchange.numpy.program import Program
from specnet.interchange.numpy.sources import Sources
from specnet.model.augmenting import augmentation_names, outside_of_masks
from specnet.model.network import Network


def augmented(network: Network) -> list[str]:
    """Return the line that changes a batch; the targets of several outputs are never changed."""
    arrays = "inputs" if network.several else "inputs, targets"
    return [f"{arrays} = augment({arrays})"]


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
    targets = ['targets = np.array(targets, order="C")']
    if network.several:
        targets = ["targets = inputs[:, :0]"]
    elif network.fed_targets.spread:
        targets = [f"targets = np.eye({network.fed_targets.shape[-1]}, dtype=np.{spec.dtype})[targets]"]
    size, bound = f"{sizes}(len(inputs), inputs.shape[1:], targets.shape[1:], inputs.dtype.name", ""
    if network.fed_targets.masks:
        height, width = network.signature.inputs[:2]
        size += ", targets.dtype.name"
        bound = f", targets.reshape(len(targets), {height}, {width}, -1), {outside_of_masks(spec)!r}"
    lines = [
        '"""Return a batch of rows, changed at random."""',
        'inputs = np.array(inputs, order="C")',
        *targets,
        f"sizes = {size})",
        "for scratch, bind, draw in (",
        *indented(each),
        "):",
        "    scratch = {name: np.empty(shape, dtype) for name, (shape, dtype) in scratch(sizes).items()}",
        f"    bind({work}(inputs, targets, draw, scratch{bound}))()",
        f"return {'inputs' if network.several else 'inputs, targets'}",
    ]
    head = "def augment(inputs):" if network.several else "def augment(inputs, targets):"
    program.functions.append([head, *indented(lines)])
    return generators
