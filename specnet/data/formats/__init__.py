from __future__ import annotations

from specnet.data.format import DataFormat
from specnet.vocabulary.family import Family

FORMATS: Family[DataFormat] = Family(
    "data format",
    DataFormat,
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
    "FORMATS",
    "DataFormat",
]

__getattr__ = FORMATS.exported
