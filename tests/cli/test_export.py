from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from specnet.installation import Extra, install_command
from tests.support.command_line import SPECS, Specnet


@pytest.fixture
def run(specnet: Specnet, tmp_path: Path) -> Path:
    done = specnet("run", SPECS / "iris.toml", "--set", "training.epochs=2", "--out", "run", "-q")
    assert done.returncode == 0, done.stderr
    return tmp_path / "run"


def test_a_program_is_printed_and_runs(specnet: Specnet, run: Path) -> None:
    done = specnet("export", run, "--to", "numpy")
    assert (done.returncode, done.stderr) == (0, "")
    scope: dict = {}
    exec(done.stdout, scope)
    assert scope["predict"]([[5.1, 3.5, 1.4, 0.2]]).shape == (1, 3)


def test_written_files_are_named_on_standard_output(specnet: Specnet, run: Path, tmp_path: Path) -> None:
    done = specnet("export", run, "--to", "numpy", "--training", "-o", "iris.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["iris.py", "iris.npz"]
    assert {path.name for path in tmp_path.iterdir()} == {"run", "iris.py", "iris.npz"}


def test_a_document_is_exported_with_a_note(specnet: Specnet) -> None:
    done = specnet("export", SPECS / "mlp.toml", "--to", "numpy")
    assert done.returncode == 0
    assert "it has not been trained" in done.stderr
    assert "dense_1_kernel = np.array([\n    [0.417022004702574, 0.7203244934421581]," in done.stdout
    assert specnet("export", SPECS / "mlp.toml", "--to", "numpy", "--training").stderr == ""


def test_one_file_stands_for_the_run(specnet: Specnet, run: Path, tmp_path: Path) -> None:
    assert specnet("export", run, "--to", "specnet", "-o", "iris.specnet").returncode == 0
    (tmp_path / "rows.csv").write_text(
        "sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n6.7,3.1,5.6,2.4\n"
    )
    archive, directory = (specnet("predict", name, "rows.csv") for name in ("iris.specnet", run))
    assert archive.returncode == 0, archive.stderr
    assert archive.stdout == directory.stdout
    done = specnet("export", "iris.specnet", "--to", "numpy", "--training")
    assert done.returncode == 1
    assert "does not record what it was trained on" in done.stderr


@pytest.mark.parametrize("to", ["onnx", "safetensors"])
def test_a_missing_extra_is_named(to: Extra, specnet: Specnet, run: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    code = (
        "import sys\n"
        "class Blocked:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {to!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
    )
    (blocked / "sitecustomize.py").write_text(code)
    root = Path(__file__).parents[2]
    done = specnet("export", run, "--to", to, "-o", "a", PYTHONPATH=f"{blocked}:{root}")
    assert done.returncode == 1
    assert install_command(to) in done.stderr
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--to", "onnx"), "ONNX is a binary format: name the file with -o model.onnx"),
        (("--to", "onnx", "--training", "-o", "a.onnx"), "only a NumPy program can train"),
        (("--to", "numpy", "-o", "a.npz"), "go into an .npz file"),
        ((), "--to"),
        (("--to", "pickle", "-o", "a"), "pickle"),
    ],
)
def test_wrong_usage_exits_with_2(arguments: tuple[str, ...], message: str, specnet: Specnet) -> None:
    done = specnet("export", SPECS / "mlp.toml", *arguments)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())


def test_what_is_not_there_exits_with_2(specnet: Specnet) -> None:
    done = specnet("export", "nothing", "--to", "numpy")
    assert (done.returncode, done.stderr) == (2, "error: nothing: no such file or directory\n")


def test_a_hostile_file_is_reported_without_a_traceback(specnet: Specnet, tmp_path: Path) -> None:
    (tmp_path / "a.specnet").write_bytes(b"PK\x03\x04" + bytes(100))
    done = specnet("export", "a.specnet", "--to", "numpy")
    assert done.returncode == 1
    assert done.stderr.startswith("error: a.specnet is damaged")


def test_numpy_alone_is_imported_by_the_program(specnet: Specnet, run: Path, tmp_path: Path) -> None:
    assert specnet("export", run, "--to", "numpy", "-o", "made.py").returncode == 0
    lines = (tmp_path / "made.py").read_text().split("\n")
    assert [line for line in lines if line.startswith(("import ", "from "))] in (
        ["import numpy as np"],
        ["from pathlib import Path", "import numpy as np"],
    )
    assert np.load(tmp_path / "made.npz")["dense_1_kernel"].shape == (4, 32)
