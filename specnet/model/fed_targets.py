"""The targets that training is fed: those of the data, or what augmentations make of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from specnet.data import Signature
from specnet.data.signature import ONLY, InputArray
from specnet.diagnostics import Diagnostic
from specnet.graph.sizes import BATCH, Shape
from specnet.language.spec import Spec
from specnet.model.augmenting import is_mask, moving_faults
from specnet.model.outputs import NetworkOutput


@dataclass(frozen=True, slots=True)
class FedTargets:
    """The targets that the training of a network with these outputs is fed."""

    spec: Spec
    signature: Signature
    outputs: Mapping[str, NetworkOutput]
    """By their names; the only one has none where the document names none."""

    @property
    def spread(self) -> bool:
        """Whether they are rows of probabilities in the place of class indices, since rows are mixed."""
        only, mixes = self.outputs.get(""), any(each.mixes for each in self.spec.data.augmentations)
        return mixes and only is not None and only.target_dtype == "int64"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one row's target for an only output; () of several."""
        only = self.outputs.get("")
        if only is None:
            return ()
        return only.shape if self.spread else only.target_shape

    @property
    def masks(self) -> bool:
        """Whether they are masks, numbers for each pixel of an input that is an image."""
        if "" not in self.outputs or self.spec.data.reproduces:
            return False
        return is_mask(self.shape, self.signature.inputs)

    @property
    def array(self) -> InputArray | None:
        """How the data's targets are taken where these are masks: a class index at each of several places of a row."""
        own = {(o.target_shape, o.target_dtype) for o in self.outputs.values() if not o.of_inputs}
        if len(own) != 1 or self.spec.data.reproduces:
            return None
        ((shape, dtype),) = own
        return InputArray(ONLY, shape, dtype, ((0, prod(shape)),)) if shape and dtype == "int64" else None

    def spread_fault(self) -> str | None:
        """Say why the loss cannot take rows of probabilities, if it is to, or return None."""
        if not self.spread:
            return None
        rows: Shape = (BATCH, *self.outputs[""].shape)
        return self.spec.loss.fault(rows, rows, self.spec.dtype, self.signature.class_count)

    def moving_faults(self) -> list[Diagnostic]:
        """Return the findings about augmentations that move images where they cannot move the targets with them."""
        targets = [output.target_shape for output in self.outputs.values() if not output.of_inputs]
        return moving_faults(self.spec, targets, self.signature.inputs)
