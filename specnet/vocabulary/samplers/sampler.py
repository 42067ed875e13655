from __future__ import annotations

from typing import Any, ClassVar

from specnet.vocabulary.kind import Kind


class Sampler(Kind):
    """Choose the values of a trial, given those of earlier trials and what they came to."""

    optuna: ClassVar[str]
    """The name of its class in `optuna.samplers`."""
    module: ClassVar[str | None] = None
    """The package that Optuna needs for it, which the extra `sweep` has."""
    large_module: ClassVar[str | None] = None
    """A package that Optuna needs for it, and that is too large for an extra."""
    objectives: ClassVar[int | None] = None
    """How many objectives it can search for; None if any number."""
    follows: ClassVar[bool] = True
    """Whether its values depend on the results of earlier trials."""

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of Optuna's class, except for the seed."""
        return {name: value for name, value in vars(self).items() if name != "type" and value is not None}
