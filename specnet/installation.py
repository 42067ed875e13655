"""Where this installation of specnet came from (PEP 610), the commands that follow from it, and more processes of it.

The distribution is not called like the package, since that name is another project's on the public index. A
command that names an index is therefore given only to those who installed specnet from one.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, unquote, urlsplit

from specnet._version import __version__

DISTRIBUTION = "specnet-nn"

PACKAGE = Path(__file__).resolve().parent

Extra = Literal[
    "report", "fast", "parquet", "images", "onnx", "safetensors", "sklearn", "numba", "mpi", "sweep", "dask"
]

EXTRAS: dict[Extra, tuple[str, ...]] = {
    "report": ("jinja2>=3.1", "matplotlib>=3.9"),
    "fast": ("pyarrow>=15",),
    "parquet": ("pyarrow>=15",),
    "images": ("pillow>=11",),
    "onnx": ("onnx>=1.17",),
    "safetensors": ("safetensors>=0.4.5",),
    "sklearn": ("scikit-learn>=1.6",),
    "numba": ("numba>=0.61",),
    "mpi": ("mpi4py>=4",),
    "sweep": ("optuna>=4.4", "cmaes>=0.10", "scipy>=1.11"),
    "dask": ("distributed>=2024.8", "optuna>=4.4", "cmaes>=0.10", "scipy>=1.11"),
}
"""The extras of pyproject.toml that a command may ask for: an installation need not have that file or metadata."""


def install_command(extra: Extra) -> str:
    """Return a command that adds an extra to this very installation.

    It installs specnet again from where it came from, with the extra. Where that is unknown or missing, it
    installs the libraries that the extra consists of, which always works.
    """
    return _shown([*_installer(), *(_with_extra(extra) or EXTRAS[extra])])


def library_command(library: str) -> str:
    """Return a command that adds a library beside this installation."""
    return _shown([*_installer(), library])


def is_python() -> bool:
    """Return whether the program that runs is an interpreter, and not one that contains it."""
    program = Path(sys.executable or "").stem.lower()
    return program.startswith(("python", "pypy")) and not getattr(sys, "frozen", False)


def python_command(code: str) -> list[str]:
    """Return the command of another process of this Python that executes some code."""
    return [sys.executable, "-P", "-c", code]


def python_path() -> str:
    """Return the `PYTHONPATH` with which another process imports what this one does, wherever it is."""
    return os.pathsep.join(entry or working_folder() for entry in sys.path)


def working_folder() -> str:
    """Return the working directory; an empty string where it has been removed."""
    try:
        return os.getcwd()  # noqa: PTH109  a string is sent
    except OSError:
        return ""


def requirement() -> str | None:
    """Return the requirement (PEP 508) that installs the same code again, or None.

    There is one for a commit of a repository, an archive on a server, and a version from an index. A folder
    or a file may have changed since, and says nothing to another machine.
    """
    origin = _origin()
    if origin is None:
        return None
    if not origin:
        return f"{DISTRIBUTION}=={__version__}"
    match origin:
        case {"vcs_info": {"vcs": str(), "commit_id": str(commit)}}:
            url = _repository(origin, commit)
        case {"archive_info": dict(info)} if _local(origin["url"]) is None:
            url = _archive(origin, _digest(info))
        case _:
            return None
    return url and f"{DISTRIBUTION} @ {url}"


def _with_extra(extra: Extra) -> list[str] | None:
    """Return what pip is to install for an extra, or None where specnet cannot be installed again."""
    origin = _origin()
    if origin is None:
        return _from_folder(PACKAGE.parent, extra, editable=True)
    if not origin:
        return [f"{DISTRIBUTION}[{extra}]"]
    url: str | None = None
    match origin:
        case {"dir_info": dict(info)}:
            folder = _local(origin["url"])
            editable = info.get("editable") is True
            return None if folder is None else _from_folder(folder, extra, editable=editable)
        case {"vcs_info": {"vcs": str(), "commit_id": str(commit)}}:
            asked = origin["vcs_info"].get("requested_revision")
            # Some names of branches would be read as something else in a URL; a commit's never is.
            plain = isinstance(asked, str) and re.fullmatch(r"[\w./+-]+", asked)
            url = _repository(origin, asked if plain else commit)
        case {"archive_info": dict()}:
            url = _archive(origin)
    return [f"{DISTRIBUTION}[{extra}] @ {url}"] if url else None


def _origin() -> dict[str, Any] | None:
    """Return what `direct_url.json` says of the distribution that this very package belongs to.

    It is empty where there is no such file, as after an installation from an index, and None where there is
    no such distribution or the file is damaged.
    """
    from importlib import metadata

    for each in metadata.distributions(name=DISTRIBUTION):
        if not each.read_text("METADATA"):
            continue  # the remains of one that was removed
        text = each.read_text("direct_url.json")
        origin = {} if text is None else _read(text)
        # Another copy of specnet may be the one that is running: one in a folder of PYTHONPATH, say.
        match origin:
            case {"dir_info": {"editable": True}, "url": url}:
                home = (_local(url) or Path()) / PACKAGE.name
            case _:
                home = Path(str(each.locate_file(PACKAGE.name)))
        if home.resolve() == PACKAGE:
            return origin
    return None


def _read(text: str) -> dict[str, Any] | None:
    import json

    try:
        origin: dict[str, Any] = json.loads(text)
        urlsplit(origin["url"]).netloc.encode()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return origin


def _from_folder(folder: Path, extra: str, *, editable: bool) -> list[str] | None:
    """Return what installs from a folder, if specnet's source is still there."""
    import tomllib

    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        if project["project"]["name"] != DISTRIBUTION:
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return [*(["-e"] if editable else []), f"{folder}[{extra}]"]


def _repository(origin: dict[str, Any], revision: str) -> str | None:
    url, vcs = _public(origin["url"]), origin["vcs_info"]["vcs"]
    # Older pips, such as the one that Python 3.11 brings, refuse `git+file:` without the name of a host.
    url = url and re.sub("^file:///", "file://localhost/", url)
    return url and f"{vcs}+{url}@{revision}{_fragment(origin)}"


def _archive(origin: dict[str, Any], digest: str = "") -> str | None:
    url = _public(origin["url"])
    return url and f"{url}{_fragment(origin, digest)}"


def _digest(info: dict[str, Any]) -> str:
    match info:
        case {"hashes": {"sha256": str(digest)}}:
            return f"sha256={digest}"
        case {"hash": str(digest)}:  # the older form, `NAME=DIGEST`
            return digest
    return ""


def _fragment(origin: dict[str, Any], digest: str = "") -> str:
    subdirectory = origin.get("subdirectory")
    parts = [digest, f"subdirectory={quote(subdirectory)}" if isinstance(subdirectory, str) else ""]
    return "#" + "&".join(filter(None, parts)) if any(parts) else ""


def _public(url: str) -> str | None:
    """Return a URL without passwords and tokens, or None where what is left may lead nowhere."""
    parts, path = urlsplit(url), _local(url)
    if not parts.scheme or parts.query or (path is not None and not path.exists()):
        return None  # a query may be a signature
    user, _, host = parts.netloc.rpartition("@")
    # A login by SSH needs its user; everywhere else a user's name may be a token.
    login = user.partition(":")[0] if parts.scheme == "ssh" else ""
    netloc = f"{login}@{host}" if login else host
    return f"{parts.scheme}://{netloc}{parts.path}".replace(" ", "%20")


def _local(url: str) -> Path | None:
    """Return the path that a `file:` URL names, None for other URLs."""
    parts = urlsplit(url)
    if parts.scheme != "file":
        return None
    if os.name != "nt":
        return Path(unquote(parts.path))
    from urllib.request import url2pathname  # which takes longer to import than all else here

    return Path(url2pathname(f"//{parts.netloc}{parts.path}" if parts.netloc else parts.path))


def _installer() -> list[str]:
    """Return the beginning of a command that installs into the environment of this Python."""
    import shutil
    import sysconfig
    from importlib.util import find_spec

    if find_spec("pip") is None:  # as in environments that uv makes
        return ["uv", "pip", "install", "--python", sys.executable]
    first = shutil.which("pip")
    if first is not None and Path(first).parent.resolve() == Path(sysconfig.get_path("scripts")).resolve():
        return ["pip", "install"]
    return [sys.executable, "-m", "pip", "install"]


def _shown(words: Sequence[str]) -> str:
    """Return a command as this system's shells read it."""
    if os.name == "nt":
        import subprocess

        return subprocess.list2cmdline(words)
    import shlex

    return shlex.join(words)
