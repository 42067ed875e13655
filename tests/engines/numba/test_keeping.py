"""Compiled code on disk: used again where nobody else can have written it."""

from __future__ import annotations

import ast
import importlib
import os
import stat
import threading
from pathlib import Path

import pytest

pytest.importorskip("numba")

from numba.core import caching
from numba.core.registry import cpu_target

from specnet._version import __version__
from specnet.engines.notices import notices
from specnet.engines.numba import engine, keeping
from specnet.engines.numba.source import written
from specnet.engines.numpy import erf
from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH
from specnet.passes.pipeline import plan
from tests.support.threads import elsewhere, forks


@pytest.fixture
def loops():
    graph = Graph("float32")
    graph.outputs = {"y": ops.tanh(leaf(graph, "x", "input", (BATCH, 3))) * 0.25}
    chain, _whole_step = engine.emit(plan(graph, 5, engine="numba")).compiled
    return (chain,)


def loaded(loops):
    """Return what is said while loops are loaded as in a new process."""
    name, source = written(loops)
    said: list[str] = []
    with notices(said.append):
        engine._load(name, source, len(loops))
    return said


def compiling(said):
    return [message for message in said if message.startswith("compiling 1 loop with numba ")]


def test_a_plan_is_compiled_once(own, loops):
    (first,) = loaded(loops)
    assert compiling([first])
    assert loaded(loops) == []
    name, source = written(loops)
    assert (own / f"{name}.py").read_text() == source
    for path in (own, *own.iterdir()):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077
    assert len(list(own.iterdir())) == 3


def test_nobody_reads_what_another_process_is_writing(own, loops):
    fcntl = pytest.importorskip("fcntl")
    loaded(loops)
    folder = os.open(own, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    reader = threading.Thread(target=loaded, args=(loops,))
    reader.start()
    reader.join(0.2)
    assert reader.is_alive()
    os.close(folder)
    reader.join(30.0)
    assert not reader.is_alive()


def test_a_file_that_compiled_functions_take_numbers_from_is_part_of_their_source():
    own, taken = Path(keeping.__file__).parent, set()
    for path in own.rglob("*.py"):
        text = path.read_text()
        if "@inner" in text or "njit" in text:
            imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
            for module, names in ((node.module, node.names) for node in imports):
                found = importlib.import_module(module)
                if any(isinstance(getattr(found, each.name, None), int | float | tuple) for each in names):
                    taken.add(Path(found.__file__))
    taken = {path for path in taken if path.is_relative_to(own.parents[1])}
    assert Path(erf.__file__) in taken
    assert taken <= set(keeping.sources())


@forks
def test_a_child_that_is_forked_meanwhile_keeps_nobody_out(tmp_path):
    read, write = os.pipe()
    with keeping._alone_in(tmp_path):
        child = os.fork()
        if not child:
            os.close(write)
            os.read(read, 1)
            os._exit(0)

    def enter():
        with keeping._alone_in(tmp_path):
            return True

    try:
        assert elsewhere(enter)
    finally:
        os.close(write)
        os.close(read)
        os.waitpid(child, 0)


@pytest.mark.usefixtures("own")
def test_an_interrupt_as_code_is_written_leaves_no_file_that_others_can_write(loops, monkeypatch):
    save = caching.FunctionCache.save_overload

    def interrupted(cache, sig, data):
        save(cache, sig, data)
        raise KeyboardInterrupt

    before = os.umask(0o002)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(caching.FunctionCache, "save_overload", interrupted)
            with pytest.raises(KeyboardInterrupt):
                loaded(loops)
    finally:
        os.umask(before)
    assert loaded(loops) == []


@pytest.mark.parametrize("damage", ["", "half"])
def test_damaged_code_is_compiled_again(own, loops, damage):
    loaded(loops)
    (code,) = own.glob("*.nbc")
    code.write_bytes(code.read_bytes()[: 1000 if damage else 0])
    said = loaded(loops)
    assert "is damaged" in said[0]
    assert compiling(said)
    assert loaded(loops) == []


def test_code_of_another_text_is_not_run(own, loops):
    loaded(loops)
    (text,) = own.glob("*.py")
    text.write_text(text.read_text() + "# more\n")
    assert compiling(loaded(loops))
    assert loaded(loops) == []


@pytest.mark.parametrize("suffix", [".py", ".nbi", ".nbc"])
def test_a_file_that_others_can_write_is_not_read(own, loops, suffix):
    loaded(loops)
    (path,) = own.glob(f"*{suffix}")
    path.chmod(0o660)
    said = loaded(loops)
    assert said[0] == f"compiled code is kept in memory only: others can write {path}"
    assert compiling(said)


def test_a_link_in_the_folder_is_not_read(own, loops, tmp_path):
    loaded(loops)
    (path,) = own.glob("*.nbi")
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert loaded(loops)[0] == f"compiled code is kept in memory only: {path} is a link"


@pytest.mark.parametrize("mode", [0o770, 0o777, 0o1777])
@pytest.mark.parametrize("place", ["cache", "cache/specnet", f"cache/specnet/{__version__}"])
def test_a_folder_that_others_can_write_is_not_used(own, loops, tmp_path, mode, place):
    own.mkdir(parents=True)
    (tmp_path / place).chmod(mode)
    said = loaded(loops)
    assert said[0] == f"compiled code is kept in memory only: others can write {tmp_path / place}"
    assert not list(own.iterdir())


def test_why_nothing_is_kept_is_said_once(own):
    own.mkdir(parents=True)
    own.chmod(0o777)
    said: list[str] = []
    with notices(said.append):
        for _ in range(2):
            assert keeping.KeptCode(engine.functions, "").load_overload(None, None) is None
    assert said == [f"compiled code is kept in memory only: others can write {own}"]


def test_damage_is_described_on_one_line(own, monkeypatch):
    def damaged(*_):
        raise RuntimeError("LLVM bitcode parsing error\nInvalid record")

    own.mkdir(parents=True, mode=0o700)
    monkeypatch.setattr(keeping._Files, "load", damaged)
    said: list[str] = []
    with notices(said.append):
        keeping.KeptCode(engine.functions, "").load_overload(None, cpu_target.target_context)
    assert said == [
        f"compiled code in {own} is damaged (LLVM bitcode parsing error Invalid record), and is written again"
    ]


def test_plans_that_were_not_used_for_longest_give_way(own, loops, monkeypatch):
    monkeypatch.setattr(keeping, "MOST", 2)
    loaded(loops)
    (text,) = own.glob("*.py")
    for age, name in enumerate(("plan_b", "plan_a")):
        (own / f"{name}.py").write_text("")
        (own / f"{name}.code").write_text("")
        os.utime(own / f"{name}.py", (age, age))
    other = Graph("float32")
    other.outputs = {"y": ops.exp(leaf(other, "x", "input", (BATCH, 3)))}
    loaded(engine.emit(plan(other, 5, engine="numba")).compiled)
    assert {path.stem for path in own.glob("*.py")} & {"plan_a", "plan_b"} == set()
    assert text.exists()
    assert not list(own.glob("*.code"))
