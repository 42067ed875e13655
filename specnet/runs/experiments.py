"""What a document asks to be run: one training, or one for each fold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specnet.runs.running import run_spec

if TYPE_CHECKING:
    from specnet.language.spec import Spec
    from specnet.runs.request import RunRequest
    from specnet.runs.result import Result


def run_experiment(spec: Spec, data: Any, request: RunRequest) -> Result:
    """Run a document; see `specnet.run`."""
    if spec.data.split is None or not spec.data.split.is_whole:
        return run_spec(spec, data, request)
    from specnet.runs.cross_validation import run_folds

    return run_folds(spec, data, request)
