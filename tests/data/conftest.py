from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specnet.data import FORMATS, Dataset, Signature, inspect_data, load_data
from specnet.diagnostics import Diagnostic, SpecError
from tests.support.typed_columns import FIELDS, TEXT


class Desk:
    """A folder of data files, and readers that look at them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def inspect(self, **fields: Any) -> Signature:
        return inspect_data(FORMATS.validate(fields), self.folder)

    def load(self, *, seed: int = 7, dtype: str = "float64", **fields: Any) -> Dataset:
        reader = FORMATS.validate(fields)
        data = load_data(reader, self.folder, seed=seed, dtype=dtype)
        assert inspect_data(reader, self.folder) == data.signature
        shape, target = data.signature.inputs, data.signature.target
        assert data.signature.rows == {name: len(split) for name, split in data.splits.items()}
        for split in data.splits.values():
            assert split.inputs.shape == (len(split), *shape)
            assert split.inputs.dtype == dtype
            assert split.inputs.flags.c_contiguous
            assert split.targets.shape == (len(split), *target)
            assert split.targets.dtype == ("int64" if data.signature.integers else dtype)
        return data

    def faults(self, **fields: Any) -> list[Diagnostic]:
        """The findings about the data, the same whether they are inspected or loaded."""
        reader = FORMATS.validate(fields)
        with pytest.raises(SpecError) as loading:
            load_data(reader, self.folder, seed=7, dtype="float64")
        return list(loading.value.diagnostics)

    def found(self, **fields: Any) -> list[Diagnostic]:
        """The findings about the data that are told without reading arrays, and so by both."""
        reader = FORMATS.validate(fields)
        with pytest.raises(SpecError) as inspection:
            inspect_data(reader, self.folder)
        found = list(inspection.value.diagnostics)
        assert self.faults(**fields) == found
        return found

    def fault(self, **fields: Any) -> Diagnostic:
        """The only finding."""
        found = self.found(**fields)
        assert len(found) == 1, found
        return found[0]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.delenv("SPECNET_DATA", raising=False)
    return Desk(tmp_path)


@pytest.fixture(scope="session")
def real() -> Callable[[str], Path]:
    """Find a file among real data sets, in $SPECNET_DATA or in a folder `shared/data` above the tests."""
    named = os.environ.get("SPECNET_DATA")
    folders = [Path(named)] if named else [p / "shared" / "data" for p in Path(__file__).resolve().parents]
    folder = next((folder for folder in folders if folder.is_dir()), None)

    def find(name: str) -> Path:
        if folder is None or not (folder / name).exists():
            pytest.skip(f"the data set {name} is not there ($SPECNET_DATA)")
        return folder / name

    return find


@pytest.fixture
def expected(desk: Desk) -> Dataset:
    """What the same table comes to as text, its columns' types written down."""
    desk.write("f.csv", TEXT)
    columns = {"member": {"type": "boolean"}, "zip": {"type": "category"}}
    return desk.load(type="csv", path="f.csv", **FIELDS, columns=columns)
