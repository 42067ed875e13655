"""Whatever a file holds, `validate` ends with 0, 1 or 2, in every format, and `--fix` leaves no file worse."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import random
import signal
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specnet.cli.check_options import CheckOptions
from specnet.cli.formats import FORMATS, ReportOutput
from specnet.cli.validate import check as validate
from tests.hostile.documents import bent
from tests.support.command_line import ROOT, SPECS
from tests.support.examples import examples
from tests.support.shipped import ELSEWHERE

SOUND = sorted(
    path for path in SPECS.iterdir() if path.suffix in {".toml", ".json"} and "mnist" not in path.name
)
READ = {path.name for path in SOUND} - {*ELSEWHERE, "addition.toml"}
"""Those whose data are read quickly."""

FAULTY = sorted(path for path in (ROOT / "tests/invalid").iterdir() if path.suffix in {".toml", ".json"})
LONGEST = 120
"""Seconds after which one file counts as a hang; none takes more than one, on a busy machine, too."""


class HangError(BaseException):
    """No error that a program would take for one of its own."""


@pytest.fixture(autouse=True)
def limit() -> Iterator[None]:
    """End a test that hangs."""

    def end(*_: object) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, end)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def outcome(folder: Path, content: str | bytes, name: str = "a.toml", **more: Any) -> int:
    """Write a file, validate it as the command does but for its guard, and return the exit code."""
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode(errors="surrogatepass"))
    return outcome_of(str(file), **more)


def outcome_of(*arguments: str, **more: Any) -> int:
    printed = io.StringIO()
    signal.alarm(LONGEST)
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        code = validate(arguments, CheckOptions(**more))
    signal.alarm(0)
    assert code in {0, 1, 2}
    assert "\x1b" not in printed.getvalue()
    return code


def turns(styles: tuple[str, ...] = FORMATS) -> Callable[[Path], dict[str, Any]]:
    """Return what gives each case, made from a file, another format and other options."""
    number = 0

    def turn(path: Path) -> dict[str, Any]:
        nonlocal number
        number += 1
        return {
            "outputs": [ReportOutput(styles[number % len(styles)])],
            "data": number % 3 > 0 and (path in FAULTY or path.name in READ),
            "diff": number % 5 == 0,
            "statistics": number % 11 == 0,
            "overrides": ["training.epochs=3", "layers.0.units=4"] if number % 7 == 0 else [],
        }

    return turn


VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 10**18, 10**40, 0.5, -0.0, 1e-320, 1e308, "", "a", "x" * 300,
    "dense", "mse", "../../etc/passwd", "/dev/zero", "/", "\0", "\ud800", "\u202e", [], [[]], {}, [1, [2]],
    {"type": "dense"}, {"type": "dense", "units": 10**12}, {"type": {}}, {"type": "csv", "path": "a", "target": []},
    [0] * 300, [{"type": "dense", "units": 1}] * 40, {"": {}}, "validation.loss", "full", [1] * 7, [2**31] * 4,
    [[1.0, 2.0]],
]  # fmt: skip


def twisted(data: Any, draw: random.Random) -> Any:
    """Return a document's data with some values, keys and tables exchanged for odd ones."""
    data = json.loads(json.dumps(data))
    for _ in range(draw.choice([1, 1, 2, 3])):
        node, place = data, draw.choice(list(data) or ["x"])
        while (
            isinstance(node.get(place) if isinstance(node, dict) else node[place], dict | list)
            and draw.random() < 0.8
        ):
            below = node[place]
            keys = list(below) if isinstance(below, dict) else list(range(len(below)))
            if not keys:
                break
            node, place = below, draw.choice(keys)
        match draw.randrange(5):
            case 0 if isinstance(node, dict):
                node[str(place) + draw.choice(["", "s", "_", "x", "é"])] = node.pop(place, None)
            case 1 if isinstance(node, dict):
                node.pop(place, None)
            case 2 if isinstance(node, list):
                node.append(copy.deepcopy(draw.choice(VALUES)))
            case _:
                node[place] = copy.deepcopy(draw.choice(VALUES))
    return data


@pytest.mark.parametrize("part", range(4))
def test_texts_with_slips(tmp_path: Path, part: int) -> None:
    draw, turn = random.Random(part), turns()
    originals = SOUND + FAULTY[part::4]
    for _ in range(examples(100)):
        path = draw.choice(originals)
        text = bent(path.read_text(encoding="utf-8", errors="replace")[:4000], draw)
        outcome(tmp_path, text, f"a{path.suffix}", **turn(path))


@pytest.mark.parametrize("part", range(4))
def test_documents_with_odd_values(tmp_path: Path, part: int) -> None:
    draw, turn = random.Random(100 + part), turns()
    originals = {
        path: tomllib.loads(path.read_text(encoding="utf-8"))
        if path.suffix == ".toml"
        else json.loads(path.read_bytes())
        for path in SOUND
    }
    for _ in range(examples(75)):
        path = draw.choice(SOUND)
        outcome(tmp_path, json.dumps(twisted(originals[path], draw)), "a.json", **turn(path))


def test_a_fix_leaves_no_document_worse(tmp_path: Path) -> None:
    draw = random.Random(7)
    for number in range(examples(60)):
        path = draw.choice(SOUND)
        text = path.read_text(encoding="utf-8")
        word = draw.choice(
            [w for w in set(text.replace('"', " ").split()) if w.isidentifier() and len(w) > 3]
        )
        place = draw.randrange(1, len(word) - 1)
        text = text.replace(word, word[:place] + word[place + 1 :])
        name, data = f"a{path.suffix}", path.name in READ
        before = outcome(tmp_path, text, name, data=data)
        assert outcome(tmp_path, text, name, data=data, fix=True) <= before, number
        after = (tmp_path / name).read_text(encoding="utf-8")
        assert after.count("\n") == text.count("\n")
        assert outcome(tmp_path, after, name, data=data, diff=True) <= before


@settings(
    max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="surrogatepass")))
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    for name in ("a.toml", "a.json"):
        assert outcome(tmp_path, content, name) in {1, 2}


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
KEYS = st.sampled_from(
    ["specnet", "layers", "data", "loss", "training", "type", "units", "inputs", "targets", "name"]
)
TREES = st.recursive(
    LEAVES,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(KEYS | st.text(max_size=5), below),
    max_leaves=25,
)


@settings(
    max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(KEYS, TREES))
def test_any_json(tmp_path: Path, data: dict[str, Any]) -> None:
    outcome(tmp_path, json.dumps(data), "a.json")


BASE = (SPECS / "iris.toml").read_text(encoding="utf-8")
JUNK: dict[str, str | bytes] = {
    "nothing": b"",
    "blanks": b" \r\n\t\n",
    "zeros": b"\0" * 1000,
    "binary": bytes(range(256)) * 50,
    "brackets": "[" * 10**6,
    "open arrays": "a = " + "[" * 10**6,
    "open objects": '{"a":' * 10**6,
    "braces": "a = " + "{ b = " * 10**5,
    "deep headers": "[" + ".".join("a" * 10**5) + "]",
    "deep keys": ".".join("a" * 10**5) + " = 1",
    "quotes": '"' * 10**6,
    "one long line": "a = '" + "x" * 10**6 + "'",
    "many keys": "".join(f"k{i} = {i}\n" for i in range(5000)),
    "many tables": "specnet = 1\n" + '[[layers]]\ntype = "dens"\n' * 5000,
    "many metrics": "specnet = 1\nmetrics = [" + '"mea", ' * 5000 + "]\n",
    "comments": "# specnet = 1\n" * 20000,
    "ignoring": BASE + "# specnet: ignore[SN701]\n" * 1000,
    "a huge number": f"specnet = {'9' * 10**5}",
    "a huge exponent": "specnet = 1e" + "9" * 5000,
    "a huge fraction": f"specnet = 0.{'9' * 10**5}",
    "not numbers": BASE.replace("seed    = ", "seed    = nan #").replace("units = ", "units = inf #"),
    "dates": BASE.replace("units = ", "units = 1979-05-27 #"),
    "times": BASE.replace("specnet = 1", "specnet = 07:32:00"),
    "a mark": b"\xef\xbb\xbf" + BASE.encode(),
    "two marks": b"\xef\xbb\xbf\xef\xbb\xbf" + BASE.encode(),
    "windows": BASE.replace("\n", "\r\n"),
    "old macs": BASE.replace("\n", "\r"),
    "utf-16": BASE.encode("utf-16"),
    "utf-32": BASE.encode("utf-32"),
    "latin-1": BASE.replace("iris", "größe").encode("latin-1"),
    "half a letter": BASE.encode() + b"\xe2\x82",
    "surrogates": b'name = "\xed\xa0\x80"',
    "a private letter": 'name = "\\uE000\\U0010FFFF"\n',
    "escapes": 'name = "\\u001b]0;x\\u0007"\n"\\u001b[31m" = 1\n',
    "terabytes": BASE.replace("units = 3", "units = 1000000000000"),
    "exabytes": BASE.replace('type = "dense"', 'type = "dense"\nname = "a"', 1).replace(
        "units = 3", f"units = {2**62}"
    ),
}


@pytest.mark.parametrize("suffix", [".toml", ".json"])
@pytest.mark.parametrize("kind", JUNK)
def test_junk(tmp_path: Path, kind: str, suffix: str) -> None:
    codes = {
        outcome(tmp_path, JUNK[kind], f"a{suffix}", outputs=[ReportOutput(style)])
        for style in ("full", "sarif")
    }
    sound = {"a mark", "windows", "ignoring"} if suffix == ".toml" else set()
    assert codes == ({0} if kind in sound else codes - {0})
    assert len(codes) == 1


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    (tmp_path / "a.toml").symlink_to("b.toml")
    (tmp_path / "b.toml").symlink_to("a.toml")
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "folder.toml" / "up").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.toml")
    for name in ("loop.toml", "a.toml", "folder.toml", "absent.toml", "\udcff", "x" * 5000, "a\0b", "", " "):
        assert outcome_of(str(tmp_path / name) if name.strip() else name) == 2
    assert outcome_of(str(tmp_path)) == 2
    assert outcome_of(f"{tmp_path}/**/*.toml") == 2
    assert outcome_of("[" * 100, "**/" * 30 + "[!", "/dev/null/x") == 2
    assert outcome_of("/dev/null") == 2
    assert outcome_of("/dev/zero") == 2


FOUND = [
    Path(os.environ.get("SPECNET_TOML_TEST", "")),
    *(folder / "shared" / "data" / "toml-test" for folder in Path(__file__).resolve().parents),
]
TOML_TEST = next((f for f in FOUND if (f / "tests" / "files-toml-1.0.0").is_file()), None)


@pytest.mark.skipif(TOML_TEST is None, reason="the toml-test documents are not there ($SPECNET_TOML_TEST)")
def test_documents_that_are_no_toml() -> None:
    assert TOML_TEST is not None
    names = (TOML_TEST / "tests" / "files-toml-1.0.0").read_text(encoding="utf-8").split()
    files = [
        str(TOML_TEST / "tests" / name)
        for name in names
        if name.startswith("invalid/") and name.endswith(".toml")
    ]
    assert len(files) > 300
    turn = turns(("full", "concise", "json", "sarif"))
    for file in files:
        assert outcome_of(file, **{**turn(Path(file)), "overrides": []}) in {1, 2}
