"""The training of an optimizer that searches: what it measures as a function, and its method by its own source."""

from __future__ import annotations

from collections.abc import Mapping

from specnet.interchange.numpy.forward import named_values
from specnet.interchange.numpy.layout import indented, listed, without_unused
from specnet.interchange.numpy.passes import passes_of
from specnet.interchange.numpy.program import Program
from specnet.interchange.numpy.sources import Sources
from specnet.model.network import Network
from specnet.model.programs import searching_graph
from specnet.vocabulary.optimizers import Searching


def write_search(
    optimizer: Searching, network: Network, program: Program, variables: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """Write `evaluate()`; return the lines before the loop, and those of one step, which is an epoch.

    The parameters are parts of one vector, which the method moves.
    """
    passes = passes_of(searching_graph(network, named_values), network, program, variables)
    sources, dtype = Sources(program), network.spec.dtype
    own = [variables[p.name] for p in network.trained]
    before = [
        *listed("parameters", own),
        "vector = np.concatenate(parameters, axis=None)  # the parameters, end to end",
    ]
    start = 0
    for variable, parameter in zip(own, network.trained, strict=True):
        shape = ", ".join(map(str, parameter.shape))
        before.append(f"{variable} = vector[{start}:{start + parameter.size}].reshape({shape})")
        start += parameter.size
    shapes = f"{sources.copy(optimizer.slot_shapes)}(vector.size)"
    before += [
        *listed("parameters", own),
        "latest = np.empty_like(vector)  # the gradient, likewise",
        f"slots = {{name: np.zeros(shape, np.{dtype}) for name, shape in {shapes}.items()}}",
        f"method = {sources.copy(optimizer.method)}(vector, slots)",
    ]
    lines = [
        '"""Return the loss of the parameters as they are, and leave its gradient in `latest`."""',
        "rows = len(inputs)",
        "# Forward: from the inputs to the loss.",
        *passes.forward,
        "# Backward: the gradient of the loss.",
        *passes.backward,
        *listed("gradients", passes.gradients),
        "np.concatenate(gradients, axis=None, out=latest)",
        "return float(loss), float(penalty)" if passes.penalised else "return (float(loss),)",
    ]
    program.functions.append(["def evaluate():", *indented(without_unused(lines, ["rows"]))])
    step = ["scalars = method.step(evaluate, latest)", "loss, epoch_loss = scalars[0], sum(scalars)"]
    return before, step
