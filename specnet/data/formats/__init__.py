from __future__ import annotations

from specnet.data.reader import Reader
from specnet.vocabulary.kind import Family

READERS: Family[Reader] = Family(
    "reader",
    __name__,
    {
        "inline": "inline.Inline",
        "csv": "csv_file.Csv",
        "parquet": "parquet_file.Parquet",
        "npz": "npz.Npz",
        "npy": "npy.Npy",
        "idx": "idx.Idx",
        "images": "images.Images",
        "builtin": "builtin.Builtin",
        "synthetic": "synthetic.Synthetic",
    },
)

__all__ = [
    "READERS",
    "Reader",
]

__getattr__ = READERS.exported
