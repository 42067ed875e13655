from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from specnet.reporting.outcome import outcome
from specnet.reporting.wording import LOSSES, METRICS, figure_name
from specnet.runs.kept import KeptRun
from specnet.vocabulary.losses import LOSSES as LOSS_KINDS
from specnet.vocabulary.metrics import METRICS as METRIC_KINDS

REGRESSION = {"loss": {"type": "mse"}, "data": {"transforms": [{"type": "standardize", "on": "targets"}]}}


def test_every_loss_and_metric_has_a_name() -> None:
    assert set(LOSSES) == {kind.model_fields["type"].default for kind in LOSS_KINDS}
    assert set(METRICS) == {kind.model_fields["type"].default for kind in METRIC_KINDS}


@pytest.mark.parametrize(
    ("label", "spec", "title", "axis"),
    [
        ("loss", {"loss": {"type": "cross_entropy"}}, "Cross-entropy", "cross-entropy (nats)"),
        ("loss", {"loss": {"type": "mse"}}, "MSE", "MSE (squared units of the target)"),
        ("loss", REGRESSION, "MSE", "MSE\n(squared units of the transformed target)"),
        ("loss", {"loss": {"type": "mse", "reduction": "sum"}}, "Sum of MSE", "sum of MSE"),
        ("loss", {"loss": {"type": "mse", "scale": 0.5}}, "0.5 times MSE", "0.5 times MSE"),
        ("rmse", REGRESSION, "RMSE", "RMSE (units of the target)"),
        ("mae", {}, "MAE", "MAE (units of the target)"),
        ("r2", {}, "R²", "R²"),
        ("auc", {}, "AUC", "AUC"),
        ("f1_macro", {}, "F1 (macro)", "F1 (macro)"),
        ("top_5", {}, "Top-5 accuracy", "top-5 accuracy (fraction correct)"),
        ("learning_rate", {}, "Learning rate", "learning rate"),
        (
            "digit.accuracy",
            {"outputs": {"digit": {"loss": {"type": "cross_entropy"}}}},
            "Accuracy of digit",
            "accuracy of digit\n(fraction correct)",
        ),
        ("loss", {"outputs": {"digit": {}}}, "Weighted sum of the losses", "weighted sum of the losses"),
    ],
)
def test_figures_are_called_in_plain_words(label: str, spec: dict[str, Any], title: str, axis: str) -> None:
    name = figure_name(label, spec)
    assert (name.title, name.axis) == (title, axis)


@pytest.mark.parametrize(
    ("status", "result", "sentence"),
    [
        ("completed", {"epochs": 40, "why": "all 40 epochs are done"}, "Training completed all 40 epochs."),
        (
            "completed",
            {"epochs": 40, "why": "all 40 epochs are done; early stopping had nothing to go by"},
            "Training completed all 40 epochs; early stopping had nothing to go by.",
        ),
        ("completed", {"epochs": 1}, "Training completed its only epoch."),
        (
            "early_stopping",
            {"why": "validation.loss had not improved on 0.043 (epoch 75) for 30 validations"},
            "Training stopped early: validation.loss had not improved on 0.043 (epoch 75) for 30 validations.",
        ),
        ("diverged", {"why": "the loss became NaN"}, "Training diverged: the loss became NaN."),
        (
            "interrupted",
            {"why": "interrupted in epoch 1 after 251 steps", "steps": 251},
            "Training was interrupted in epoch 1 after 251 steps.",
        ),
        ("interrupted", {"why": "it was interrupted", "steps": 1}, "Training was interrupted after 1 step."),
        ("unfinished", None, "Training did not end: it can be resumed."),
        ("running", None, "Training has not ended."),
    ],
)
def test_an_ending_is_one_sentence(status: Any, result: dict[str, Any] | None, sentence: str) -> None:
    assert outcome(KeptRun(Path("r"), status, {"spec": {}}, result)) == sentence
