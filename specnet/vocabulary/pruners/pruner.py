from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from specnet.vocabulary.kind import Kind

Count = Annotated[int, Field(ge=0)]


class Pruner(Kind):
    """End a trial early whose objective falls behind during its training."""

    optuna: ClassVar[str]
    """The name of its class in `optuna.pruners`."""

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of Optuna's class."""
        return {name: value for name, value in vars(self).items() if name != "type" and value is not None}
