"""What a training program prints and draws: figures while it trains, those of every split at its end, and a curve."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from specnet.interchange.numpy.figures import write_measure
from specnet.interchange.numpy.forward import target_names
from specnet.interchange.numpy.layout import indented
from specnet.interchange.numpy.program import Program
from specnet.model.compiled import CompiledModel
from specnet.model.network import Network
from specnet.model.settings import validation_interval
from specnet.vocabulary.schedules import RunLength

TRAIN = "train.loss"

REPORTED = "reported"
"""The variable of the steps at which figures were reported."""

LINES = 10
"""About how many lines a program prints while it trains."""


@dataclass
class TrainingReport:
    """The figures of one training program, which a function measures that is written when it is first needed."""

    model: CompiledModel
    program: Program
    variables: Mapping[str, str]
    splits: Collection[str]
    """The splits that the program has rows of."""
    length: RunLength
    fetched: bool
    """Whether the training rows have names of their own, beside the batch's."""

    @cached_property
    def watched(self) -> list[str]:
        """What is measured at the end of an epoch, such as `validation.loss`, which is shown where there is one."""
        figures = [figure for figure in watched_figures(self.model.network) if figure != TRAIN]
        if "validation" not in self.splits:
            return []
        shown = self._measure[1] if self.tracks else ["loss"]
        return list(dict.fromkeys([*(f"validation.{name}" for name in shown), *figures]))

    @property
    def tracks(self) -> bool:
        """Whether the training split is measured after an epoch, too."""
        return self.model.network.spec.training.track_training

    @cached_property
    def _measure(self) -> tuple[str, list[str]]:
        needed = {figure.partition(".")[2] for figure in watched_figures(self.model.network)}
        return write_measure(self.model, self.program, self.variables, needed)

    def _arrays(self, split: str) -> str:
        prefix = f"{split}_" if split != "train" or self.fetched else ""
        return ", ".join(prefix + array for array in ("inputs", *target_names(self.model.network).values()))

    def measured(self) -> list[str]:
        """Return the lines that measure what an epoch is watched by, or shown with."""
        tracked = {f"train_{name}": name for name in self._measure[1]} if self.tracks else {}
        watched = {variable(figure): figure.partition(".")[2] for figure in self.watched}
        lines = []
        for split, figures in (("train", tracked), ("validation", watched)):
            if figures:
                lines.append(f"figures = {self._measure[0]}({self._arrays(split)})")
                lines += [f'{name} = figures["{figure}"]' for name, figure in figures.items()]
        return lines

    def before(self) -> list[str]:
        """Return the lines before the loop: where the curve of the loss is collected."""
        return ["losses = []"] if self._unit == "epoch" else [f"{REPORTED}, losses = [], []"]

    def noted(self) -> list[str]:
        """Return the lines that add a point to the curve of the loss."""
        noted = ["losses.append(epoch_loss)"]
        return noted if self._unit == "epoch" else [f"{REPORTED}.append(step)", *noted]

    def shown(self) -> list[str]:
        """Return the lines that print an epoch's figures now and then."""
        parts = ["loss {epoch_loss:.6f}"]
        if self.tracks:
            parts += [f"train {name} {{train_{name}:.6f}}" for name in self._measure[1]]
        parts += [f"{figure.replace('.', ' ')} {{{variable(figure)}:.6f}}" for figure in self.watched]
        unit = self._unit
        width = len(str(self._total))
        first = 1 if unit == "epoch" else min(self._validated_every, self._total)
        return [
            f"if {unit} == {first} or {unit} % show_every == 0:",
            f'    print(f"{unit} {{{unit}:{width}}}: {", ".join(parts)}")',
        ]

    def end(self) -> list[str]:
        """Return the lines after the training: the figures of each split, and the curve of the loss."""
        rows = [f'("{split}", ({self._arrays(split)})),' for split in self.splits]
        return [
            "",
            f'print(f"after {{{self._unit}}} {self._unit}s:")',
            "for split, arrays in (",
            *indented(rows),
            "):",
            f"    figures = {self._measure[0]}(*arrays)",
            '    print(f"{split:10}", *(f"  {name} {figure:.4f}" for name, figure in figures.items()))',
            "",
            *self._curve(),
        ]

    def _curve(self) -> list[str]:
        return [
            "try:  # the curve of the loss",
            "    import matplotlib.pyplot as plt",
            "except ImportError:",
            '    print("matplotlib is not installed: no curve of the loss is drawn")',
            "else:",
            *indented(
                [
                    f"plt.plot({'range(1, len(losses) + 1)' if self._unit == 'epoch' else REPORTED}, losses)",
                    f'plt.xlabel("{self._unit}")',
                    'plt.ylabel("training loss")',
                    "plt.savefig(curve) if curve else plt.show()",
                ]
            ),
        ]

    @property
    def _every(self) -> int:
        """The epochs or steps from one printed line to the next: a multiple of those between two measurements."""
        step = self._validated_every if self.watched or self.tracks or self._unit == "step" else 1
        return max(-(-self._total // (LINES * step)), 1) * step

    @property
    def _unit(self) -> str:
        return self.model.network.spec.training.unit

    @property
    def _total(self) -> int:
        return self.length.epochs if self._unit == "epoch" else self.length.steps

    @property
    def _validated_every(self) -> int:
        return validation_interval(self.model.network.spec.training, self.length)

    def constants(self) -> list[str]:
        """Return the lines at the top of the program that its reader may change."""
        name = _file(self.model.network.spec.name)
        return [
            f"show_every = {self._every}  # {self._unit}s from one printed line to the next",
            f'curve = "{name}-loss.png"  # where the curve of the loss is saved; "" opens a window',
        ]


def watched_figures(network: Network) -> list[str]:
    """Return what a training watches, such as `validation.loss`."""
    settings = network.spec.training
    stopping = settings.early_stopping.monitor if settings.early_stopping is not None else None
    return list(dict.fromkeys(m for m in (settings.schedule.watched, stopping) if m is not None))


def variable(monitor: str) -> str:
    """Return the variable that holds what is watched."""
    return "epoch_loss" if monitor == TRAIN else monitor.replace(".", "_")


def _file(name: str) -> str:
    """Return a name as part of the name of a file."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name)
