from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import termios
from pathlib import Path

import numpy as np
import pytest

import specnet as package
from tests.support.command_line import ENDLESS, HANG, SPECS, Specnet, await_, environment, written

CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ROWS = [
    [0, 0, 1, 0],
    [0, 0, 1, 1],
    [0, 1, 0, 0],
    [0, 1, 1, 1],
    [0, 1, 0, 1],
    [1, 0, 1, 0],
    [1, 0, 1, 1],
    [1, 1, 1, 1],
]
KERNEL = [3.869380646010267, -0.6126333955416581, -2.361823176565882, 1.2548194152401817]
"""Where the perceptron of the tutorial ends."""


def strict(text: str) -> dict[str, object]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not valid JSON")

    data = json.loads(text, parse_constant=refuse)
    assert isinstance(data, dict)
    return data


def test_a_run_shows_what_it_came_to(specnet: Specnet, tmp_path: Path) -> None:
    done = specnet("run", SPECS / "perceptron.toml")
    assert done.returncode == 0
    for value in KERNEL:
        assert f"{value:.8f}" in done.stdout
    outputs = 1 / (1 + np.exp(-np.array(ROWS) @ KERNEL))
    table = done.stdout[done.stdout.index("predictions") :].splitlines()[3:11]
    for line, row, output, target in zip(table, ROWS, outputs, [0] * 4 + [1] * 4, strict=True):
        cells = line.split()
        assert cells[:5] == [str(n) for n in (*row, target)]
        assert float(cells[5]) == pytest.approx(output, abs=5e-6)
        assert cells[6:] == [str(target)]
    assert "0.04773" in done.stdout
    assert "fit: unknown  no validation split" in done.stdout
    assert "saved in runs/perceptron/001" in done.stdout
    assert (tmp_path / "runs" / "perceptron" / "001" / "model.npz").exists()
    first, *later = done.stderr.splitlines()
    assert first == "perceptron: 4 parameters; rows: 8 train; 3,000 epochs of 1 step; 864 B"
    assert all(line.startswith("epoch ") for line in later), "a slow machine reports its progress"


def test_in_a_pipe_there_are_80_columns_and_no_codes(specnet: Specnet) -> None:
    done = specnet("run", SPECS / "iris.toml", "--no-save")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert not any(line.endswith(" ") for line in done.stdout.splitlines())
    assert "setosa" in done.stdout
    assert "its parameters are kept" in done.stdout


def test_forced_colours_are_colours_and_nothing_else(specnet: Specnet) -> None:
    plain = specnet("run", SPECS / "xor.json", "--no-save")
    coloured = specnet("run", SPECS / "xor.json", "--no-save", FORCE_COLOR="1")
    assert "\x1b[" in coloured.stdout

    def without_time(text: str) -> str:
        return re.sub(r"in [\d.]+ s", "", CODES.sub("", text))

    assert without_time(coloured.stdout) == without_time(plain.stdout)
    assert "\x1b[?25l" not in coloured.stderr


def test_no_color_takes_colours_away(specnet: Specnet) -> None:
    done = specnet("run", SPECS / "xor.json", "--no-save", FORCE_COLOR="1", NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", done.stdout)


def test_a_narrow_terminal_is_kept_to(specnet: Specnet) -> None:
    done = specnet("run", SPECS / "iris.toml", "--no-save", COLUMNS="50")
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 50


def test_an_encoding_without_braille_gets_ascii(specnet: Specnet) -> None:
    done = specnet("run", SPECS / "xor.json", "--no-save", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "?" not in done.stdout
    assert "***" in done.stdout


def test_json_is_all_that_standard_output_holds(specnet: Specnet, tmp_path: Path) -> None:
    done = specnet("run", SPECS / "iris.toml", "--output", "json")
    assert done.returncode == 0
    data = strict(done.stdout)
    assert list(data)[:10] == [
        "specnet",
        "name",
        "run",
        "parameters",
        "epochs",
        "steps",
        "seconds",
        "stopped",
        "splits",
        "fit",
    ]
    assert data["specnet"] == package.__version__
    assert (data["name"], data["run"], data["parameters"]) == ("iris", "runs/iris/001", 259)
    assert data["stopped"] == "early_stopping"
    assert set(data["splits"]) == {"train", "validation", "test"}  # type: ignore[call-overload]
    assert set(data["fit"]) == {"verdict", "why"}  # type: ignore[call-overload]
    assert data == strict((tmp_path / "runs" / "iris" / "001" / "result.json").read_text())
    result = package.run(package.load(SPECS / "iris.toml"))
    assert data["splits"] == result.as_dict()["splits"]


def test_set_and_seed_change_the_document(specnet: Specnet, tmp_path: Path) -> None:
    done = specnet(
        "run", SPECS / "iris.toml", "--set", "training.epochs=2", "--set", 'name="short"', "--seed", "5", "-q"
    )
    assert done.returncode == 0
    assert done.stderr == ""
    resolved = json.loads((tmp_path / "runs" / "short" / "001" / "resolved.json").read_text())
    assert resolved["spec"]["seed"] == 5
    assert resolved["spec"]["training"]["epochs"] == 2
    assert len((tmp_path / "runs" / "short" / "001" / "metrics.jsonl").read_text().splitlines()) == 2


def test_a_faulty_flag_is_pointed_at(specnet: Specnet) -> None:
    done = specnet("run", SPECS / "iris.toml", "--set", "training.epochs=none")
    assert (done.returncode, done.stdout) == (1, "")
    assert "--set training.epochs=none" in done.stderr


def test_out_and_no_save(specnet: Specnet, tmp_path: Path) -> None:
    assert specnet("run", SPECS / "xor.json", "--no-save").returncode == 0
    assert list(tmp_path.iterdir()) == []
    done = specnet("run", SPECS / "xor.json", "--out", "here")
    assert "saved in here" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["here"]
    done = specnet("run", SPECS / "xor.json", "--out", "here", "--no-save")
    assert done.returncode == 2


def test_a_directory_of_other_things_is_refused(specnet: Specnet, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years")
    done = specnet("run", SPECS / "xor.json", "--out", ".")
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not empty and is not a run" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_faulty_document_ends_with_1_and_leaves_nothing(specnet: Specnet, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(ENDLESS.replace("units = 8", "unts = 8").replace("tanh", "tahn"))
    done = specnet("run", "a.toml")
    assert (done.returncode, done.stdout) == (1, "")
    assert "did you mean `units`?" in done.stderr
    assert "Found 2 errors in 1 file." in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.toml"]


@pytest.mark.parametrize(
    "arguments", [("run", "absent.toml"), ("run", "."), ("run",), ("run", "a.toml", "--no")]
)
def test_wrong_usage_ends_with_2(specnet: Specnet, arguments: tuple[str, ...]) -> None:
    done = specnet(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_a_run_that_diverges_says_where_and_what_to_try(specnet: Specnet) -> None:
    flags = [
        "--set",
        "training.optimizer.learning_rate=1e30",
        "--set",
        "loss.label_smoothing=0.1",
        "--no-save",
    ]
    done = specnet("run", SPECS / "iris.toml", *flags)
    assert done.returncode == 1
    message = r"diverged: the loss became NaN or infinite at step \d+ \(epoch 1\): it first appeared in .*`dense_\d`"
    assert re.search(message, done.stderr)
    assert "try a smaller learning rate than 1e+30" in done.stderr
    assert ", diverged\n" in done.stdout
    done = specnet("run", SPECS / "iris.toml", *flags, "--output", "json")
    assert done.returncode == 1
    assert strict(done.stdout)["stopped"] == "diverged"


def test_what_is_too_large_to_be_read_is_not_shown(specnet: Specnet, tmp_path: Path) -> None:
    text = ENDLESS.replace("1000000", "1").replace("units = 8", "units = 400")
    (tmp_path / "a.toml").write_text(text + '[output]\nshow = ["predictions", "weights"]\n')
    done = specnet("run", "a.toml")
    assert done.returncode == 0
    assert "not shown: there are 200 rows, and up to 100 are readable" in done.stdout
    assert "not shown: the model has 1,601 parameters, and up to 1000 are readable" in done.stdout


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "specnet", "layers"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), cwd=tmp_path, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(60) == 141
    process.stderr.close()


class Training:
    """A run that does not end by itself, as a process."""

    def __init__(self, folder: Path) -> None:
        (folder / "a.toml").write_text(ENDLESS)
        self.run = folder / "runs" / "endless" / "001"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "specnet", "run", "a.toml", "--output", "json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), cwd=folder, text=True,
        )  # fmt: skip

    def learn(self) -> None:
        """Wait until epochs have been made."""
        await_(self.process, written(self.run / "metrics.jsonl"))

    def end(self, number: int) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=HANG)
        return self.process.returncode, out, err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_training_and_saves_what_was_learned(
    tmp_path: Path, number: int, code: int
) -> None:
    training = Training(tmp_path)
    training.learn()
    returned, out, err = training.end(number)
    assert returned == code
    data = strict(out)
    assert data["stopped"] == "interrupted"
    assert re.search(r"interrupted after [\d,]+ steps: progress is saved in runs/endless/001", err)
    model = package.load_run(training.run)
    assert model.predict([[0.0, 0.0]]).shape == (1, 1)
    assert len((training.run / "metrics.jsonl").read_text().splitlines()) == data["epochs"]


def test_a_signal_before_anything_is_learned_just_ends(tmp_path: Path) -> None:
    # The document comes from a pipe to which nobody writes its end, so that the command is still reading it.
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "specnet", "run", f"/dev/fd/{reader}"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), cwd=tmp_path, text=True,
        pass_fds=[reader],
    )  # fmt: skip
    os.close(reader)
    with os.fdopen(writer, "wb", buffering=0) as pipe:
        pipe.write(b"specnet = 1\n")
        await_(process, lambda: fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)) == bytes(4))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=HANG)
    assert (process.returncode, out, err) == (130, "", "error: interrupted\n")


def test_a_disk_that_is_full_is_named(tmp_path: Path) -> None:
    # A process that may write no file longer than 64 KiB stands for a full disk.
    program = (
        "import resource\n"
        "from specnet.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "run", str(SPECS / "mlp.toml"), "-q"],
        capture_output=True, text=True, cwd=tmp_path, env=environment(), check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    path = tmp_path / "runs/mlp/001/metrics.jsonl"
    assert done.stderr == f"error: {path} cannot be written: File too large\n"


def test_a_terminal_gets_a_bar_that_leaves_no_trace(tmp_path: Path) -> None:
    import pty

    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "specnet", "run", str(SPECS / "iris.toml")],
        stdin=follower, stdout=subprocess.PIPE, stderr=follower,
        env=environment(TERM="xterm-256color", COLUMNS="80"), cwd=tmp_path,
    )  # fmt: skip
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 4096)
        except OSError:
            break  # how Linux tells that the other end is closed
        if not part:
            break
        shown += part
    os.close(leader)
    assert process.stdout is not None
    out = process.stdout.read().decode()
    process.stdout.close()
    assert process.wait(60) == 0
    text = shown.decode()
    assert "\x1b[?25l" in text
    assert "━" in text
    assert text.endswith("\x1b[2K")
    assert "\x1b" not in out
