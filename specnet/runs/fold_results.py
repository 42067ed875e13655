"""What the folds of a run have come to together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from specnet.analysis.verdict import Verdict
from specnet.diagnostics.text import counted, joined
from specnet.model.averaged import AveragedModel
from specnet.model.pooled_evaluation import mean_figures
from specnet.runs.directory import RunDirectory
from specnet.runs.out_of_fold import OutOfFold
from specnet.runs.result import Result
from specnet.training.history import History

if TYPE_CHECKING:
    from specnet.language.spec import Spec
    from specnet.model.compiled import CompiledModel


@dataclass(frozen=True, slots=True)
class TrainedFold:
    """One fold that has ended."""

    result: Result
    model: CompiledModel
    held_out: OutOfFold


def summary(
    spec: Spec, directory: RunDirectory | None, ended: Sequence[TrainedFold], count: int, seconds: float
) -> Result:
    """Return the result of a run whose first folds have ended, of so many that it has, after so many seconds."""
    results = [fold.result for fold in ended]
    both = {
        split: mean_figures([result.splits[split] for result in results])
        for split in results[0].splits
        if all(split in result.splits for result in results)
    }
    stopped, why = _ending(results, count)
    whole = stopped != "interrupted"
    return Result(
        name=spec.name,
        run=None if directory is None else directory.path,
        parameter_count=results[0].parameter_count,
        epochs=sum(result.epochs for result in results),
        steps=sum(result.steps for result in results),
        seconds=seconds,
        stopped=stopped,
        why=why,
        splits={split: means for split, (means, _) in both.items()},
        std={split: stds for split, (_, stds) in both.items()},
        fit=_verdict(results),
        best_epoch=None,
        history=History(),
        model=AveragedModel(spec, [fold.model for fold in ended]),
        folds=tuple(results),
        engine=results[0].engine,
        out_of_fold=OutOfFold.joined([fold.held_out for fold in ended]) if whole else None,
    )


def _ending(results: Sequence[Result], count: int) -> tuple[Any, str]:
    """Return how the folds ended, and why in a sentence: the worst ending counts for all."""
    endings = [result.stopped for result in results]
    if "interrupted" in endings or len(results) < count:
        done = sum(ending != "interrupted" for ending in endings)
        return "interrupted", f"interrupted after {done} of {counted(count, 'fold')}"
    for ending in ("diverged", "early_stopping"):
        folds = [str(n) for n, own in enumerate(endings, 1) if own == ending]
        if folds:
            verb = "diverged" if ending == "diverged" else "stopped early"
            which = f"fold{'s' if len(folds) > 1 else ''} {joined(folds)}"
            first = results[int(folds[0]) - 1].why
            return ending, f"{which} {verb}" + (f": {first}" if ending == "diverged" else "")
    return "completed", f"all {counted(count, 'fold')} completed"


def _verdict(results: Sequence[Result]) -> Verdict:
    """Return the verdict of most folds, and how many have which."""
    if len(results) == 1:
        return results[0].fit
    found = Counter(result.fit.verdict for result in results)
    verdict, most = found.most_common(1)[0]
    shares = joined([f"{word} in {count}" for word, count in found.most_common()])
    first = next(result for result in results if result.fit.verdict == verdict)
    number = results.index(first) + 1
    lead = (
        f"in all {counted(most, 'fold')}"
        if len(found) == 1
        else f"{shares} of {counted(len(results), 'fold')}"
    )
    return Verdict(verdict, f"{lead}; in fold {number}, {first.fit.why}")
