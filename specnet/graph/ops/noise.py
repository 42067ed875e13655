"""Ops that draw at random, each from a stream of its own."""

from __future__ import annotations

from specnet.graph.attributes import Attributes
from specnet.graph.graph import Op, Value
from specnet.graph.record import Unexportable
from specnet.graph.rules import Printer
from specnet.graph.sizes import Kind, Shape


class MaskAttributes(Attributes):
    """How often a place is 0, what it is else, the stream it is drawn from, and a shape if not the input's.

    With `of_rows`, a process draws its own rows of what is drawn for the whole batch.
    """

    rate: float
    scale: float
    stream: str
    shape: Shape | None = None
    of_rows: bool = False


class UniformAttributes(Attributes):
    """The stream that it is drawn from, and a shape if not the input's."""

    stream: str
    shape: Shape | None = None


class NoiseAttributes(Attributes):
    """The standard deviation, the stream it is drawn from, and a shape if not the input's."""

    stddev: float
    stream: str
    shape: Shape | None = None


def _infer_drawn(
    inputs: tuple[Value, ...], attributes: MaskAttributes | UniformAttributes | NoiseAttributes
) -> Kind:
    return inputs[0].shape if attributes.shape is None else attributes.shape, inputs[0].dtype


def _drawn(printer: Printer, value: Value, option: str) -> str:
    """Return the call that draws, given its generator, a shape, and one of the settings."""
    generator = printer.generator(value.attributes.named()["stream"])
    shape = "{a}.shape" if value.shape == value.inputs[0].shape else "{shape}"
    return f"{value.op}({generator}, {shape}, {{{option}}})"


_RANDOM = Unexportable("it draws at random, which predictions never do")

dropout_mask: Op[MaskAttributes] = Op(
    "dropout_mask",
    _infer_drawn,
    lambda value: (
        f"{'ranks.draw' if dropout_mask.of(value).of_rows else 'draw_uniform'}({{stream}}, {{s}})\n"
        "greater_equal({s}, {rate}, {s2})\ncopyto({o}, {s2})\nmultiply({o}, {scale}, {o})"
    ),
    lambda *_, **__: (None,),
    attributes=MaskAttributes,
    random=True,
    flops=2,
    scratch=lambda value: [(value.shape, "float32"), (value.shape, "bool")],
    noun="mask",
    printed=lambda printer, value: _drawn(printer, value, "rate"),
    helper=(
        """\
def dropout_mask(generator, shape, rate):
    kept = generator.random(shape, dtype=np.float32) >= rate
    return kept.astype(dtype) * (1 / (1 - rate))""",
    ),
    onnx=_RANDOM,
)
"""0 with probability `rate`, else `scale`, drawn from `stream`; shaped like its input, or `shape`."""

uniform_noise: Op[UniformAttributes] = Op(
    "uniform_noise",
    _infer_drawn,
    "draw_uniform({stream}, {o})",
    lambda *_, **__: (None,),
    attributes=UniformAttributes,
    random=True,
    flops=1,
    noun="drawn",
    printed=lambda printer, value: (
        f"{printer.generator(uniform_noise.of(value).stream)}.random("
        f"{'{a}.shape' if value.shape == value.inputs[0].shape else '{shape}'}, dtype={{dtype}})"
    ),
    onnx=_RANDOM,
)
"""Numbers from the uniform distribution in [0, 1), drawn from `stream`; shaped like its input, or `shape`."""

normal_noise: Op[NoiseAttributes] = Op(
    "normal_noise",
    _infer_drawn,
    "draw_normal({stream}, {o})\nmultiply({o}, {stddev}, {o})",
    lambda *_, **__: (None,),
    attributes=NoiseAttributes,
    random=True,
    flops=2,
    noun="noise",
    printed=lambda printer, value: _drawn(printer, value, "stddev"),
    helper=(
        """\
def normal_noise(generator, shape, stddev):
    return generator.standard_normal(shape, dtype=dtype) * stddev""",
    ),
    onnx=_RANDOM,
)
"""Numbers from a normal distribution of mean 0 and `stddev`, drawn from `stream`; shaped like its input, or `shape`."""
