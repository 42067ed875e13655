from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from specnet._version import __version__
from specnet.engines import cache_folder as folder
from specnet.engines.cache_folder import Unsafe, cache_folder, is_kept

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have owners on POSIX systems")


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A cache that is empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "specnet" / __version__


def test_to_ask_for_a_file_makes_nothing(own):
    assert not is_kept("costs.json")
    assert not own.exists()
    (cache_folder() / "costs.json").touch()
    assert is_kept("costs.json")


def test_a_folder_above_that_others_can_write_must_be_sticky(own, tmp_path):
    tmp_path.chmod(0o1777)
    assert cache_folder() == own
    tmp_path.chmod(0o777)
    with pytest.raises(Unsafe, match="others can write"):
        cache_folder()
    tmp_path.chmod(0o700)


@pytest.mark.usefixtures("own")
def test_a_folder_of_somebody_else_is_not_used(monkeypatch):
    cache_folder()
    monkeypatch.setattr(folder.os, "getuid", lambda: os.geteuid() + 1)
    with pytest.raises(Unsafe, match="belongs to another user"):
        cache_folder()


@pytest.mark.usefixtures("own")
def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "cache").mkdir()
    for parts in (["cache", "specnet", __version__], ["cache", "specnet"], ["cache"]):
        place = tmp_path.joinpath(*parts)
        if place.is_dir():
            place.rmdir()
        place.parent.mkdir(exist_ok=True)
        place.write_text("")
        with pytest.raises(Unsafe, match=f"{re.escape(str(place))} is not a folder"):
            cache_folder()
        place.unlink()


@pytest.mark.parametrize("given", ["", "relative/cache"])
def test_without_a_variable_it_is_below_the_home_folder(monkeypatch, tmp_path, given):
    monkeypatch.setenv("XDG_CACHE_HOME", given)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert cache_folder() == tmp_path / ".cache" / "specnet" / __version__


@pytest.mark.usefixtures("own")
def test_systems_without_owners_keep_nothing(monkeypatch):
    monkeypatch.delattr(folder.os, "getuid")
    with pytest.raises(Unsafe, match="does not say who may write"):
        cache_folder()
