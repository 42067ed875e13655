from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import specnet as package
from specnet.cli.app import app
from specnet.data.text import TOKENIZERS
from specnet.data.text.vocabulary import Vocabulary
from specnet.model.generation.generating import Generation
from tests.support.command_line import environment

TOKENS = 6
LAYERS = """
layers = [
    { type = "embedding", input_dim = 6, output_dim = 6 },
    { type = "gru", units = 12, return_sequences = true },
    { type = "dense", units = 6 },
]
"""
DOCUMENT = (
    """
specnet = 1
loss    = "cross_entropy"
data    = { type = "npz", path = "d.npz" }
training = { epochs = 30, batch_size = 8, optimizer = { type = "adam", learning_rate = 0.02 } }
"""
    + LAYERS
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has learned to count, and one with a vocabulary."""
    folder = tmp_path_factory.mktemp("generate")
    sequence = np.arange(600) % TOKENS
    inputs = np.stack([sequence[i : i + 10] for i in range(64)])
    targets = np.stack([sequence[i + 1 : i + 11] for i in range(64)])
    np.savez(folder / "d.npz", inputs=inputs, targets=targets)
    (folder / "s.toml").write_text(DOCUMENT)
    (folder / "c.toml").write_text(DOCUMENT.replace(LAYERS, 'layers = [{ type = "dense", units = 6 }]'))
    (folder / "f.toml").write_text(
        DOCUMENT.replace('"d.npz"', '"d.npz", split = { folds = 2 }').replace("epochs = 30", "epochs = 1")
    )
    bidirectional = (
        '{ type = "bidirectional", layers = [{ type = "gru", units = 12, return_sequences = true }] }'
    )
    (folder / "b.toml").write_text(
        DOCUMENT.replace('{ type = "gru", units = 12, return_sequences = true }', bidirectional)
    )
    run = package.run(folder / "s.toml", out=folder / "numbers")
    package.run(folder / "f.toml", out=folder / "folds")
    package.run(folder / "b.toml", out=folder / "both", data=None)
    run.model.encoding.vocabulary = Vocabulary.learn(["abcd\n"], TOKENIZERS.validate("char"))
    run.model.save(folder / "letters.specnet")
    return folder


@pytest.fixture
def generate(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return lambda *arguments: CliRunner().invoke(app, ["generate", *map(str, arguments)])


def test_numbers_are_written_after_the_prompt(generate):
    done = generate("numbers", "--prompt", "1, 2", "--tokens", 6, "--temperature", 0)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "1 2 3 4 5 0 1 2\n", "")


def test_several_texts_are_separated(generate):
    done = generate("numbers", "--prompt", "1", "--tokens", 3, "-n", 2, "--temperature", 0)
    assert done.stdout == "1 2 3 4\n---\n1 2 3 4\n"


def test_texts_come_in_their_order_whatever_ends_first(generate):
    settings = ("--tokens", 8, "--temperature", 4, "--stop", "d")
    done = generate("letters.specnet", "--prompt", "a", *settings, "-n", 4)
    data = json.loads(
        generate("letters.specnet", "--prompt", "a", *settings, "-n", 4, "--output", "json").stdout
    )
    texts = [sample["text"] for sample in data["samples"]]
    assert len({len(text) for text in texts}) > 1
    assert done.stdout == "\n---\n".join(f"a{text}" for text in texts) + "\n"


def test_json_has_tokens_with_their_log_probabilities(generate):
    done = generate("letters.specnet", "--prompt", "a", "--tokens", 2, "--temperature", 0, "--output", "json")
    data = json.loads(done.stdout)
    (sample,) = data.pop("samples")
    assert data == {"run": "letters.specnet", "prompt": "a"}
    assert sample["ended"] == "tokens"
    assert "".join(token["token"] for token in sample["tokens"]) == sample["text"]
    assert all(token["log_probability"] <= 0 for token in sample["tokens"])
    total = sum(token["log_probability"] for token in sample["tokens"])
    assert sample["log_probability"] == pytest.approx(total)


def test_text_is_neither_markup_nor_a_command_to_the_terminal(folder, monkeypatch):
    model = package.load_model(folder / "numbers")
    model.encoding.vocabulary = Vocabulary.learn(["[b]\x1b:"], TOKENIZERS.validate("char"))
    words = model.encoding.vocabulary
    monkeypatch.setattr("specnet.runs.averaging.load_any_model", lambda *_: model)
    monkeypatch.chdir(folder)
    prompt = "[b]\x1b"
    piped = CliRunner().invoke(app, ["generate", "numbers", "--prompt", prompt, "--tokens", "1"]).stdout
    assert piped.startswith(prompt)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert words.decode(words.encode(prompt)) == prompt


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--tokens", "0"], 2, "--tokens"),
        (["--temperature", "-1"], 2, "--temperature"),
        (["--top-p", "0"], 2, "--top-p must be above 0 and at most 1, not 0"),
        (["--min-p", "2"], 2, "--min-p must be above 0"),
        (["--repetition-penalty", "0"], 2, "--repetition-penalty must be a number above 0"),
        (["-n", "3", "--beams", "2"], 2, "-n must be at most the number of beams, 2, not 3"),
        (["--beams", "2", "--top-k", "2"], 2, "nothing is drawn"),
        (["--stop", "1"], 2, "the model has no vocabulary"),
        (["--source", "1"], 2, "for --source: the model takes no source"),
        (["--prompt", "x"], 2, "indices of tokens such as `3 1 4`, not `x`"),
        (["--prompt", "7"], 2, "for --prompt: the prompt contains the token 7, and they go from 0 to 5"),
        (["--prompt", ""], 2, "for --prompt: the prompt is empty"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_asked_for_is_reported(generate, arguments, code, message):
    done = generate("numbers", *(() if "--prompt" in arguments else ("--prompt", "1")), *arguments)
    assert done.exit_code == code
    assert message in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr


def test_characters_outside_the_vocabulary_are_named(generate):
    done = generate("letters.specnet", "--prompt", "abx")
    assert done.exit_code == 2
    assert "the prompt contains `x`" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("absent", "absent: no such file or directory"),
        (
            "both",
            "both cannot generate: bidirectional_1 (bidirectional) goes through the steps of a sequence in both",
        ),
        (
            "folds",
            "folds has one model per fold, and each generates samples of its own: choose one, folds/folds/1",
        ),
    ],
)
def test_a_run_that_does_not_generate_says_why(generate, run, message):
    done = generate(run, "--prompt", "1")
    assert done.exit_code == (2 if run == "absent" else 1)
    assert done.stderr.startswith(f"error: {message}")


def test_a_run_that_is_not_of_tokens_says_so(folder, monkeypatch):
    monkeypatch.chdir(folder)
    package.run(
        {
            "specnet": 1,
            "data": {"type": "builtin", "name": "iris"},
            "layers": [{"type": "dense", "units": 3}],
            "loss": "cross_entropy",
            "training": {"epochs": 1},
        },
        out="iris",
    )
    done = CliRunner().invoke(app, ["generate", "iris"])
    assert done.exit_code == 1
    assert done.stderr.startswith("error: iris cannot generate: none of its inputs is a sequence of tokens")


def test_an_interruption_ends_the_line_and_the_command(generate, monkeypatch):
    following = Generation.__next__
    count = []

    def interrupted(self):
        count.append(1)
        if len(count) > 2:
            raise KeyboardInterrupt
        return following(self)

    monkeypatch.setattr(Generation, "__next__", interrupted)
    done = generate("numbers", "--prompt", "1", "--temperature", 0)
    assert (done.exit_code, done.stdout, done.stderr) == (130, "1 2 3\n", "error: interrupted\n")


@pytest.fixture
def interruptible():
    """Have commands react to Ctrl-C: a shell has its background jobs ignore it, and they hand that on."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_text_is_streamed_and_ctrl_c_ends_it(folder):
    command = [
        sys.executable,
        "-m",
        "specnet",
        "generate",
        "numbers",
        "--prompt",
        "1",
        "--tokens",
        "100000000",
    ]
    with subprocess.Popen(
        command, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        # It has not ended, and its first tokens can be read.
        assert process.stdout.read(20)
        assert process.poll() is None
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert out.endswith("\n")
    assert err == "error: interrupted\n"
