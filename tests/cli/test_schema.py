from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from specnet.cli.schema import FILE, LINE, OURS
from specnet.language.json_schema import schema
from tests.support.command_line import SPECS, Specnet


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "specs/more").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    shutil.copy(SPECS / "mlp.toml", tmp_path / "specs")
    shutil.copy(SPECS / "xor.json", tmp_path / "specs")
    text = (SPECS / "moons.toml").read_text(encoding="utf-8")
    (tmp_path / "specs/more/bare.toml").write_text(text.replace(f"{LINE}\n", ""), encoding="utf-8")
    (tmp_path / "specs/more/bare.json").write_text('{ "specnet": 1 }', encoding="utf-8")
    (tmp_path / "specs/more/below.toml").write_text(f"# mine\n\n{LINE}\n{text}", encoding="utf-8")
    return tmp_path


def test_the_schema_is_written_next_to_documents(specnet: Specnet, project: Path) -> None:
    done = specnet("schema", "--install")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"specs/{FILE} written",
        f"specs/more/{FILE} written",
        'specs/more/bare.json does not name it: add the key "$schema": "./specnet.schema.json"',
        "specs/more/bare.toml does not name it: add the first line #:schema ./specnet.schema.json",
    ]
    assert json.loads((project / "specs" / FILE).read_text(encoding="utf-8")) == schema()
    assert not (project / FILE).exists()
    printed = specnet("schema").stdout
    assert json.loads(printed) == schema()
    again = specnet("schema", "--install", "specs/mlp.toml", "empty")
    assert again.stdout.splitlines() == [f"empty/{FILE} written", f"specs/{FILE} is up to date"]
    old = {"$id": f"{OURS}0", "title": "of another version"}
    (project / "empty" / FILE).write_text(json.dumps(old), encoding="utf-8")
    assert specnet("schema", "--install", "empty").stdout == f"empty/{FILE} updated\n"
    assert json.loads((project / "empty" / FILE).read_text(encoding="utf-8")) == schema()


@pytest.mark.parametrize("content", ["{}", '{"$id": "https://example.org/mine"}', "[]", "not JSON", ""])
def test_what_is_not_a_schema_of_specnet_is_left_alone(content: str, specnet: Specnet, project: Path) -> None:
    (project / "specs/more" / FILE).write_text(content, encoding="utf-8")
    done = specnet("schema", "--install", "specs")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: specs/more/{FILE}: the file exists and is not a schema of specnet")
    assert (project / "specs/more" / FILE).read_text(encoding="utf-8") == content
    assert not (project / "specs" / FILE).exists()


def test_a_folder_of_that_name_is_left_alone(specnet: Specnet, project: Path) -> None:
    (project / "empty" / FILE).mkdir()
    assert specnet("schema", "--install", "empty").returncode == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["schema", "specs"], "it says where to --install the schema"),
        (["schema", "--install", "absent"], "error: absent: no such file or directory"),
        (["schema", "--install", "t.csv"], "error: t.csv: this is neither a document nor a folder"),
    ],
)
def test_wrong_usage(arguments: list[str], said: str, specnet: Specnet, project: Path) -> None:
    (project / "t.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    done = specnet(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.*")), ids=lambda path: path.name)
def test_shipped_documents_name_the_file_that_is_written(path: Path) -> None:
    if path.suffix == ".json":
        assert json.loads(path.read_text(encoding="utf-8"))["$schema"] == f"./{FILE}"
    else:
        assert path.read_text(encoding="utf-8").startswith(f"{LINE}\n")


def test_first_documents_name_it_too(specnet: Specnet, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "a,b\n" + "".join(f"{n * 0.5},{n % 2}\n" for n in range(30)), encoding="utf-8"
    )
    assert specnet("init", "t.csv").returncode == 0
    assert (tmp_path / "t.toml").read_text(encoding="utf-8").startswith(f"{LINE}\n")
    assert specnet("schema", "--install").stdout == f"{FILE} written\n"


def test_the_id_of_the_schema_is_known() -> None:
    assert re.fullmatch(rf"{OURS}\d+", schema()["$id"])
