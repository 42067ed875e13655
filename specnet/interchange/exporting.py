"""What an export starts from, and the one function for each format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from specnet.data import Dataset
from specnet.diagnostics import RunError
from specnet.interchange.numpy.averaging import write_mean
from specnet.interchange.numpy.generating import write_generate
from specnet.interchange.numpy.prediction import parameter_names, write_predict
from specnet.interchange.numpy.program import MAXIMUM, Program, Written
from specnet.interchange.numpy.training import write_training
from specnet.interchange.onnx.model import write_onnx
from specnet.interchange.safetensors_file import write_safetensors
from specnet.language import load
from specnet.language.spec import Spec
from specnet.model.averaged import AveragedModel
from specnet.model.building import build
from specnet.model.compiled import CompiledModel
from specnet.runs.averaging import load_together
from specnet.runs.compiling import compile_spec
from specnet.runs.directory import RESOLVED
from specnet.runs.evaluating import located_data
from specnet.runs.starting import initialise
from specnet.storage.archive import write_arrays
from specnet.storage.files import write_bytes, write_whole

DOCUMENTS = (".toml", ".json")


@dataclass(frozen=True, slots=True)
class Exported:
    """What is to be exported: a run, a file of one, or a document that nothing has been learnt from yet."""

    path: Path
    model: CompiledModel | AveragedModel
    """Of several runs, or of one with folds, the mean of their models."""
    untrained: Dataset | None
    """The data of a document, which has not been trained."""

    @classmethod
    def of(cls, path: Path, *others: Path, environment: bool = True) -> Exported:
        """Read what a path names, or several runs; raises RunError, SpecError or SpecFileError.

        Without `environment`, a document may not name environment variables.
        """
        if others or cls.is_run(path):
            return cls(path, load_together([path, *others]), None)
        return cls.of_spec(path, load(path, environment=environment))

    @staticmethod
    def is_run(path: Path) -> bool:
        """Return whether a path names a run or a file of one, and not a document."""
        return path.is_dir() or path.suffix.lower() not in DOCUMENTS

    @classmethod
    def of_spec(cls, path: Path, spec: Spec) -> Exported:
        """Return the model of a document, untrained; raises SpecError."""
        return cls(path, *compile_spec(spec))

    @property
    def trained(self) -> bool:
        """Whether it is a finished run."""
        return self.untrained is None

    @property
    def name(self) -> str:
        """What the experiment is called."""
        return self.model.spec.name

    @property
    def models(self) -> tuple[CompiledModel, ...]:
        """Its model, or all those that it is the mean of."""
        return self.model.compiled if isinstance(self.model, AveragedModel) else (self.model,)

    def one(self) -> CompiledModel:
        """Return its only model; raises RunError where there are several."""
        if isinstance(self.model, AveragedModel):
            raise RunError(
                f"a program of the training is that of one run, and this is the mean of {len(self.models)} models: "
                "export without --training, or name one run, or one of the folds, such as RUN/folds/1"
            )
        return self.model

    def data(self) -> tuple[Dataset, Path]:
        """Return the data that the training learns from, and the folder that their paths start from."""
        network = self.one().network
        if self.untrained is not None:
            return self.untrained, network.spec.folder
        if not (self.path / RESOLVED).exists():
            raise RunError(
                f"{self.path} does not record what it was trained on: export its run's directory, or the document"
            )
        return located_data(self.path, network)


def numpy_program(source: Exported, *, training: bool, beside: str | None) -> Written:
    """Return a program that predicts as the model does, or with `training` makes the whole training.

    `beside` names the `.npz` that may lie beside it; without one, all numbers stand in the program. Raises
    RunError where they are too many, or something has no plain form.
    """
    spec, model = source.model.spec, source.model
    title = "the whole training" if training else "predictions"
    if len(source.models) > 1 and not training:
        title = f"the mean of the predictions of {len(source.models)} models"
    program = Program(f"{spec.name}: {title} in plain NumPy", spec.dtype, beside)
    if training:
        network = source.one().network
        chosen = [out for out in network.outputs.values() if out.is_chosen]
        if chosen:
            key = ".".join(map(str, chosen[0].threshold.path)) if chosen[0].threshold else ""
            raise RunError(f"a program of the training does not choose thresholds: set `{key}` to a number")
        if network.keeps_states:
            raise RunError(
                "a program of the training has no layers that are `stateful`: export without --training"
            )
        if network.varies:
            raise RunError(
                "a program of the training has no batches by length: export without --training, or a document "
                "without `training.batch_by`"
            )
        asked = spec.output
        if asked.calibration is not None or asked.intervals is not None:
            key = "calibration" if asked.calibration is not None else "intervals"
            raise RunError(
                f"a program of the training ends with the network itself, and `{key}` of `[output]` is fitted after "
                f"that: export without --training, which includes it, or a document without `{key}`"
            )
        data, folder = source.data()
        fresh = CompiledModel(build(spec.starting_from(folder), data.signature), data.encoding)
        initialise(fresh, data)
        write_training(fresh, data, folder, program)
    elif isinstance(model, AveragedModel):
        write_mean(model, program)
    else:
        variables = parameter_names(model, program)
        learnt = (
            "Parameters after the training." if source.trained else "Initial parameters: not trained yet."
        )
        program.hold({variables[name]: array for name, array in model.parameters.items()}, learnt)
        write_predict(model, program, variables)
        write_generate(model, program, variables)
    if program.size > MAXIMUM:
        raise RunError(
            f"the program's arrays hold about {program.size} numbers, too many to be read: with -o FILE.py they "
            "go into an .npz file next to it"
        )
    return program.written()


def write_numpy(path: Path, source: Exported, *, training: bool) -> list[Path]:
    """Write a program, and the `.npz` beside it where it has large arrays; return the paths."""
    arrays = path.with_suffix(".npz")
    made = numpy_program(source, training=training, beside=arrays.name)
    content = made.text.encode()
    paths = [path]
    if made.arrays:
        write_whole(arrays, lambda file: write_arrays(file, made.arrays))
        paths.append(arrays)
    write_bytes(path, content)
    return paths


WRITERS: dict[str, Callable[[Path, Exported], None]] = {
    "onnx": lambda path, source: write_onnx(path, source.model),
    "safetensors": lambda path, source: write_safetensors(path, source.models),
    "specnet": lambda path, source: source.model.save(path),
}
"""How a model is written in each format that is one binary file."""
