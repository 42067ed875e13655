"""The outputs of docs/lesson.md, each made by the command that the page shows."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

LESSON = Path(__file__).with_name("lesson.md")
DOCUMENT = re.compile(r"```toml\n(specnet = 1\n.*?)```", re.DOTALL)
STOPPING = 'training.early_stopping={monitor="validation.loss", patience=20}'
OPTIMIZERS = {
    "descent": '{type="sgd", learning_rate=0.1}',
    "momentum": '{type="sgd", learning_rate=0.1, momentum=0.9}',
    "adam": '{type="adam", learning_rate=0.01}',
}


class Lesson:
    """Makes the blocks; `command` runs specnet in the folder, which holds specs/."""

    def __init__(self, command: Callable[..., str], folder: Callable[[], Path]) -> None:
        self._command, self._folder = command, folder
        self._printed: dict[str, str] = {}
        """What the commands have printed that leave a run, by its directory."""

    @property
    def blocks(self) -> dict[str, Callable[[], str]]:
        """Return what makes each block, by its name."""
        names = [name for name in vars(Lesson) if not name.startswith("_") and name != "blocks"]
        return {f"lesson-{name.replace('_', '-')}": getattr(self, name) for name in names}

    def perceptron(self) -> str:
        """Return the document, from its first key on."""
        text = (self._folder() / "specs" / "perceptron.toml").read_text(encoding="utf-8")
        return text[text.index("specnet = 1") :]

    def trace_perceptron(self) -> str:
        """Return the trace of the fifth row through the perceptron."""
        return self._command("trace", "specs/perceptron.toml", "--row", "5")

    def run_perceptron(self) -> str:
        """Return what its run prints."""
        return self._run("specs/perceptron.toml", "perceptron")

    def trace_mlp(self) -> str:
        """Return the trace of the fifth row through both layers."""
        return self._command("trace", "specs/mlp.toml", "--row", "5")

    def compare_both(self) -> str:
        """Return the results of one unit beside those of two layers; their long tables of weights are left out."""
        self._run("specs/perceptron.toml", "perceptron")
        self._run("specs/mlp.toml", "two-layers")
        compared = self._command("compare", "runs/perceptron", "runs/two-layers")
        return compared[compared.index("\n results") + 1 :]

    def loop_of_mlp(self) -> str:
        """Return the loop of the exported training."""
        return _between(self._program("mlp"), "for epoch in", "    epoch_loss =")

    def program_of_mlp(self) -> str:
        """Return what the exported training prints."""
        self._program("mlp")
        without = "import sys, runpy; sys.modules['matplotlib'] = None; runpy.run_path('mlp.py')"
        done = subprocess.run(
            [sys.executable, "-c", without],
            cwd=self._folder(),
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        return done.stdout.rpartition("matplotlib")[0]

    def overfit(self) -> str:
        """Return what a run prints that trains too long, of the document on the page."""
        *_, document = DOCUMENT.findall(LESSON.read_text(encoding="utf-8"))
        (self._folder() / "crescents.toml").write_text(document, encoding="utf-8")
        return self._run("crescents.toml", "too-long")

    def stopped_early(self) -> str:
        """Return what the same with early stopping prints."""
        self.overfit()
        return self._run("crescents.toml", "in-time", STOPPING)

    def optimizers(self) -> str:
        """Return the comparison of three optimizers."""
        for name, optimizer in OPTIMIZERS.items():
            epochs = ("training.epochs=40", "training.early_stopping.patience=40")
            self._run("specs/iris.toml", name, *epochs, f"training.optimizer={optimizer}")
        return self._command("compare", *(f"runs/{name}" for name in OPTIMIZERS))

    def trace_adam(self) -> str:
        """Return the update of one parameter by Adam."""
        return _between(self._command("trace", "specs/iris.toml"), " update:", " dense_1.bias")

    def loop_of_iris(self) -> str:
        """Return the loop of the exported training with Adam."""
        return _between(self._program("iris"), "for epoch in", "        total +=")

    def _run(self, document: str, name: str, *changes: str) -> str:
        if name not in self._printed:
            flags = [text for change in changes for text in ("--set", change)]
            self._printed[name] = self._command("run", document, "--out", f"runs/{name}", *flags)
        return self._printed[name]

    def _program(self, name: str) -> str:
        path = self._folder() / f"{name}.py"
        if not path.exists():
            self._command("export", f"specs/{name}.toml", "--to", "numpy", "--training", "-o", path.name)
        return path.read_text(encoding="utf-8")


def _between(text: str, first: str, last: str) -> str:
    """Return the lines from the one that begins with a text to before the one that begins with another."""
    start = text.index(f"\n{first}") + 1
    return text[start : text.index(f"\n{last}", start)]
