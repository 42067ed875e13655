from __future__ import annotations

from specnet.data import Signature
from specnet.data.signature import only_array
from specnet.diagnostics import Diagnostic, SpecError
from specnet.graph.sizes import at
from specnet.language.spec import Spec
from specnet.model.layer_lowering import lower_layers
from specnet.model.output_lowering import activated


def signature_without_data(spec: Spec) -> Signature:
    """Return what a document implies about its data: inputs of `input_shape`, and targets that its loss can take.

    There are the rows of one batch. Raises SpecError where the document leaves open what it needs for that.
    """
    size = spec.training.batch_size
    open_ends = {
        "`input_shape`, the shape of one example, is not set": spec.input_shape is None,
        "the sizes of named `inputs` are in the data": spec.inputs is not None,
        "the targets of several `outputs` are in the data": spec.outputs is not None,
        'the size of a batch is in the data: `batch_size` is "full"': size == "full",
    }
    message = next((message for message, applies in open_ends.items() if applies), "")
    if message or spec.input_shape is None or size == "full":
        raise _unknown(message)
    if size is None:  # as many rows of whole sequences as there may be tokens
        size = max(1, (spec.training.batch_tokens or 1) // max(1, *spec.input_shape[:1]))
    last, builder, _ = lower_layers(
        spec, only_array(spec.input_shape, spec.dtype), training=False, unread=True
    )
    if builder.assumed:
        raise _unknown(f"{builder.assumed[0]}, is in the data")
    if last in builder.ensembles:
        last = spec.loss.pooled(activated(last, spec.loss)[0])
    _, prediction = activated(last, spec.loss)
    target, integers = at(prediction.shape[1:], 1), False
    if spec.data.reproduces:
        target = spec.input_shape
    elif spec.loss.targets in ("classes", "groups"):
        # A class index for each row, or for each position of a row where the network predicts one.
        target = target[:-1] if spec.loss.targets == "classes" else ()
        integers = not target
    return Signature(
        spec.input_shape,
        target,
        "class" if integers else "number",
        integers,
        whole=True,
        rows={"train": size},
    )


def _unknown(why: str) -> SpecError:
    message, help = (
        f"without data, the plan is not known: {why}",
        "show it with its data, or set what is missing",
    )
    return SpecError([Diagnostic("SN402", message, (), help=help)])
